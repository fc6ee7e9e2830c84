/** Starts the origin program. */
import type { Processes } from './processes.js';

const MODULE = new URL('../origin/main.js', import.meta.url);

/** @returns the port it listens on */
export function startOrigin(processes: Processes): Promise<number> {
  const running = processes.fork(MODULE);
  return new Promise((resolve, reject) => {
    running.child.once('message', (message) => resolve((message as { port: number }).port));
    running.child.once('exit', () => reject(new Error(`the origin did not start: ${running.output}`)));
  });
}

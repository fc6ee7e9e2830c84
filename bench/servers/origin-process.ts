/** Starts the origin program. */
import type { Processes, RunningProcess } from './processes.js';

const MODULE = new URL('../origin/main.js', import.meta.url);

export interface RunningOrigin {
  readonly process: RunningProcess;
  readonly port: number;
}

export async function startOrigin(processes: Processes): Promise<RunningOrigin> {
  const running = processes.fork(MODULE);
  const port = await new Promise<number>((resolve, reject) => {
    running.child.once('message', (message) => resolve((message as { port: number }).port));
    running.child.once('exit', () => reject(new Error(`the origin did not start: ${running.output}`)));
  });
  return { process: running, port };
}

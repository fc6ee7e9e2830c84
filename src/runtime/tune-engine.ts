/** What V8 is told about a process that is a server and nothing else. */
import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  // V8 lets a function run for a while before it compiles it for speed; this is a third of the while. The first thousands
  // of clients after a start, which come all at once, were served by its interpreter.
  '--interrupt-budget=20000',
  // What lived through the first seconds makes V8 believe that everything made in the same place will live long. Most
  // of a proxy's objects live for one request: made among the old ones, they had it mark the whole heap twice as often.
  '--no-allocation-site-pretenuring',
];

/**
 * Compiles hot code sooner and makes all new objects in the young generation, for the whole process. It holds for what
 * is compiled from then on, so it comes before the first client; figures: docs/performance.md. The library leaves its
 * host's engine as it is.
 */
export function tuneEngine(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

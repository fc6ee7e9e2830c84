/** One clock for every process of a run: the machine's monotonic clock, so that a time can travel with a message. */

/** Microseconds between the machine's clock and the one that starts with each process. */
const OFFSET = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000;

/** Microseconds since an arbitrary moment that is the same for all processes of this machine. */
export function micros(): number {
  return OFFSET + performance.now() * 1_000;
}

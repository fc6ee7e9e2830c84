/** One clock for every process of a run: the machine's monotonic clock, so that a time can travel with a message. */

/** Microseconds since an arbitrary moment that is the same for all processes of this machine. */
export function micros(): number {
  // Not performance.now(): each process counts from its own start, and nobody can tell the difference exactly.
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

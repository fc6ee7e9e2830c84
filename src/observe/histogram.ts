/**
 * How long something took, counted in buckets: as little as can be done for each time, and summable over processes.
 *
 *     bounds   0.5   1   2.5 …  60,000           milliseconds
 *     counts   [ 7 ][ 0 ][ 2 ] … [ 0 ][ 1 ]      the last one is for what took longer than all bounds
 */

/** Upper bounds in milliseconds, inclusive. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/** Plain numbers, so that they can be sent to another process. */
export interface Latencies {
  /** Times in each bucket alone, and beyond the last. */
  readonly counts: number[];
  /** Milliseconds of all of them together. */
  sum: number;
}

export function noLatencies(): Latencies {
  return { counts: LATENCY_BOUNDS.map(() => 0).concat(0), sum: 0 };
}

/** Counts one time. @param milliseconds - below 0 counts as 0: clocks of two processes may differ by a hair */
export function observe(latencies: Latencies, milliseconds: number): void {
  const { counts } = latencies;
  let at = 0;
  while (at < LATENCY_BOUNDS.length && milliseconds > (LATENCY_BOUNDS[at] as number)) at += 1;
  counts[at] = (counts[at] as number) + 1;
  if (milliseconds > 0) latencies.sum += milliseconds;
}

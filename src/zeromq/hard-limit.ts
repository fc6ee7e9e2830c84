/**
 * How much a peer of libzmq may announce: what is more ends its connection before it is in memory. What is less, and too
 * large all the same, is skipped and counted, which needs all of it.
 */
const FACTOR = 10;
/** Bytes that are no trouble, however little is allowed. */
const LEAST = 1_000_000;

/** @param maxBytes - of a message or request that is looked into */
export function hardLimitOf(maxBytes: number): number {
  return Math.max(maxBytes * FACTOR, LEAST);
}

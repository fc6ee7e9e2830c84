import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATENCY_BOUNDS, noLatencies, observe } from '../../src/observe/histogram.js';

const LAST = LATENCY_BOUNDS.length;

describe('latencies', () => {
  it('have bounds that grow', () => {
    expect([...LATENCY_BOUNDS].sort((one, other) => one - other)).toEqual(LATENCY_BOUNDS);
    expect(new Set(LATENCY_BOUNDS).size).toBe(LAST);
  });

  it.each([
    [0, 0, 0],
    [0.5, 0, 0.5],
    [0.500001, 1, 0.500001],
    [1, 1, 1],
    [60_000, LAST - 1, 60_000],
    [60_000.1, LAST, 60_000.1],
    [Number.MAX_SAFE_INTEGER, LAST, Number.MAX_SAFE_INTEGER],
    [-0.01, 0, 0],
  ])('of %d ms are counted in bucket %d', (milliseconds, bucket, sum) => {
    const latencies = noLatencies();
    observe(latencies, milliseconds);
    expect(latencies.counts.flatMap((count, at) => (count === 0 ? [] : [[at, count]]))).toEqual([[bucket, 1]]);
    expect(latencies.sum).toBe(sum);
  });

  it('are all in exactly one bucket, whose bounds they are between', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100_000, noNaN: true })), (times) => {
        const latencies = noLatencies();
        for (const time of times) observe(latencies, time);
        const expected = [...LATENCY_BOUNDS, Number.POSITIVE_INFINITY].map(
          (bound, at) => times.filter((time) => time <= bound && time > (LATENCY_BOUNDS[at - 1] ?? -1)).length,
        );
        expect(latencies.counts).toEqual(expected);
      }),
    );
  });

  it('survive the way to another process', () => {
    const latencies = noLatencies();
    observe(latencies, 3);
    expect(structuredClone(latencies)).toEqual(latencies);
  });
});

/** Histograms: percentiles near the truth, whatever the values, and the same after travelling between processes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../bench/histogram.js';

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('a histogram', () => {
  it('has no percentiles without values', () => {
    expect(new Histogram().percentile(0.5)).toBeUndefined();
    expect(new Histogram().entries()).toEqual([]);
  });

  it('is exact for small values', () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, index) => index + 1));
    expect([0, 0.5, 0.99, 1].map((share) => histogram.percentile(share))).toEqual([1, 50, 99, 100]);
  });

  it('takes what is out of range for the nearest value it has', () => {
    expect(histogramOf([-5]).percentile(1)).toBe(0);
    expect(histogramOf([2 ** 40]).percentile(1)).toBeGreaterThan(2 ** 31 * 0.99);
  });

  it('is within one percent of the true percentile', () => {
    const values = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const sorted = [...all].sort((a, b) => a - b);
        const truth = sorted[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0;
        const found = histogramOf(all).percentile(share) ?? Number.NaN;
        expect(Math.abs(found - truth)).toBeLessThanOrEqual(truth * 0.01);
      }),
    );
  });

  it('adds up those of several processes as if all values had been recorded in one', () => {
    const [some, others] = [
      [3, 70_000, 12],
      [900, 3, 2_000_000],
    ];
    const together = Histogram.from(histogramOf(some).entries());
    together.addEntries(histogramOf(others).entries());
    expect(together.entries()).toEqual(histogramOf([...some, ...others]).entries());
    expect(together.count).toBe(6);
  });

  it('forgets everything when it is cleared', () => {
    const histogram = histogramOf([1, 2, 3]);
    histogram.clear();
    expect([histogram.count, histogram.percentile(0.5), histogram.entries()]).toEqual([0, undefined, []]);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sweep } from '../../src/sockets/sweep.js';

describe('the sweep over connections', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['the defaults', 60, 1_800, 15_000, 4, 120],
    ['limits in fractions of a second', 0.3, 0.2, 50, 6, 4],
    ['limits shorter than a look', 0.01, 0.01, 20, 1, 1],
    ['limits of days', 1_000_000, 2_000_000, 30_000, 33_334, 66_667],
  ])('looks four times in the shorter limit, within bounds: %s', (_what, head, idle, interval, heads, idles) => {
    const sweep = new Sweep({ headTimeout: head, idleTimeout: idle });
    expect([sweep.headLooks, sweep.idleLooks]).toEqual([heads, idles]);
    const seen: number[] = [];
    sweep.start(() => seen.push(sweep.now));
    vi.advanceTimersByTime(interval - 1);
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(1 + 2 * interval);
    expect(seen).toEqual([1, 2, 3]);
    sweep.stop();
    vi.advanceTimersByTime(10 * interval);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('may be stopped before it was started', () => {
    expect(() => new Sweep({ headTimeout: 1, idleTimeout: 1 }).stop()).not.toThrow();
  });
});

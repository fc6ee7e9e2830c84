/** When a soak has failed: each criterion is broken once, and nothing else is. */
import { describe, expect, it } from 'vitest';
import { faultsIn, limitsFor, type Sample, type SoakResult } from '../../bench/soak/criteria.js';

/** Thirty minutes, a sample every five seconds. */
const SECONDS = 1_800;

function samples(pss: (at: number) => number): Sample[] {
  return Array.from({ length: SECONDS / 5 }, (_, index) => {
    const at = (index + 1) * 5;
    return { at, pss: pss(at), rss: pss(at), heap: 1, descriptors: 30 };
  });
}

function result(changed: Partial<SoakResult> = {}): SoakResult {
  return {
    samples: samples(() => 80_000),
    before: { heap: 10_000_000, descriptors: 30 },
    after: { heap: 10_500_000, descriptors: 30 },
    faults: {},
    visits: 1_000,
    ...changed,
  };
}

function wrong(changed: Partial<SoakResult>): string[] {
  return faultsIn(result(changed), limitsFor(SECONDS));
}

describe('a soak', () => {
  it('passes when memory stays and everything is given back', () => {
    expect(wrong({})).toEqual([]);
  });

  it('of less than ten minutes says nothing about the growth of memory', () => {
    const growing = result({ samples: samples((at) => at * 100) });
    expect(faultsIn(growing, limitsFor(599))).toEqual([]);
    expect(faultsIn(growing, limitsFor(600)).length).toBe(1);
  });

  it('passes when memory grows while the server warms up', () => {
    expect(wrong({ samples: samples((at) => (at < 300 ? 40_000 + at * 100 : 80_000)) })).toEqual([]);
  });

  it('fails when memory goes on growing', () => {
    const [first, ...more] = wrong({ samples: samples((at) => 80_000 + at * 5) });
    expect(first).toMatch(/^memory grew from 79\.\d MB to 86\.\d MB \(\d+\.\d %/);
    expect(more).toEqual([]);
  });

  it('is not misled by a single high sample', () => {
    expect(wrong({ samples: samples((at) => (at === SECONDS ? 200_000 : 80_000)) })).toEqual([]);
  });

  it('fails when a descriptor stays open', () => {
    expect(wrong({ after: { heap: 10_000_000, descriptors: 31 } })).toEqual([
      '31 descriptors are open without clients, before it were 30',
    ]);
  });

  it('fails when the heap without clients has grown', () => {
    expect(wrong({ after: { heap: 20_000_000, descriptors: 30 } })).toEqual([
      'without clients the heap has 19.1 MB, before it had 9.5 MB',
    ]);
  });

  it('fails for each fault of a client, and when nobody came', () => {
    expect(wrong({ faults: { 'failed: stream: lost': 2 }, visits: 0 })).toEqual([
      'failed: stream: lost: 2',
      'no visit came to its end',
    ]);
  });

  it('fails without samples to compare', () => {
    const [, , ...rest] = samples(() => 80_000);
    const onlyLast = rest.filter(({ at }) => at > 600);
    expect(wrong({ samples: onlyLast })).toEqual(['there are too few samples of the memory']);
  });
});

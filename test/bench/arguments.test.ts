/** Arguments of the tools: what cannot be is refused with a sentence that names it. */
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  numberOption,
  parseOptions,
  UsageError,
  wholeOption,
  wholesOption,
  workersOption,
} from '../../bench/arguments.js';
import { shareOf, totalOf } from '../../bench/clients.js';
import { scenariosNamed } from '../../bench/scenarios/all.js';
import { wrongIn } from '../../bench/slow/verdict.js';

describe('a number', () => {
  it('is the fallback when it is not given', () => {
    expect(numberOption('secs', undefined, 3, 1, 9)).toBe(3);
    expect(workersOption(undefined)).toBe(1);
  });

  it.each(['', 'x', '0', '10', '1e9'])('%j is refused with the limits', (text) => {
    expect(() => numberOption('secs', text, 3, 1, 9)).toThrow(
      new UsageError(`--secs has to be a number from 1 to 9, not "${text}"`),
    );
  });

  it('of things is whole', () => {
    expect(wholeOption('runs', '2', 1, 1, 9)).toBe(2);
    expect(() => wholeOption('runs', '2.5', 1, 1, 9)).toThrow(UsageError);
  });

  it('may be one of several, which come out in rising order without doubles', () => {
    expect(wholesOption('counts', '100,1,100', [5], 1_000)).toEqual([1, 100]);
    expect(wholesOption('counts', undefined, [5], 1_000)).toEqual([5]);
  });

  it('of workers may be one for each core', () => {
    expect(workersOption('auto')).toBe(availableParallelism());
  });
});

describe('an option', () => {
  it('that does not exist is refused', () => {
    expect(() => parseOptions(['--rnus', '3'], { runs: { type: 'string' } })).toThrow(UsageError);
  });
});

describe('a scenario', () => {
  it('is found by its name; another name is answered with those there are', () => {
    expect(scenariosNamed('poll,proxy').map(({ name }) => name)).toEqual(['poll', 'proxy']);
    expect(() => scenariosNamed('prxy')).toThrow(/no scenario "prxy".*proxy, proxy-100k/);
  });
});

describe('client processes', () => {
  it('share what there is to do, nothing is left over', () => {
    expect([0, 1, 2].map((index) => shareOf(1_000, index, 3))).toEqual([334, 333, 333]);
    expect([0, 1, 2].map((index) => shareOf(1, index, 3))).toEqual([1, 0, 0]);
  });

  it('are added up', () => {
    const total = totalOf([
      { counts: { lost: 1, opened: 5 }, latencies: { open: [10, 3] } },
      { counts: { opened: 6 }, latencies: { open: [20, 1] } },
    ]);
    expect(total.counts).toEqual({ lost: 1, opened: 11 });
    expect([total.count('dead'), total.latency('open', 1), total.latency('none', 0.5)]).toEqual([0, 20, undefined]);
  });
});

describe('a run with slow readers', () => {
  const options = { streams: 100, messageBytes: 4_000, outboxBytes: 1_000_000 };
  const counted = { kind: 'counted', streams: 90, delivered: 1, outboxFull: 10 } as const;
  const result = { slow: 10, published: 10_000, lastP50: 1, lastP99: 1, samples: [], closed: 10, counted, faults: {} };

  it('is well when exactly they were closed, and counted', () => {
    expect(wrongIn(result, options)).toEqual([]);
    expect(wrongIn({ ...result, slow: 0, closed: 0 }, options)).toEqual([]);
  });

  it('is not when one of them stayed, and says when too little was published', () => {
    const stayed = { ...result, closed: 9, counted: { ...counted, streams: 91, outboxFull: 9 } };
    expect(wrongIn(stayed, options)).toEqual(['9 of 10 slow readers were closed']);
    expect(wrongIn({ ...stayed, published: 100 }, options)[1]).toMatch(/^only 400 kB were published/);
  });

  it('is not when a drop was not counted, a reader is gone, or anything was lost', () => {
    const wrong = wrongIn(
      { ...result, counted: { ...counted, streams: 89, outboxFull: 5 }, faults: { gaps: 1 } },
      options,
    );
    expect(wrong).toEqual([
      'gaps: 1',
      '5 drops were counted for 10 closed clients',
      '89 streams are held, 90 should be',
    ]);
  });
});

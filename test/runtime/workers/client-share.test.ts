import { describe, expect, it } from 'vitest';
import { ClientShare, limitsOf, openFilesLimit } from '../../../src/runtime/workers/client-share.js';

describe('what a worker tells of its clients', () => {
  it('is their number, each time it has changed by 32', () => {
    const told: number[] = [];
    const share = new ClientShare({ full: 1_000, brink: 1_000, step: 32 }, (open) => told.push(open));
    for (let open = 1; open <= 70; open += 1) share.count(open);
    for (let open = 69; open >= 20; open -= 1) share.count(open);
    expect(told).toEqual([32, 64, 32]);
  });

  it('is told at once when it becomes full or comes to the brink, and when that is over', () => {
    const told: number[] = [];
    const share = new ClientShare({ full: 10, brink: 13, step: 32 }, (open) => told.push(open));
    for (const open of [8, 9, 10, 11, 12, 13, 14, 13, 12, 11, 10, 9, 8]) share.count(open);
    expect(told).toEqual([10, 13, 12, 9]);
  });
});

describe('a worker', () => {
  it.each([
    ['15/16 of its connections', 1_600, Number.POSITIVE_INFINITY, { full: 1_500, brink: 1_536, step: 32 }],
    ['7/8 of its files', 50_000, 20_000, { full: 17_500, brink: 17_500, step: 32 }],
    [
      '15/16 of its connections, where more would be too many files',
      18_000,
      20_000,
      { full: 16_875, brink: 17_436, step: 32 },
    ],
    ['less, in smaller steps, where it may have little', 32, 20_000, { full: 30, brink: 30, step: 1 }],
    ['its last connection, where it may have two', 2, 20_000, { full: 2, brink: 2, step: 1 }],
    ['one connection, where it may have one', 1, 20_000, { full: 1, brink: 1, step: 1 }],
  ])('is full at %s', (_, connections, files, limits) => {
    expect(limitsOf(connections, files)).toEqual(limits);
  });

  it.runIf(process.platform === 'linux')('knows how many files it may open', () => {
    expect(openFilesLimit()).toBeGreaterThan(100);
    expect(openFilesLimit()).toBeLessThan(2 ** 31);
  });
});

import { describe, expect, it } from 'vitest';
import { Deduplication } from '../../src/hub/deduplication.js';

const MAX_REMEMBERED = 1_000_000;

describe('de-duplication', () => {
  it('knows a pair of channel and id until its time to live is over', () => {
    const seen = new Deduplication(60_000);
    expect(seen.isDuplicate('c', '1', 1_000)).toBe(false);
    expect(seen.isDuplicate('c', '1', 1_000)).toBe(true);
    expect(seen.isDuplicate('c', '1', 60_999)).toBe(true);
    expect(seen.isDuplicate('c', '1', 61_000)).toBe(false);
  });

  it('counts the time from the first sight, not from the last', () => {
    const seen = new Deduplication(1_000);
    for (const now of [0, 400, 800]) seen.isDuplicate('c', '1', now);
    expect(seen.isDuplicate('c', '1', 1_000)).toBe(false);
    expect(seen.isDuplicate('c', '1', 1_999)).toBe(true);
  });

  it.each([
    ['another id', 'c', '2'],
    ['another channel', 'd', '1'],
    ['the same characters cut elsewhere', 'c1', ''],
    ['an id that looks like the border between the two', 'c', ':1'],
    ['an empty channel', '', 'c1'],
  ])('takes %s for another pair', (_, channel, id) => {
    const seen = new Deduplication(1_000);
    seen.isDuplicate('c', '1', 0);
    expect(seen.isDuplicate(channel, id, 0)).toBe(false);
  });

  it('an empty id is an id', () => {
    const seen = new Deduplication(1_000);
    expect(seen.isDuplicate('c', '', 0)).toBe(false);
    expect(seen.isDuplicate('c', '', 0)).toBe(true);
  });

  it.each([0, -1])('with a time to live of %i remembers nothing', (ttl) => {
    const seen = new Deduplication(ttl);
    expect(seen.isDuplicate('c', '1', 0)).toBe(false);
    expect(seen.isDuplicate('c', '1', 0)).toBe(false);
    expect(seen.size).toBe(0);
  });

  it('forgets what is past its time and nothing else', () => {
    const seen = new Deduplication(1_000);
    seen.isDuplicate('c', 'old', 0);
    seen.isDuplicate('c', 'renewed', 0);
    seen.isDuplicate('c', 'young', 600);
    seen.isDuplicate('c', 'renewed', 1_000);
    seen.expire(999);
    expect(seen.size).toBe(3);
    seen.expire(1_000);
    expect(seen.size).toBe(2);
    expect(seen.isDuplicate('c', 'young', 1_000)).toBe(true);
    expect(seen.isDuplicate('c', 'renewed', 1_000)).toBe(true);
  });

  it('remembers a million pairs at most and then forgets the oldest first', () => {
    const seen = new Deduplication(60_000);
    for (let id = 0; id < MAX_REMEMBERED; id += 1) seen.isDuplicate('c', String(id), 0);
    expect(seen.size).toBe(MAX_REMEMBERED);
    expect(seen.isDuplicate('c', 'one more', 0)).toBe(false);
    expect(seen.size).toBe(MAX_REMEMBERED);
    expect(seen.isDuplicate('c', '1', 0)).toBe(true);
    expect(seen.isDuplicate('c', String(MAX_REMEMBERED - 1), 0)).toBe(true);
    expect(seen.isDuplicate('c', '0', 0)).toBe(false);
  });
});

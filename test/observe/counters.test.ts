import { describe, expect, it } from 'vitest';
import { Counters, sumOf } from '../../src/observe/counters.js';

describe('counters', () => {
  it('start at zero, every one of them', () => {
    const counters = new Counters();
    const flat = (object: object): unknown[] =>
      Object.values(object).flatMap((value: unknown) =>
        typeof value === 'object' && value !== null ? flat(value) : [value],
      );
    const numbers = flat(counters);
    expect(numbers.length).toBeGreaterThan(15);
    expect(numbers.every((number) => number === 0)).toBe(true);
  });

  it('have a number for every reason to drop something', () => {
    expect(Object.keys(new Counters().dropped).sort()).toEqual([
      'abandoned',
      'duplicate',
      'filtered',
      'gap',
      'invalid-item',
      'invalid-request',
      'outbox-full',
      'queue-full',
      'rate-limit',
      'sequencer-full',
      'span-not-taken',
      'span-queue-full',
      'stats-full',
      'unread-reply',
    ]);
  });

  it('of two instances are independent of each other', () => {
    const [one, other] = [new Counters(), new Counters()];
    one.dropped.duplicate += 1;
    one.holds.ws += 1;
    expect([other.dropped.duplicate, other.holds.ws]).toEqual([0, 0]);
  });

  it('of several processes are summed, every one of them', () => {
    const [one, other] = [new Counters(), new Counters()];
    let next = 1;
    /** A different number everywhere. */
    const fill = (object: object): void => {
      for (const [key, value] of Object.entries(object)) {
        if (typeof value === 'object') fill(value as object);
        else {
          Object.assign(object, { [key]: next });
          next += 1;
        }
      }
    };
    fill(one);
    fill(other);
    const flat = (counters: object): number[] =>
      Object.values(counters).flatMap((value): number[] => (typeof value === 'object' ? flat(value) : [value]));
    const expected = flat(one).map((value, index) => value + (flat(other)[index] ?? 0));
    const before = structuredClone(one);
    expect(flat(sumOf([one, other]))).toEqual(expected);
    expect(one).toEqual(before);
    expect(sumOf([])).toEqual(new Counters());
  });
});

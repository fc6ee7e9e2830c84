import { describe, expect, it } from 'vitest';
import { Counters } from '../../src/observe/counters.js';

describe('counters', () => {
  it('start at zero, every one of them', () => {
    const counters = new Counters();
    const numbers = Object.values(counters).flatMap((value): unknown[] =>
      typeof value === 'object' ? Object.values(value) : [value],
    );
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
      'outbox-full',
      'queue-full',
      'rate-limit',
      'sequencer-full',
    ]);
  });

  it('of two instances are independent of each other', () => {
    const [one, other] = [new Counters(), new Counters()];
    one.dropped.duplicate += 1;
    one.holds.ws += 1;
    expect([other.dropped.duplicate, other.holds.ws]).toEqual([0, 0]);
  });
});

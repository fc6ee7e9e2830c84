import { describe, expect, it } from 'vitest';
import { SubscriptionStats } from '../../src/control/subscription-stats.js';
import { Wheel } from '../../src/time/wheel.js';
import { ManualClock } from '../support/manual-clock.js';

function sample() {
  const clock = new ManualClock();
  const told: unknown[] = [];
  const stats = new SubscriptionStats({ ttl: 8, linger: 3 }, new Wheel(clock), ({ fields }) => {
    told.push(
      fields.unavailable === true ? [fields.mode, fields.channel] : [fields.mode, fields.channel, fields.subscribers],
    );
  });
  return { clock, stats, take: () => told.splice(0) };
}

describe('SubscriptionStats', () => {
  it('tells of the first subscriber at once, of changes within a second, of the end at once', () => {
    const { clock, stats, take } = sample();
    stats.counted('a', 'stream', 1);
    expect(take()).toEqual([['stream', 'a', 1]]);
    stats.counted('a', 'stream', 2);
    stats.counted('a', 'stream', 3);
    expect(take()).toEqual([]);
    clock.advance(1_000);
    expect(take()).toEqual([['stream', 'a', 3]]);
    stats.counted('a', 'stream', 0);
    expect(take()).toEqual([['stream', 'a']]);
    clock.advance(20_000);
    expect(take()).toEqual([]);
  });

  it('tells again before three quarters of the time to live are over', () => {
    const { clock, stats, take } = sample();
    stats.counted('a', 'ws', 1);
    take();
    clock.advance(4_000);
    expect(take()).toEqual([]);
    clock.advance(2_000);
    expect(take()).toEqual([['ws', 'a', 1]]);
  });

  it('lets long-polls linger, unless somebody comes back', () => {
    const { clock, stats, take } = sample();
    stats.counted('a', 'response', 1);
    stats.counted('a', 'response', 0);
    clock.advance(2_000);
    stats.counted('a', 'response', 1);
    clock.advance(1_000);
    expect(take()).toEqual([
      ['response', 'a', 1],
      ['response', 'a', 1],
    ]);
    stats.counted('a', 'response', 0);
    clock.advance(2_500);
    expect(take()).toEqual([]);
    clock.advance(1_500);
    expect(take()).toEqual([['response', 'a']]);
  });

  it('keeps the modes of a channel apart, and says nothing of nobody', () => {
    const { stats, take } = sample();
    stats.counted('a', 'stream', 0);
    stats.counted('a', 'stream', 1);
    stats.counted('a', 'ws', 1);
    stats.counted('a', 'stream', 0);
    expect(take()).toEqual([
      ['stream', 'a', 1],
      ['ws', 'a', 1],
      ['stream', 'a'],
    ]);
  });
});

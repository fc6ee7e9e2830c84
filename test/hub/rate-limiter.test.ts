import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { RateLimiter } from '../../src/hub/rate-limiter.js';
import { Subscription } from '../../src/hub/subscriber.js';
import { ManualClock } from '../support/manual-clock.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { streamItem } from '../support/sample-items.js';

interface Options {
  readonly rate?: number;
  readonly highWaterMark?: number;
  readonly blockSize?: number;
}

class Bench {
  readonly clock = new ManualClock();
  readonly delivered: string[] = [];
  readonly limiter: RateLimiter;
  private readonly channel = new Channel('c');

  constructor({ rate = 2_500, highWaterMark = 0, blockSize = 0 }: Options = {}) {
    this.limiter = new RateLimiter(this.clock, rate, highWaterMark, blockSize);
  }

  join(rateBucket = ''): Subscription {
    const subscriber = new RecordingSubscriber({ rateBucket, onItem: (text) => this.delivered.push(text) });
    const subscription = new Subscription(this.channel, subscriber, true);
    this.channel.add(subscription);
    return subscription;
  }

  leave(subscription: Subscription): void {
    this.channel.remove(subscription);
  }

  /** Queues items `prefix0`, `prefix1` and so on; tells how many were taken. */
  add(subscription: Subscription, count: number, prefix = '', size?: number): number {
    let taken = 0;
    for (let at = 0; at < count; at += 1) {
      const publication = new Publication(streamItem('c', `${prefix}${at}`, { size }));
      if (this.limiter.add(subscription, publication)) taken += 1;
    }
    return taken;
  }
}

describe('batches', () => {
  it.each([
    [2_500, 63],
    [1_000, 25],
    [41, 2],
    [40, 1],
  ])('of a rate of %i a second come every 25 ms, %i deliveries each', (rate, size) => {
    const bench = new Bench({ rate });
    bench.add(bench.join(), 3 * size);
    expect(bench.delivered).toHaveLength(0);
    bench.clock.advance(0);
    expect(bench.delivered).toHaveLength(size);
    bench.clock.advance(24);
    expect(bench.delivered).toHaveLength(size);
    bench.clock.advance(1);
    expect(bench.delivered).toHaveLength(2 * size);
    bench.clock.advance(25);
    expect(bench.delivered).toHaveLength(3 * size);
  });

  it.each([
    [39, 25],
    [30, 33],
    [10, 100],
    [1, 1_000],
    [0.5, 2_000],
  ])('of a rate of %d a second are single deliveries, %i ms apart', (rate, interval) => {
    const bench = new Bench({ rate });
    bench.add(bench.join(), 3);
    const moments: number[] = [];
    const begin = bench.clock.now();
    for (let time = 0; time <= 2 * interval; time += 1) {
      bench.clock.advance(time === 0 ? 0 : 1);
      while (moments.length < bench.delivered.length) moments.push(bench.clock.now() - begin);
    }
    expect(moments).toEqual([0, interval, 2 * interval]);
  });

  it('keep the order of what was queued for one bucket', () => {
    const bench = new Bench({ rate: 400 });
    const [one, two] = [bench.join(), bench.join()];
    for (const prefix of ['a', 'b', 'c']) {
      bench.add(one, 1, prefix);
      bench.add(two, 1, prefix);
    }
    bench.clock.advance(1_000);
    expect(bench.delivered).toEqual(['a0', 'a0', 'b0', 'b0', 'c0', 'c0']);
  });

  it('go on with what is queued while others wait, and end when nothing waits', () => {
    const bench = new Bench({ rate: 40 });
    const subscription = bench.join();
    bench.add(subscription, 2, 'a');
    bench.clock.advance(10);
    bench.add(subscription, 1, 'b');
    bench.clock.advance(1_000);
    expect(bench.delivered).toEqual(['a0', 'a1', 'b0']);
    expect(bench.clock.pending).toBe(0);
    bench.add(subscription, 1, 'c');
    bench.clock.advance(0);
    expect(bench.delivered.at(-1)).toBe('c0');
  });
});

describe('buckets', () => {
  it('take turns within a batch, one delivery each', () => {
    const bench = new Bench({ rate: 320 });
    const [one, two, three] = [bench.join('one'), bench.join('two'), bench.join('three')];
    bench.add(one, 6, 'a');
    bench.add(two, 2, 'b');
    bench.add(three, 1, 'c');
    bench.clock.advance(0);
    expect(bench.delivered).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3', 'a4']);
  });

  it('do not pay for clients that have gone', () => {
    const bench = new Bench({ rate: 80 });
    const [gone, there] = [bench.join(), bench.join()];
    bench.add(gone, 50, 'gone');
    bench.add(there, 2, 'there');
    bench.leave(gone);
    bench.clock.advance(0);
    expect(bench.delivered).toEqual(['there0', 'there1']);
  });
});

describe('the high-water mark', () => {
  it('bounds what waits in a bucket, and each bucket by itself', () => {
    const bench = new Bench({ highWaterMark: 3 });
    const [one, other] = [bench.join('one'), bench.join('other')];
    expect(bench.add(one, 5)).toBe(3);
    expect(bench.add(other, 2)).toBe(2);
    bench.clock.advance(0);
    expect(bench.delivered).toHaveLength(5);
    expect(bench.add(one, 5)).toBe(3);
  });

  it('gives room again for what was delivered', () => {
    const bench = new Bench({ rate: 40, highWaterMark: 3 });
    const subscription = bench.join();
    bench.add(subscription, 3, 'a');
    bench.clock.advance(0);
    expect(bench.add(subscription, 3, 'b')).toBe(1);
    bench.clock.advance(1_000);
    expect(bench.delivered).toEqual(['a0', 'a1', 'a2', 'b0']);
  });

  it('of zero bounds nothing', () => {
    const bench = new Bench({ highWaterMark: 0 });
    expect(bench.add(bench.join(), 10_000)).toBe(10_000);
  });

  it('weighs an item without a size by what it sends to that kind of hold', () => {
    const bench = new Bench({ highWaterMark: 10, blockSize: 100 });
    const subscription = bench.join();
    expect(bench.add(subscription, 1, 'x'.repeat(899))).toBe(1);
    expect(bench.add(subscription, 1, 'y'.repeat(200))).toBe(0);
    expect(bench.add(subscription, 1)).toBe(1);
  });

  it('takes the rate by the weight, and what a delivery weighs beyond its batch from the next ones', () => {
    const bench = new Bench({ rate: 400, blockSize: 1 });
    const [heavy, light] = [bench.join('heavy'), bench.join('light')];
    bench.add(heavy, 3, 'h', 25);
    bench.add(light, 4, 'l', 1);
    const moments: [string, number][] = [];
    const begin = bench.clock.now();
    for (let time = 0; time <= 300; time += 25) {
      bench.clock.advance(time === 0 ? 0 : 25);
      for (const text of bench.delivered.slice(moments.length)) moments.push([text, bench.clock.now() - begin]);
    }
    // Ten units of weight a batch: 75 of the heavy ones and 4 of the light ones last eight batches.
    expect(moments.map(([text]) => text).filter((text) => text.startsWith('h'))).toEqual(['h0', 'h1', 'h2']);
    expect(moments.at(-1)).toEqual(['h2', 125]);
    bench.add(light, 1, 'late', 1);
    bench.clock.advance(25);
    expect(bench.delivered.at(-1)).toBe('late0');
  });

  it.each<[number, number | undefined, number]>([
    [0, 5_000, 10],
    [100, undefined, 10],
    [100, 0, 10],
    [100, 1, 10],
    [100, 100, 10],
    [100, 101, 5],
    [100, 250, 3],
    [100, 1_000, 1],
    [100, 1_001, 0],
  ])('counts blocks: of %i bytes, items of %s bytes, room for ten blocks: %i items', (blockSize, size, taken) => {
    const bench = new Bench({ highWaterMark: 10, blockSize });
    expect(bench.add(bench.join(), 12, '', size)).toBe(taken);
  });
});

describe('closing', () => {
  it('delivers what waits at once, and nothing later', () => {
    const bench = new Bench();
    bench.add(bench.join(), 5);
    bench.limiter.close();
    expect(bench.clock.pending).toBe(0);
    expect(bench.delivered.length).toBe(5);
    bench.clock.advance(1_000);
    expect(bench.delivered.length).toBe(5);
  });
});

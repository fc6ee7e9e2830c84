/** What the rate limiter owes its buckets over time: the rate itself, a turn for each, and no memory of what is done. */
import { expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { RateLimiter } from '../../src/hub/rate-limiter.js';
import { Subscription } from '../../src/hub/subscriber.js';
import { ManualClock } from '../support/manual-clock.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { streamItem } from '../support/sample-items.js';

function limited(rate: number, highWaterMark: number, ...buckets: string[]) {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock, rate, highWaterMark, 0);
  const channel = new Channel('c');
  const order: string[] = [];
  const subscriptions = buckets.map((rateBucket) => {
    const subscriber = new RecordingSubscriber({ rateBucket, onItem: () => void order.push(rateBucket) });
    const subscription = new Subscription(channel, subscriber, true);
    channel.add(subscription);
    return subscription;
  });
  return { clock, limiter, subscriptions, order, item: () => new Publication(streamItem('c', 'x')) };
}

it('keeps the rate also when each item comes after the one before it has gone', () => {
  const { clock, limiter, subscriptions, order, item } = limited(80, 0, 'a');
  for (let i = 0; i < 100; i += 1) {
    for (const subscription of subscriptions) limiter.add(subscription, item());
    clock.advance(0);
  }
  expect(order.length).toBeLessThanOrEqual(2);
});

it('serves the buckets in turn although a batch is smaller than their number', () => {
  const { clock, limiter, subscriptions, order, item } = limited(40, 0, 'a', 'b');
  for (const subscription of subscriptions) for (let i = 0; i < 3; i += 1) limiter.add(subscription, item());
  clock.advance(1_000);
  expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
});

it('does not keep what has been delivered while more keeps coming', () => {
  const { clock, limiter, subscriptions, item } = limited(40, 10, '');
  for (let i = 0; i < 5_000; i += 1) {
    for (const subscription of subscriptions) while (limiter.add(subscription, item()));
    clock.advance(25);
  }
  const { buckets } = limiter as unknown as { buckets: Map<string, { deliveries: unknown[] }> };
  expect(buckets.get('')?.deliveries.length).toBeLessThan(1_100);
});

/**
 * Spreads deliveries over time: at most `rate` a second, in batches every 25 ms, one delivery of each bucket in turn
 * (specification 5.6, 4). Off unless a rate is set: a pushpin.conf may ask for it, Holdfast's own settings do not.
 */

import type { Item } from '../protocol/item.js';
import type { Cancellable, Clock } from '../time/clock.js';
import type { Publication } from './publication.js';
import { deliverOne, type SubscriberKind, type Subscription } from './subscriber.js';
import type { WriteMeter } from './write-meter.js';

/** Milliseconds between two batches, unless the rate is below 40 a second. */
const BATCH_INTERVAL = 25;
/** Deliveries made after which the list of a bucket is cut, when they are at least half of it. */
const CUT_AT = 1_000;

interface Delivery {
  readonly subscription: Subscription;
  readonly publication: Publication;
  readonly weight: number;
}

interface Bucket {
  readonly deliveries: Delivery[];
  /** Index of the next delivery; what is before it is cut off now and then. */
  next: number;
  weight: number;
  /** What a delivery weighed beyond its batch: paid before the next one. */
  debt: number;
}

export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();
  private readonly interval: number;
  private readonly batchSize: number;
  private timer: Cancellable | undefined = undefined;

  /**
   * @param rate - deliveries a second, above 0
   * @param highWaterMark - weight that may wait in one bucket; 0 is unlimited
   * @param blockSize - bytes of one unit of weight; 0 weighs every delivery 1
   * @param meter - undefined: nobody measures
   */
  constructor(
    private readonly clock: Clock,
    rate: number,
    private readonly highWaterMark: number,
    private readonly blockSize: number,
    private readonly meter?: WriteMeter,
  ) {
    this.interval = rate < 1000 / BATCH_INTERVAL ? Math.floor(1000 / rate) : BATCH_INTERVAL;
    this.batchSize = rate < 1000 / BATCH_INTERVAL ? 1 : Math.ceil((rate * BATCH_INTERVAL) / 1000);
  }

  /** Queues a delivery; false when the bucket is full and the delivery is dropped. */
  add(subscription: Subscription, publication: Publication): boolean {
    const name = subscription.subscriber.rateBucket;
    let bucket = this.buckets.get(name);
    if (bucket === undefined) {
      bucket = { deliveries: [], next: 0, weight: 0, debt: 0 };
      this.buckets.set(name, bucket);
    }
    const weight = Math.max(1, blocksOf(publication.item, subscription.subscriber.kind, this.blockSize));
    if (this.highWaterMark > 0 && bucket.weight + weight > this.highWaterMark) return false;
    bucket.deliveries.push({ subscription, publication, weight });
    publication.owed += 1;
    publication.tally?.begin();
    bucket.weight += weight;
    this.timer ??= this.clock.after(0, this.runBatch);
    return true;
  }

  /** Lets out everything that waits, at once, and stops. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
    for (const { deliveries, next } of this.buckets.values()) {
      for (const { subscription, publication } of deliveries.slice(next)) {
        deliverOne(subscription, publication);
        publication.tally?.end();
        this.meter?.writtenOnce(publication);
      }
    }
    this.buckets.clear();
  }

  private readonly runBatch = (): void => {
    let left = this.batchSize;
    for (const [name, bucket] of this.buckets) {
      // Behind the others, where this loop and the next batch come to it after them.
      this.buckets.delete(name);
      const delivery = bucket.deliveries[bucket.next];
      if (delivery === undefined && bucket.debt === 0) continue;
      this.buckets.set(name, bucket);
      if (bucket.debt > 0 || delivery === undefined) {
        bucket.debt -= 1;
        left -= 1;
        if (left === 0) break;
        continue;
      }
      takeNext(bucket, delivery);
      // A client that has gone since costs nothing of the rate.
      const { active } = delivery.subscription;
      deliverOne(delivery.subscription, delivery.publication);
      delivery.publication.tally?.end();
      this.meter?.writtenOnce(delivery.publication);
      if (!active) continue;
      const paid = Math.min(delivery.weight, left);
      bucket.debt = delivery.weight - paid;
      left -= paid;
      if (left === 0) break;
    }
    // After a batch the next one may not come sooner than the rate allows, even when nothing waits for it yet.
    const used = left < this.batchSize;
    this.timer = used || this.buckets.size > 0 ? this.clock.after(this.interval, this.runBatch) : undefined;
  };
}

/** Blocks that a delivery has, none of them where it sends nothing; 0 where `blockSize` is 0. */
export function blocksOf(item: Item, kind: SubscriberKind, blockSize: number): number {
  if (blockSize <= 0) return 0;
  return Math.ceil((item.size ?? contentLength(item, kind)) / blockSize);
}

/** Bytes of what an item sends to a kind of hold. */
function contentLength({ formats: { response, stream, websocket } }: Item, kind: SubscriberKind): number {
  switch (kind) {
    case 'response':
      return response?.action === 'send' ? (response.body?.length ?? 0) : 0;
    case 'stream':
      return stream?.action === 'send' ? stream.content.length : 0;
    case 'ws':
      return websocket?.action === 'send' ? websocket.content.length : 0;
  }
}

function takeNext(bucket: Bucket, delivery: Delivery): void {
  bucket.weight -= delivery.weight;
  bucket.next += 1;
  if (bucket.next < CUT_AT || bucket.next * 2 < bucket.deliveries.length) return;
  bucket.deliveries.splice(0, bucket.next);
  bucket.next = 0;
}

/** Subscribers of a bare channel, without a hub around it. */
import type { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { Subscription } from '../../src/hub/subscriber.js';
import type { Item } from '../../src/protocol/item.js';
import { type RecordingOptions, RecordingSubscriber } from './recording-subscriber.js';
import { streamItem } from './sample-items.js';

export interface Seat {
  readonly subscriber: RecordingSubscriber;
  readonly subscription: Subscription;
}

export function join(channel: Channel, options: RecordingOptions = {}, plain = true): Seat {
  const subscriber = new RecordingSubscriber(options);
  const subscription = new Subscription(channel, subscriber, plain);
  channel.add(subscription);
  return { subscriber, subscription };
}

/** Appends items; a text stands for a stream item with it. */
export function append(channel: Channel, ...items: (string | Item)[]): void {
  for (const item of items) {
    channel.append(new Publication(typeof item === 'string' ? streamItem(channel.name, item) : item));
  }
}

export function received(...seats: Seat[]): string[][] {
  return seats.map(({ subscriber }) => subscriber.received);
}

/** The one contract between the hub and whatever is subscribed: a held connection now, an engine's session later. */
import type { HoldStep } from '../observe/steps.js';
import type { ItemFormats } from '../protocol/item.js';
import type { Channel } from './channel.js';
import type { Encoding, Publication } from './publication.js';
import { countSent } from './tally.js';

/** Kinds of subscriber, in the order a publish reaches them (specification 5.6, fan-out). */
export const SUBSCRIBER_KINDS = ['response', 'stream', 'ws'] as const;
export type SubscriberKind = (typeof SUBSCRIBER_KINDS)[number];

export interface Subscriber {
  readonly kind: SubscriberKind;
  /** Bucket of the rate limiter: the explicit id of its route, or empty. */
  readonly rateBucket: string;
  /** Shared bytes this subscriber takes; undefined when every item has to be handed to `deliver`. */
  readonly encoding: Encoding | undefined;
  /**
   * Takes bytes that were made once for everybody; `count` is the number of items in them. Must not throw.
   * @returns false when they are dropped because the client reads too slowly
   */
  write(bytes: Buffer, count: number): boolean;
  /**
   * Takes one item that is not plain bytes for it, and counts in its tally what became of it. Must not throw; may
   * unsubscribe anything.
   */
  deliver(publication: Publication, subscription: Subscription): void;
  /** Lets the origin be asked for the state of things when it is this subscriber's turn, if it can be asked. */
  askAgain?(): void;
  /** Has the origin of a WebSocket over HTTP asked now. */
  refresh?(): void;
  /** Who watches it; undefined: nobody. */
  readonly visit?: SubscriberVisit | undefined;
}

/** What watchers want to know of a subscriber. */
export interface SubscriberVisit {
  readonly hold: HoldStep | undefined;
  subscribes(channel: string): void;
}

/** Hands one item to one subscriber, as shared bytes where that will do. */
export function deliverOne(subscription: Subscription, publication: Publication): void {
  if (!subscription.active) return;
  const { subscriber } = subscription;
  const { encoding } = subscriber;
  const bytes = encoding === undefined || !subscription.plain ? undefined : publication.encoded(encoding);
  if (bytes === undefined) {
    subscriber.deliver(publication, subscription);
    return;
  }
  countSent(publication.tally, subscriber.kind, bytes.length === 0 || subscriber.write(bytes, 1));
}

/** One subscriber on one channel. Made by the hub; the place in the channel's list is the channel's business. */
export class Subscription {
  /** Index in the channel's list, -1 when it is no longer subscribed. */
  index = -1;
  /** Absolute number of the next item of the channel that this subscriber has not got yet. */
  cursor = 0;

  constructor(
    readonly channel: Channel,
    readonly subscriber: Subscriber,
    /** True when shared bytes will do: no filters, no id tracking. */
    readonly plain: boolean,
  ) {}

  get active(): boolean {
    return this.index >= 0;
  }
}

/** The format of an item that a kind of subscriber takes. */
export function formatOf(formats: ItemFormats, kind: SubscriberKind): object | undefined {
  return kind === 'response' ? formats.response : kind === 'stream' ? formats.stream : formats.websocket;
}

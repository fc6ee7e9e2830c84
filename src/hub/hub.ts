/**
 * The hub: channels by name, who is subscribed to them, and the way of a published item from de-duplication through
 * the sequencer to everybody's connection (specification 5.6). It knows nothing of sockets, HTTP or where an item
 * came from.
 *
 * `publish` decides at once who receives an item; the writing is done later in the same turn of the event loop, once
 * for all items that came in that turn, and in slices when a channel has many subscribers.
 */
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Item, ItemFormats } from '../protocol/item.js';
import { Timed, type Wheel } from '../time/wheel.js';
import { Channel } from './channel.js';
import { Deduplication } from './deduplication.js';
import { Publication } from './publication.js';
import { RateLimiter } from './rate-limiter.js';
import { Sequencer } from './sequencer.js';
import { deliverOne, SUBSCRIBER_KINDS, type Subscriber, type SubscriberKind, Subscription } from './subscriber.js';
import type { Tally } from './tally.js';

/**
 * Subscribers written to before other work of the process gets a turn: about a millisecond. What is published meanwhile
 * merges into what the others have not been written yet, and new clients do not wait for a large channel.
 */
const SLICE = 128;
/** Channels flushed after which the list is cut, when they are at least half of it. */
const CUT_AT = 1_000;
/** Items of a channel that may wait to be written; beyond it the publisher pays for the writing at once. */
const MAX_BACKLOG = 1_000;
/** Milliseconds between two looks at what expires. */
const EXPIRY_INTERVAL = 1_000;

export interface HubSettings {
  /** Seconds. */
  readonly idCacheTtl: number;
  /** Milliseconds. */
  readonly messageWait: number;
  readonly maxBufferedPerChannel: number;
  /** Deliveries a second; 0 is unlimited. */
  readonly messageRate: number;
  readonly messageHwm: number;
  readonly messageBlockSize: number;
  /** Seconds that a channel stays open after its last response hold. */
  readonly subscriptionLinger: number;
}

/** What became of a published item. `receivers` counts the holds it will reach. */
export type PublishOutcome =
  | { readonly kind: 'sent'; readonly receivers: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'dropped'; readonly reason: 'duplicate' | 'sequencer-full' };

/** Told when a channel gets its first subscriber and when the last one (with linger) has gone. */
export interface ChannelObserver {
  channelOpened(name: string): void;
  channelClosed(name: string): void;
}

export interface HubParts {
  readonly settings: HubSettings;
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
}

export class Hub {
  private readonly channels = new Map<string, Channel>();
  private readonly observers: ChannelObserver[] = [];
  private readonly deduplication: Deduplication;
  private readonly sequencer: Sequencer;
  private readonly limiter: RateLimiter | undefined;
  private readonly linger: number;
  private readonly expiry: Expiry;
  private lingering: { channel: Channel; due: number }[] = [];
  /** Channels with something to write; those before `flushed` are done, and cut off now and then. */
  private dirty: Channel[] = [];
  private flushed = 0;
  private turn: NodeJS.Immediate | undefined = undefined;
  /** Above 0 while items are handed to subscribers, who may publish in turn. */
  private delivering = 0;
  /** Deliveries that were asked for meanwhile; each is made when those before it are over. */
  private deferred: (() => void)[] = [];

  constructor(private readonly parts: HubParts) {
    const { settings, wheel } = parts;
    this.deduplication = new Deduplication(settings.idCacheTtl * 1_000);
    this.sequencer = new Sequencer(settings.messageWait, settings.maxBufferedPerChannel, (channel, publication) => {
      this.fanOut(channel, publication);
    });
    this.limiter =
      settings.messageRate > 0
        ? new RateLimiter(wheel.clock, settings.messageRate, settings.messageHwm, settings.messageBlockSize)
        : undefined;
    this.linger = settings.subscriptionLinger * 1_000;
    this.expiry = new Expiry(() => this.expire());
  }

  observe(observer: ChannelObserver): void {
    this.observers.push(observer);
  }

  /** Names of all open channels, lingering ones included. */
  channelNames(): Iterable<string> {
    return this.channels.keys();
  }

  get channelCount(): number {
    return this.channels.size;
  }

  /** Entries in the list of channels that have something to write. */
  get waitingChannels(): number {
    return this.dirty.length;
  }

  /** Subscribers of one channel of one kind. */
  count(channel: string, kind: SubscriberKind): number {
    return this.channels.get(channel)?.count(kind) ?? 0;
  }

  /** Id of the last item that went out in sequence on an open channel (specification 4.9). */
  lastId(channel: string): string | undefined {
    return this.channels.get(channel)?.lastId;
  }

  /** Forgets that id, after it has turned out that somebody's state is not the one it follows. */
  forgetLastId(channel: string): void {
    const known = this.channels.get(channel);
    if (known !== undefined) known.lastId = undefined;
  }

  /**
   * Subscribes; from this call on no item published to the channel is missed.
   * @param plain - true when bytes shared with others will do, false when each item is handed to the subscriber
   */
  subscribe(channelName: string, subscriber: Subscriber, plain = true): Subscription {
    const known = this.channels.get(channelName);
    const channel = known ?? new Channel(channelName);
    const subscription = new Subscription(channel, subscriber, plain);
    channel.add(subscription);
    if (known === undefined) {
      this.channels.set(channelName, channel);
      for (const observer of this.observers) observer.channelOpened(channelName);
    }
    return subscription;
  }

  /** Ends a subscription; what was published and not yet written to it is not written. */
  unsubscribe(subscription: Subscription): void {
    if (!subscription.active) return;
    const { channel, subscriber } = subscription;
    channel.remove(subscription);
    if (subscriber.kind === 'response' && this.linger > 0) {
      const due = this.parts.wheel.clock.now() + this.linger;
      channel.lingerUntil = due;
    }
    if (channel.empty) this.closeWhenDue(channel);
  }

  /** Writes what one subscriber still misses, before it ends for a reason of its own. */
  settle(subscription: Subscription): void {
    this.deliver(() => subscription.channel.catchUp(subscription));
  }

  /**
   * Publishes to the item's own channel. Never throws.
   * @param tally - counts what becomes of the item at each hold; settled when nothing more can happen to it
   */
  publish(item: Item, tally?: Tally): PublishOutcome {
    tally?.begin();
    const outcome = this.admit(item, tally);
    tally?.end();
    return outcome;
  }

  private admit(item: Item, tally: Tally | undefined): PublishOutcome {
    const { counters, wheel } = this.parts;
    const now = wheel.clock.now();
    counters.published += 1;
    if (item.id !== undefined && this.deduplication.isDuplicate(item.channel, item.id, now)) {
      counters.dropped.duplicate += 1;
      return { kind: 'dropped', reason: 'duplicate' };
    }
    if (this.deduplication.size > 0) this.expectExpiry();
    const channel = this.channels.get(item.channel);
    if (channel === undefined) {
      this.logPublish(item.channel, 0);
      return { kind: 'sent', receivers: 0 };
    }
    const publication = new Publication(item, tally);
    if (item.noSeq) return { kind: 'sent', receivers: this.fanOut(channel, publication) };
    const receivers = this.receiversOf(channel, item);
    const result = this.sequencer.publish(channel, publication, now);
    if (result === 'sent') return { kind: 'sent', receivers };
    if (result === 'waiting') {
      this.expectExpiry();
      return { kind: 'waiting' };
    }
    counters.dropped['sequencer-full'] += 1;
    this.parts.warnings.warn('sequencer-full', `channel ${item.channel}: too many items out of order, dropping one`);
    return { kind: 'dropped', reason: 'sequencer-full' };
  }

  /**
   * Publishes one item under several keys: each subscriber of any of them gets it once, at once, in the order of
   * the calls. Not sequenced and not de-duplicated: this is the way in for built-in backends.
   */
  publishTo(keys: readonly string[], item: Item): number {
    this.parts.counters.published += 1;
    const publication = new Publication(item);
    const receivers = new Map<Subscriber, Subscription[]>();
    for (const key of keys) {
      const channel = this.channels.get(key);
      if (channel === undefined) continue;
      for (const kind of SUBSCRIBER_KINDS) {
        if (formatOf(item.formats, kind) === undefined) continue;
        for (const subscription of channel.list(kind)) {
          const own = receivers.get(subscription.subscriber);
          if (own === undefined) receivers.set(subscription.subscriber, [subscription]);
          else own.push(subscription);
        }
      }
    }
    const run = (): void => {
      for (const subscriptions of receivers.values()) {
        // By whichever key it is still subscribed when its turn comes, and after what that channel owes it.
        const subscription = subscriptions.find(({ active }) => active);
        if (subscription === undefined) continue;
        subscription.channel.catchUp(subscription);
        deliverOne(subscription, publication);
      }
    };
    if (this.delivering > 0) this.deferred.push(run);
    else this.deliver(run);
    return receivers.size;
  }

  /** Lets every subscriber of a channel that has an origin to ask do so (specification 4.12). */
  askAgain(channelName: string): void {
    const channel = this.channels.get(channelName);
    if (channel === undefined) return;
    for (const kind of SUBSCRIBER_KINDS) {
      for (const { subscriber } of [...channel.list(kind)]) subscriber.askAgain?.();
    }
  }

  /** Forgets every last id: published items may have been lost on their way to us. */
  forgetLastIds(): void {
    for (const channel of this.channels.values()) channel.lastId = undefined;
  }

  /** Writes everything that waits, and stops. */
  close(): void {
    if (this.turn !== undefined) clearImmediate(this.turn);
    this.turn = undefined;
    this.parts.wheel.stop(this.expiry);
    this.deliver(() => {
      for (const channel of this.dirty) channel.flush(Number.POSITIVE_INFINITY);
      this.limiter?.close();
    });
    this.dirty = [];
    this.flushed = 0;
  }

  /** Lets an item out to whoever is subscribed now; returns how many that are. */
  private fanOut(channel: Channel, publication: Publication): number {
    const receivers = this.receiversOf(channel, publication.item);
    this.logPublish(channel.name, receivers);
    publication.tally?.expect(receivers);
    if (receivers === 0) return 0;
    if (this.limiter !== undefined) {
      this.fanOutLimited(this.limiter, channel, publication);
      return receivers;
    }
    if (channel.append(publication)) this.dirty.push(channel);
    // While something is delivered the writing goes on anyway; else a long backlog is written before more is taken.
    if (channel.backlog > MAX_BACKLOG && this.delivering === 0) {
      this.deliver(() => channel.flush(Number.POSITIVE_INFINITY));
    }
    this.turn ??= setImmediate(this.flushTurn);
    return receivers;
  }

  private fanOutLimited(limiter: RateLimiter, channel: Channel, publication: Publication): void {
    const { formats } = publication.item;
    for (const kind of SUBSCRIBER_KINDS) {
      if (formatOf(formats, kind) === undefined) continue;
      for (const subscription of channel.list(kind)) {
        if (limiter.add(subscription, publication)) continue;
        publication.tally?.count(kind, 'rate-limit');
        this.parts.counters.dropped['rate-limit'] += 1;
        const { rateBucket } = subscription.subscriber;
        const route = rateBucket === '' ? '' : ` for route ${rateBucket}`;
        this.parts.warnings.warn(
          'rate-limit',
          `exceeded publish hwm (${this.parts.settings.messageHwm})${route}, dropping message`,
        );
      }
    }
  }

  private receiversOf(channel: Channel, item: Item): number {
    let receivers = 0;
    for (const kind of SUBSCRIBER_KINDS) {
      if (formatOf(item.formats, kind) !== undefined) receivers += channel.count(kind);
    }
    return receivers;
  }

  private logPublish(channel: string, receivers: number): void {
    if (this.parts.log.enabled('info')) this.parts.log.info(`publish channel=${channel} receivers=${receivers}`);
  }

  /** Runs deliveries, and then those that they asked for. */
  private deliver(run: () => void): void {
    this.delivering += 1;
    try {
      run();
    } finally {
      this.delivering -= 1;
    }
    if (this.delivering > 0) return;
    for (let next = this.deferred.shift(); next !== undefined; next = this.deferred.shift()) {
      this.delivering += 1;
      next();
      this.delivering -= 1;
    }
  }

  private readonly flushTurn = (): void => {
    this.turn = undefined;
    this.deliver(this.flushSlice);
    if (this.dirty.length > 0) this.turn ??= setImmediate(this.flushTurn);
  };

  private readonly flushSlice = (): void => {
    let budget = SLICE;
    const { dirty } = this;
    while (this.flushed < dirty.length && budget > 0) {
      const channel = dirty[this.flushed] as Channel;
      this.flushed += 1;
      budget = channel.flush(budget);
      // One that is not done goes behind the others, so that none waits for a large one.
      if (channel.dirty) dirty.push(channel);
    }
    if (this.flushed === dirty.length) this.dirty = [];
    else if (this.flushed < CUT_AT || this.flushed * 2 < dirty.length) return;
    else dirty.splice(0, this.flushed);
    this.flushed = 0;
  };

  private closeWhenDue(channel: Channel): void {
    const now = this.parts.wheel.clock.now();
    if (channel.lingerUntil > now) {
      this.lingering.push({ channel, due: channel.lingerUntil });
      this.expectExpiry();
      return;
    }
    this.channels.delete(channel.name);
    this.parts.counters.dropped.abandoned += this.sequencer.forget(channel);
    for (const observer of this.observers) observer.channelClosed(channel.name);
  }

  private expectExpiry(): void {
    if (this.expiry.due === 0) this.parts.wheel.start(this.expiry, EXPIRY_INTERVAL);
  }

  private expire(): void {
    const now = this.parts.wheel.clock.now();
    this.deduplication.expire(now);
    this.sequencer.expire(now);
    const due = this.lingering.filter((entry) => entry.due <= now);
    if (due.length > 0) {
      this.lingering = this.lingering.filter((entry) => entry.due > now);
      for (const { channel } of due) {
        if (channel.empty && this.channels.get(channel.name) === channel) this.closeWhenDue(channel);
      }
    }
    if (this.deduplication.size > 0 || this.sequencer.busy || this.lingering.length > 0) this.expectExpiry();
  }
}

/** The format of an item that a kind of subscriber takes. */
function formatOf(formats: ItemFormats, kind: SubscriberKind): object | undefined {
  return kind === 'response' ? formats.response : kind === 'stream' ? formats.stream : formats.websocket;
}

/** Wakes the hub once a second while something may expire. */
class Expiry extends Timed {
  constructor(private readonly run: () => void) {
    super();
  }

  onTime(): void {
    this.run();
  }
}

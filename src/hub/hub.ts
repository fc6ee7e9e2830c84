/**
 * The hub: channels by name, who is subscribed to them, and the way of a published item from de-duplication through
 * the sequencer to everybody's connection (specification 5.6). It knows nothing of sockets, HTTP or where an item
 * came from.
 *
 * `publish` decides at once who receives an item; the writing is done later in the same turn of the event loop, once
 * for all items that came in that turn, and in slices when a channel has many subscribers.
 */
import type { PublishStep } from '../observe/steps.js';
import type { Item } from '../protocol/item.js';
import {
  Admission,
  type AdmissionParts,
  type AdmissionSettings,
  type Outlet,
  type Publishing,
  type PublishOutcome,
} from './admission.js';
import { Channel } from './channel.js';
import { announceDelivery, type BlockWatch, tellRelease } from './hub-watch.js';
import { Lingering } from './lingering.js';
import { Publication } from './publication.js';
import { RateLimiter } from './rate-limiter.js';
import { Readiness } from './readiness.js';
import {
  deliverOne,
  formatOf,
  SUBSCRIBER_KINDS,
  type Subscriber,
  type SubscriberKind,
  Subscription,
} from './subscriber.js';
import type { Tally } from './tally.js';
import type { Uplink } from './uplink.js';
import type { WriteMeter } from './write-meter.js';

/**
 * Subscribers written to before other work of the process gets a turn: about a millisecond. What is published meanwhile
 * merges into what the others have not been written yet, and new clients do not wait for a large channel.
 */
const SLICE = 128;
/** Channels flushed after which the list is cut, when they are at least half of it. */
const CUT_AT = 1_000;
/** Items of a channel that may wait to be written; beyond it the publisher pays for the writing at once. */
const MAX_BACKLOG = 1_000;

export interface HubSettings extends AdmissionSettings {
  /** Deliveries a second; 0 is unlimited. */
  readonly messageRate: number;
  readonly messageHwm: number;
  readonly messageBlockSize: number;
  /** Seconds that a channel stays open after its last response hold. */
  readonly subscriptionLinger: number;
}

/** Told when a channel gets its first subscriber and when the last one (with linger) has gone. */
export interface ChannelObserver {
  channelOpened(name: string): void;
  channelClosed(name: string): void;
}

export interface HubParts extends AdmissionParts {
  readonly settings: HubSettings;
  /** Where items come from when another process takes them in; undefined: `publish` does. */
  readonly uplink?: Uplink;
  /** Undefined: nobody counts them. */
  readonly blocks?: BlockWatch | undefined;
  /** Measures how long items take to everybody; undefined: nobody wants to know. */
  readonly meter?: WriteMeter | undefined;
}

export class Hub implements Publishing, Outlet<Channel> {
  private readonly channels = new Map<string, Channel>();
  private readonly observers: ChannelObserver[] = [];
  private readonly admission: Admission<Channel>;
  private readonly readiness: Readiness;
  private readonly limiter: RateLimiter | undefined;
  private readonly linger: number;
  private readonly lingering: Lingering;
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
    this.admission = new Admission(parts, this);
    this.readiness = new Readiness((channel) => this.closeIfEmpty(channel));
    this.limiter =
      settings.messageRate > 0
        ? new RateLimiter(
            wheel.clock,
            settings.messageRate,
            settings.messageHwm,
            settings.messageBlockSize,
            parts.meter,
          )
        : undefined;
    this.linger = settings.subscriptionLinger * 1_000;
    this.lingering = new Lingering(wheel, (channel) => this.closeIfEmpty(channel));
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
    this.dropLastId(channel);
    this.parts.uplink?.forgetLastId(channel);
  }

  /** The same, at the word of the uplink. */
  dropLastId(channel: string): void {
    const known = this.channels.get(channel);
    if (known !== undefined) known.lastId = undefined;
  }

  /**
   * Subscribes; from this call on no item that reaches this hub is missed, and from `ready` on none that is published.
   * @param plain - true when bytes shared with others will do, false when each item is handed to the subscriber
   */
  subscribe(channelName: string, subscriber: Subscriber, plain = true): Subscription {
    const known = this.channels.get(channelName);
    const channel = known ?? new Channel(channelName);
    const subscription = new Subscription(channel, subscriber, plain);
    channel.add(subscription);
    this.parts.counters.subscriptions[subscriber.kind] += 1;
    // What an observer publishes reaches the subscriber that it was told of.
    if (known === undefined) this.open(channel);
    this.counted(channel, subscriber.kind);
    return subscription;
  }

  /**
   * Calls `run` once nothing that is published to these channels can be missed any more by who subscribes in it: at
   * once, unless another process takes the items in and has not heard of them. What a client may see only when it is
   * subscribed is written in `run`.
   *
   * @param names - called only when it matters
   */
  ready(names: () => Iterable<string>, run: () => void): void {
    if (this.parts.uplink === undefined) {
      run();
      return;
    }
    const channels = [...new Set(names())].map((name) => this.channels.get(name) ?? this.open(new Channel(name)));
    this.readiness.await(channels, run);
  }

  /** Whether all subscribers there are are this hub's. */
  get isAlone(): boolean {
    return this.parts.uplink === undefined;
  }

  /** Whether items of this channel reach this hub by now. */
  isReady(channelName: string): boolean {
    return this.parts.uplink === undefined || this.channels.get(channelName)?.connected === true;
  }

  /** The answer to the uplink's opening of a channel. */
  opened(channelName: string, lastId: string | undefined): void {
    const channel = this.channels.get(channelName);
    if (channel === undefined) return;
    channel.lastId = lastId;
    this.readiness.connected(channel);
  }

  /** An item from the uplink, whose place in the order is decided. @param since - clock milliseconds at which it came in */
  receive(item: Item, tally?: Tally, since = 0, step?: PublishStep): void {
    const channel = this.channels.get(item.channel);
    if (channel === undefined) return;
    if (!item.noSeq) channel.lastId = item.id;
    this.release(channel, new Publication(item, tally, since, step), this.receivers(channel, item));
  }

  /** Ends a subscription; what was published and not yet written to it is not written. */
  unsubscribe(subscription: Subscription): void {
    if (!subscription.active) return;
    const { channel, subscriber } = subscription;
    channel.remove(subscription);
    this.parts.counters.subscriptions[subscriber.kind] -= 1;
    this.counted(channel, subscriber.kind);
    if (subscriber.kind === 'response' && this.linger > 0) {
      channel.lingerUntil = this.parts.wheel.clock.now() + this.linger;
    }
    this.closeIfEmpty(channel);
  }

  /** Writes what one subscriber still misses, before it ends for a reason of its own. */
  settle(subscription: Subscription): void {
    this.deliver(() => subscription.channel.catchUp(subscription));
  }

  publish(item: Item, tally?: Tally, traceparent?: string): PublishOutcome {
    return this.admission.publish(item, tally, traceparent);
  }

  /**
   * Publishes one item under several keys: each subscriber of any of them gets it once, at once, in the order of
   * the calls. Not sequenced and not de-duplicated: this is the way in for built-in backends.
   */
  publishTo(keys: readonly string[], item: Item): number {
    this.parts.counters.published += 1;
    this.parts.counters.publishedBy.backend += 1;
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

  /** Has every WebSocket of a channel that goes over HTTP ask its origin now (specification 8.3). */
  refresh(channelName: string): void {
    for (const { subscriber } of [...(this.channels.get(channelName)?.list('ws') ?? [])]) subscriber.refresh?.();
  }

  forgetLastIds(): void {
    for (const channel of this.channels.values()) channel.lastId = undefined;
  }

  /** Tells who has begun to watch of all subscribers there are. */
  recount(): void {
    for (const channel of this.channels.values()) {
      for (const kind of SUBSCRIBER_KINDS) this.parts.watch?.counted(channel.name, kind, channel.count(kind));
    }
  }

  /** Writes everything that waits, and stops. */
  close(): void {
    if (this.turn !== undefined) clearImmediate(this.turn);
    this.turn = undefined;
    this.lingering.close();
    this.admission.close();
    this.deliver(() => {
      for (const channel of this.dirty) channel.flush(Number.POSITIVE_INFINITY, this.parts.meter);
      this.limiter?.close();
    });
    this.dirty = [];
    this.flushed = 0;
  }

  channel(name: string): Channel | undefined {
    return this.channels.get(name);
  }

  receivers(channel: Channel, item: Item): number {
    let receivers = 0;
    for (const kind of SUBSCRIBER_KINDS) {
      if (formatOf(item.formats, kind) !== undefined) receivers += channel.count(kind);
    }
    return receivers;
  }

  release(channel: Channel, publication: Publication, receivers: number): void {
    publication.tally?.expect(receivers);
    if (receivers === 0) return;
    if (publication.step !== undefined) announceDelivery(publication.step, channel, publication.item);
    tellRelease(this.parts, channel, publication.item);
    if (this.limiter !== undefined) {
      this.fanOutLimited(this.limiter, channel, publication);
      return;
    }
    if (channel.append(publication)) this.dirty.push(channel);
    // While something is delivered the writing goes on anyway; else a long backlog is written before more is taken.
    if (channel.backlog > MAX_BACKLOG && this.delivering === 0) {
      this.deliver(() => channel.flush(Number.POSITIVE_INFINITY, this.parts.meter));
    }
    this.turn ??= setImmediate(this.flushTurn);
  }

  private counted(channel: Channel, kind: SubscriberKind): void {
    this.parts.uplink?.counted(channel.name);
    const { watch } = this.parts;
    if (watch?.awake === true) watch.counted(channel.name, kind, channel.count(kind));
  }

  private open(channel: Channel): Channel {
    const { name } = channel;
    this.channels.set(name, channel);
    if (this.parts.uplink !== undefined) {
      channel.connected = false;
      this.parts.uplink.open(name);
    }
    for (const observer of this.observers) observer.channelOpened(name);
    return channel;
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
    const { meter } = this.parts;
    while (this.flushed < dirty.length && budget > 0) {
      const channel = dirty[this.flushed] as Channel;
      this.flushed += 1;
      budget = channel.flush(budget, meter);
      // One that is not done goes behind the others, so that none waits for a large one.
      if (channel.dirty) dirty.push(channel);
    }
    if (this.flushed === dirty.length) this.dirty = [];
    else if (this.flushed < CUT_AT || this.flushed * 2 < dirty.length) return;
    else dirty.splice(0, this.flushed);
    this.flushed = 0;
  };

  private closeIfEmpty(channel: Channel): void {
    // One that lingered may be closed by now, and another one have its name.
    if (!channel.empty || channel.expected > 0 || this.channels.get(channel.name) !== channel) return;
    const now = this.parts.wheel.clock.now();
    if (channel.lingerUntil > now) {
      this.lingering.add(channel);
      return;
    }
    this.channels.delete(channel.name);
    this.parts.counters.dropped.abandoned += this.admission.forget(channel);
    this.parts.uplink?.close(channel.name);
    for (const observer of this.observers) observer.channelClosed(channel.name);
  }
}

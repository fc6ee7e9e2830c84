/**
 * The channels of one held WebSocket: those of its target, which stay, and those its origin joins and leaves with
 * control messages (specification 11.4, 11.5).
 */

import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { type Logger, logRecord } from '../observe/logger.js';
import type { ChannelRecovery, ControlMessage } from '../protocol/control-message.js';
import { type FilterStack, isHttpFilter, parseFilters } from '../protocol/filters/filters.js';
import type { FilterContext } from '../protocol/filters/message-filters.js';
import type { Item } from '../protocol/item.js';
import type { HoldParts } from './hold-parts.js';
import type { QueuedItem } from './item-queue.js';
import { type RecoveringClient, type RecoveryOptions, WebSocketRecovery } from './websocket-recovery.js';

/** Filters of one subscription. */
const MAX_FILTERS = 5;
const NO_META: ReadonlyMap<string, string> = new Map();
const NO_FILTERS: FilterStack = [];

/** What a control message says about channels. */
export type ChannelMessage = Extract<ControlMessage, { type: 'subscribe' | 'unsubscribe' | 'set-meta' }>;

export interface ChannelOptions extends RecoveryOptions {
  /** Where its lines go when not to the general log. */
  readonly log?: Logger | undefined;
}

export class WebSocketChannels {
  private readonly subscriptions = new Map<string, Subscription>();
  /** Filters by channel, and what they may know of the client; made when a subscription names some. */
  private filters: Map<string, FilterStack> | undefined = undefined;
  private meta: Map<string, string> | undefined = undefined;
  /** Made when a subscription asks for it. */
  private recovery: WebSocketRecovery | undefined = undefined;
  /** A filter or the origin may have to be waited for: nothing may pass it by as shared bytes. */
  private inOrder = false;
  /** Channels that control messages cannot leave. */
  private implicit: Set<string> | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly subscriber: Subscriber & RecoveringClient,
    private readonly options: ChannelOptions,
  ) {}

  /** Joins a channel of the target, named in full, for as long as the connection lasts. */
  keep(channel: string): void {
    this.implicit ??= new Set();
    this.implicit.add(channel);
    this.join(channel);
  }

  /** Does what a control message asks for. @returns the reason to close the connection, when there is one */
  apply(message: ChannelMessage): string | undefined {
    const { channelPrefix } = this.options;
    switch (message.type) {
      case 'subscribe':
        return this.subscribe(message);
      case 'unsubscribe':
        this.leave(channelPrefix + message.channel);
        return undefined;
      case 'set-meta':
        this.meta ??= new Map();
        if (message.value === undefined) this.meta.delete(message.name);
        else this.meta.set(message.name, message.value);
        return undefined;
    }
  }

  /** The filters of a subscription. */
  filtersOf(subscription: Subscription): FilterStack {
    return this.filters?.get(subscription.channel.name) ?? NO_FILTERS;
  }

  /** What filters may look at when they see this item. */
  contextOf(item: Item): FilterContext {
    const { channelPrefix } = this.options;
    const channels = new Set([...this.subscriptions.keys()].map((name) => withoutPrefix(name, channelPrefix)));
    return {
      subMeta: this.meta ?? NO_META,
      pubMeta: item.meta,
      prevIds: this.recovery?.lastIds() ?? NO_META,
      channels,
    };
  }

  /** Whether an item whose turn has come may go on; false: it waits, or the client has it already. */
  admits(queued: QueuedItem): boolean {
    return this.recovery === undefined || this.recovery.admits(queued);
  }

  /** The client sees the item now, or was not meant to see it. */
  see({ channel }: Subscription, item: Item): void {
    this.recovery?.see(channel.name, item);
  }

  /** Asks the origin for what may have been missed, where it can be asked. */
  askAgain(): void {
    this.recovery?.askAll();
  }

  /** What is published already is written before anything else happens to the connection. */
  settle(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.settle(subscription);
  }

  leaveAll(): void {
    this.recovery?.close();
    for (const subscription of this.subscriptions.values()) this.parts.hub.unsubscribe(subscription);
    this.subscriptions.clear();
  }

  private subscribe(message: Extract<ChannelMessage, { type: 'subscribe' }>): string | undefined {
    const { channel, filters, recovery } = message;
    if (filters.length > MAX_FILTERS) return `too many filters for channel '${channel}'`;
    if (this.subscriptions.size >= this.parts.limits.maxSubscriptions) {
      this.log.debug(`wscontrol: too many subscriptions, ignoring channel ${channel}`);
      return undefined;
    }
    const fullName = this.options.channelPrefix + channel;
    if (recovery !== undefined) this.keepInOrder();
    this.join(fullName, parseFilters(filters));
    this.follow(fullName, channel, recovery);
    return undefined;
  }

  private follow(fullName: string, name: string, recovery: ChannelRecovery | undefined): void {
    if (recovery === undefined) {
      this.recovery?.forget(fullName);
      return;
    }
    this.recovery ??= new WebSocketRecovery(this.parts, this.subscriber, this.options);
    this.recovery.follow(fullName, name, recovery);
  }

  private join(channel: string, filters: FilterStack = []): void {
    if (filters.length > 0) {
      this.filters ??= new Map();
      this.filters.set(channel, filters);
    } else {
      this.filters?.delete(channel);
    }
    if (filters.some(isHttpFilter)) this.keepInOrder();
    const known = this.subscriptions.get(channel);
    const plain = filters.length === 0 && !this.inOrder;
    if (known !== undefined) {
      if (known.plain !== plain) this.exchange(known, plain);
      return;
    }
    const { log } = this;
    const { hub } = this.parts;
    this.subscriptions.set(channel, hub.subscribe(channel, this.subscriber, plain));
    this.subscriber.visit?.subscribes(channel);
    if (log.enabled('info')) logRecord(log, { kind: 'subscribe', uri: this.options.uri, channel, retry: false });
  }

  private get log(): Logger {
    return this.options.log ?? this.parts.log;
  }

  /** From now on every item of this connection is handed over by itself. */
  private keepInOrder(): void {
    if (this.inOrder) return;
    this.inOrder = true;
    for (const subscription of [...this.subscriptions.values()]) {
      if (subscription.plain) this.exchange(subscription, false);
    }
  }

  /** The new subscription first: the channel never closes in between, and an item reaches the client once. */
  private exchange(known: Subscription, plain: boolean): void {
    const { hub } = this.parts;
    const { name } = known.channel;
    hub.settle(known);
    this.subscriptions.set(name, hub.subscribe(name, this.subscriber, plain));
    hub.unsubscribe(known);
  }

  private leave(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined || this.implicit?.has(channel) === true) return;
    this.subscriptions.delete(channel);
    this.filters?.delete(channel);
    this.parts.hub.settle(subscription);
    this.parts.hub.unsubscribe(subscription);
    this.recovery?.forget(channel);
  }
}

function withoutPrefix(name: string, prefix: string): string {
  return prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/**
 * The channels of one held WebSocket: those of its target, which stay, and those its origin joins and leaves with
 * control messages (specification 11.4, 11.5).
 */
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { type ControlMessage, parseControlMessage } from '../protocol/control-message.js';
import { type FilterStack, parseFilters } from '../protocol/filters/filters.js';
import type { FilterVerdict } from '../protocol/filters/message-filters.js';
import type { HoldParts } from './hold-parts.js';
import { type FilteredContent, filterItem } from './item-filter.js';

/** Filters of one subscription. */
const MAX_FILTERS = 5;
const NO_META: ReadonlyMap<string, string> = new Map();

export interface ChannelOptions {
  /** Route prefix of the channels in control messages. */
  readonly channelPrefix: string;
  /** For log lines: the client's URI. */
  readonly uri: string;
}

export class WebSocketChannels {
  private readonly subscriptions = new Map<string, Subscription>();
  /** Filters by channel, and what they may know of the client; made when a subscription names some. */
  private filters: Map<string, FilterStack> | undefined = undefined;
  private meta: Map<string, string> | undefined = undefined;
  /** Channels that control messages cannot leave. */
  private implicit: Set<string> | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly subscriber: Subscriber,
    private readonly options: ChannelOptions,
  ) {}

  /** Joins a channel of the target, named in full, for as long as the connection lasts. */
  keep(channel: string): void {
    this.implicit ??= new Set();
    this.implicit.add(channel);
    this.join(channel);
  }

  /** Takes a control message, without its `c:`. @returns the reason to close the connection, when there is one */
  control(json: Buffer): string | undefined {
    const parsed = parseControlMessage(json);
    if (parsed.kind === 'message') return this.apply(parsed.message);
    this.parts.log.debug(parsed.reason);
    return undefined;
  }

  /** What the filters of a subscription make of an item. */
  filter(subscription: Subscription, { item }: Publication, content: FilteredContent): FilterVerdict {
    const stack = this.filters?.get(subscription.channel.name) ?? [];
    return filterItem(stack, content, () => {
      const { channelPrefix } = this.options;
      const channels = new Set([...this.subscriptions.keys()].map((name) => withoutPrefix(name, channelPrefix)));
      return { subMeta: this.meta ?? NO_META, pubMeta: item.meta, prevIds: NO_META, channels };
    });
  }

  /** What is published already is written before anything else happens to the connection. */
  settle(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.settle(subscription);
  }

  leaveAll(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.unsubscribe(subscription);
    this.subscriptions.clear();
  }

  private apply(message: ControlMessage): string | undefined {
    const { log, limits } = this.parts;
    switch (message.type) {
      case 'subscribe':
        if (message.filters.length > MAX_FILTERS) return `too many filters for channel '${message.channel}'`;
        if (this.subscriptions.size < limits.maxSubscriptions) {
          this.join(this.options.channelPrefix + message.channel, parseFilters(message.filters));
        } else {
          log.debug(`wscontrol: too many subscriptions, ignoring channel ${message.channel}`);
        }
        return undefined;
      case 'unsubscribe':
        this.leave(this.options.channelPrefix + message.channel);
        return undefined;
      case 'set-meta':
        this.meta ??= new Map();
        if (message.value === undefined) this.meta.delete(message.name);
        else this.meta.set(message.name, message.value);
        return undefined;
      default:
        log.debug(`control message ${message.type} has no effect in this version`);
        return undefined;
    }
  }

  private join(channel: string, filters: FilterStack = []): void {
    const known = this.subscriptions.get(channel);
    const plain = filters.length === 0;
    if (!plain) {
      this.filters ??= new Map();
      this.filters.set(channel, filters);
    } else {
      this.filters?.delete(channel);
    }
    if (known !== undefined && known.plain === plain) return;
    const { hub, log } = this.parts;
    // The new subscription first: the channel never closes in between, and an item reaches the client once.
    if (known !== undefined) hub.settle(known);
    this.subscriptions.set(channel, hub.subscribe(channel, this.subscriber, plain));
    if (known !== undefined) {
      hub.unsubscribe(known);
      return;
    }
    if (log.enabled('info')) log.info(`subscribe ${this.options.uri} channel=${channel}`);
  }

  private leave(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined || this.implicit?.has(channel) === true) return;
    this.subscriptions.delete(channel);
    this.filters?.delete(channel);
    this.parts.hub.settle(subscription);
    this.parts.hub.unsubscribe(subscription);
  }
}

function withoutPrefix(name: string, prefix: string): string {
  return prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

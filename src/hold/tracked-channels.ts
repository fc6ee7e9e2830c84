/**
 * The channels of a held client whose origin numbers what it publishes: which id the client has seen last on each, and
 * whether an item follows it (specification 4.8, 4.9).
 */
import type { Hub } from '../hub/hub.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { type FilterStack, parseFilters } from '../protocol/filters/filters.js';
import type { FilterContext } from '../protocol/filters/message-filters.js';
import type { Instruct } from '../protocol/instruct.js';
import type { Item } from '../protocol/item.js';

export interface TrackedChannel {
  /** As the origin knows it, without the route's prefix. */
  name: string;
  /** Id of the last item the client has seen; undefined: the order does not matter, or cannot be told any more. */
  prevId: string | undefined;
  filters: FilterStack;
  readonly subscription: Subscription;
  /** An item came since the origin was asked last. */
  tookItem: boolean;
}

export interface ChannelNames {
  /** Route prefix of the names in instructs. */
  readonly prefix: string;
  /** Channels of the target, without prefix, which no instruct can take away. */
  readonly implicit: readonly string[];
  /** Names an instruct may give; the rest is left out. */
  readonly limit: number;
  /** Called for each channel, named in full, that is subscribed to. */
  readonly onSubscribed: (channel: string) => void;
  /** Called when an instruct names more channels than it may. */
  readonly onLeftOut: () => void;
}

/** Names and last ids of an instruct whose hold has not begun. */
export function lastIdsOf({ channels }: Instruct, { limit }: ChannelNames): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { name, prevId } of channels.slice(0, limit)) if (prevId !== undefined) ids.set(name, prevId);
  return ids;
}

/** Whether anything has been published that the origin did not know of; forgets the ids that say so. */
export function forgetConflicts(
  hub: Hub,
  { channels }: Pick<Instruct, 'channels'>,
  { prefix, limit }: Pick<ChannelNames, 'prefix' | 'limit'>,
): boolean {
  let conflict = false;
  for (const { name, prevId } of channels.slice(0, limit)) {
    const lastId = hub.lastId(prefix + name);
    if (prevId === undefined || lastId === undefined || lastId === prevId) continue;
    hub.forgetLastId(prefix + name);
    conflict = true;
  }
  return conflict;
}

export class TrackedChannels {
  private readonly byName = new Map<string, TrackedChannel>();

  constructor(
    private readonly hub: Hub,
    private readonly subscriber: Subscriber,
    private readonly names: ChannelNames,
  ) {
    for (const name of names.implicit) this.add(name, name, undefined, []);
  }

  /** Subscribes to what the instruct names and leaves what it does not name. */
  replace({ channels }: Instruct): void {
    const { prefix, limit, implicit, onLeftOut } = this.names;
    const wanted = new Set(implicit);
    if (channels.length > limit) onLeftOut();
    for (const { name, prevId, filters } of channels.slice(0, limit)) {
      const fullName = prefix + name;
      wanted.add(fullName);
      const known = this.byName.get(fullName);
      if (known === undefined) {
        this.add(fullName, name, prevId, filters);
      } else {
        known.name = name;
        known.prevId = prevId;
        known.filters = parseFilters(filters);
      }
    }
    for (const [fullName, channel] of this.byName) {
      if (wanted.has(fullName)) continue;
      this.byName.delete(fullName);
      this.hub.unsubscribe(channel.subscription);
    }
  }

  /** The record an item of this subscription belongs to; undefined when the client has left the channel since. */
  of(subscription: Subscription): TrackedChannel | undefined {
    const channel = this.byName.get(subscription.channel.name);
    return channel?.subscription === subscription ? channel : undefined;
  }

  /** Whether an item does not follow what the client has seen; an item without `prev-id` never does. */
  static isGap(channel: Pick<TrackedChannel, 'prevId'>, item: Item): boolean {
    return channel.prevId !== undefined && item.prevId !== channel.prevId;
  }

  /** The client sees the item now, or was not meant to see it. False: it has left the channel since. */
  see(subscription: Subscription, item: Item): boolean {
    const channel = this.of(subscription);
    if (channel === undefined) return false;
    if (channel.prevId !== undefined) channel.prevId = item.id;
    channel.tookItem = true;
    return true;
  }

  /** Whether every channel had an item since the last call. */
  tookItems(): boolean {
    let all = true;
    for (const channel of this.byName.values()) {
      all &&= channel.tookItem;
      channel.tookItem = false;
    }
    return all;
  }

  /** Name and last id of each channel that has one, for `Grip-Last`. */
  lastIds(): Map<string, string> {
    const ids = new Map<string, string>();
    for (const { name, prevId } of this.byName.values()) if (prevId !== undefined) ids.set(name, prevId);
    return ids;
  }

  /** The first channel that has a last id. */
  firstNumbered(): TrackedChannel | undefined {
    for (const channel of this.byName.values()) if (channel.prevId !== undefined) return channel;
    return undefined;
  }

  /** Leaves every channel. */
  clear(): void {
    for (const { subscription } of this.byName.values()) this.hub.unsubscribe(subscription);
    this.byName.clear();
  }

  /** What filters may look at when they see this item; ask before the item counts as seen. */
  contextOf(item: Item, subMeta: ReadonlyMap<string, string>): FilterContext {
    const names = new Set<string>();
    for (const { name } of this.byName.values()) names.add(name);
    return { subMeta, pubMeta: item.meta, prevIds: this.lastIds(), channels: names };
  }

  /** Gives every channel what was published to it before the client ends for another reason. */
  settle(): void {
    for (const { subscription } of [...this.byName.values()]) this.hub.settle(subscription);
  }

  private add(fullName: string, name: string, prevId: string | undefined, filters: readonly string[]): void {
    const subscription = this.hub.subscribe(fullName, this.subscriber, false);
    this.byName.set(fullName, { name, prevId, filters: parseFilters(filters), subscription, tookItem: false });
    this.names.onSubscribed(fullName);
    this.subscriber.visit?.subscribes(fullName);
  }
}

/**
 * Puts the items of a channel in the order their `prev-id`s give (specification 5.6, 2). An item whose predecessor has
 * not gone out yet waits, up to `wait` milliseconds; then it goes out anyway.
 */
import type { Publication } from './publication.js';

/** An item that waits for the one before it. */
export interface WaitingItem {
  readonly publication: Publication;
  /** Clock milliseconds. */
  readonly since: number;
}

/** What the order of a channel's items is kept by. */
export interface OrderedChannel {
  readonly name: string;
  /** Id of the last item that went out in sequence; undefined when none, or when it had no id. */
  lastId: string | undefined;
  /** Items out of order, by the id they wait for; made when needed. */
  waiting: Map<string, WaitingItem> | undefined;
}

export type SequenceResult = 'sent' | 'waiting' | 'full';

export class Sequencer<Channel extends OrderedChannel> {
  /** Channels in which something waits. */
  private readonly channels = new Set<Channel>();

  /**
   * @param wait - milliseconds an item waits for its predecessor
   * @param maxWaiting - items that may wait in one channel
   * @param send - lets an item out to whoever is subscribed
   */
  constructor(
    private readonly wait: number,
    private readonly maxWaiting: number,
    private readonly send: (channel: Channel, publication: Publication) => void,
  ) {}

  /** True while any item waits. */
  get busy(): boolean {
    return this.channels.size > 0;
  }

  publish(channel: Channel, publication: Publication, now: number): SequenceResult {
    const { prevId } = publication.item;
    if (channel.lastId === undefined || prevId === undefined || channel.lastId === prevId) {
      this.release(channel, publication);
      return 'sent';
    }
    channel.waiting ??= new Map();
    if (channel.waiting.size >= this.maxWaiting || channel.waiting.has(prevId)) return 'full';
    channel.waiting.set(prevId, { publication, since: now });
    publication.tally?.begin();
    this.channels.add(channel);
    return 'waiting';
  }

  /** Lets out what has waited too long, in the order it came. */
  expire(now: number): void {
    for (const channel of this.channels) {
      for (const [prevId, item] of channel.waiting ?? []) {
        // An item released as a follower of an earlier one is no longer in the map: the iterator sees that.
        if (item.since + this.wait > now) break;
        channel.waiting?.delete(prevId);
        this.release(channel, item.publication);
        item.publication.tally?.end();
      }
      this.forgetIfDone(channel);
    }
  }

  /** Drops what waits in a channel that nobody listens to any more; returns how many items. */
  forget(channel: Channel): number {
    const { waiting } = channel;
    channel.waiting = undefined;
    this.channels.delete(channel);
    for (const { tally } of [...(waiting?.values() ?? [])].map(({ publication }) => publication)) {
      if (tally === undefined) continue;
      tally.abandoned = true;
      tally.end();
    }
    return waiting?.size ?? 0;
  }

  /** Sends an item and everything that waited for it, one after the other. */
  private release(channel: Channel, first: Publication): void {
    let publication: Publication | undefined = first;
    while (publication !== undefined) {
      const id: string | undefined = publication.item.id;
      channel.lastId = id;
      this.send(channel, publication);
      if (publication !== first) publication.tally?.end();
      const next: WaitingItem | undefined = id === undefined ? undefined : channel.waiting?.get(id);
      if (id !== undefined && next !== undefined) channel.waiting?.delete(id);
      publication = next?.publication;
    }
    this.forgetIfDone(channel);
  }

  private forgetIfDone(channel: Channel): void {
    if (channel.waiting === undefined || channel.waiting.size > 0) return;
    channel.waiting = undefined;
    this.channels.delete(channel);
  }
}

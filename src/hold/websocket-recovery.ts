/**
 * Makes good what a held WebSocket missed on channels whose origin numbers its items and can be asked for them. It is
 * there only for connections whose origin asked for it.
 *
 *     following ──an item that does not follow, conflict──► queued ──its turn──► fetching ──answer──► following
 *         ▲                                                                      │  ▲ └──failed──► retrying
 *         │                                                                      │  └───────────────┘
 *         └──the origin is told, nothing is followed any more──not to be had─────┘
 *     any ──client gone──► over
 *
 * Items of the connection wait from the first moment of this until it follows again. One link is asked at a time, for
 * all channels that name it.
 */

import type { ChannelRecovery } from '../protocol/control-message.js';
import type { Item } from '../protocol/item.js';
import { BackOff } from './back-off.js';
import type { HoldParts } from './hold-parts.js';
import type { ItemQueue, QueuedItem } from './item-queue.js';
import { type MissedMessages, MissedMessagesAnswer } from './missed-messages.js';
import type { LinkCall, LinkSource } from './next-link.js';
import { forgetConflicts, TrackedChannels } from './tracked-channels.js';
import type { Updatable } from './update-queue.js';

const NOTHING = Buffer.alloc(0);

/** The WebSocket as its recovery sees it. */
export interface RecoveringClient {
  /** Its items, one after the other. */
  readonly itemQueue: ItemQueue;
  /** Sends what was missed; the connection may be closed afterwards. */
  recovered(type: 'text' | 'binary', content: Buffer): void;
  /** Lets the items go on that wait. */
  resumeItems(): void;
  /** Messages are lost. @param toTell - what the origin wants to be told of it, for each of the channels */
  notRecovered(toTell: ReadonlySet<string | undefined>, why: string): void;
}

export interface RecoveryOptions {
  /** Route prefix of channel names. */
  readonly channelPrefix: string;
  /** The client's URI, which links are relative to. */
  readonly uri: string;
  /** Undefined: there is nobody to ask. */
  readonly links?: LinkSource | undefined;
}

interface NumberedChannel {
  /** As the origin knows it, without the route's prefix. */
  readonly name: string;
  /** Id of the last item the client knows. */
  prevId: string;
  /** Absolute. */
  readonly link: string;
  readonly whenFailed: string | undefined;
  /** What waits does not follow the origin's last answer, and it was asked once more. */
  doubted: boolean;
}

type State = 'following' | 'queued' | 'fetching' | 'retrying' | 'over';

export class WebSocketRecovery implements Updatable {
  private state: State = 'following';
  /** By full name. */
  private readonly channels = new Map<string, NumberedChannel>();
  /** Links to be asked after the one that is. */
  private readonly due = new Set<string>();
  private link = '';
  /** Those the answer under way is for. */
  private asked: ReadonlyMap<string, NumberedChannel> = new Map();
  private call: LinkCall | undefined = undefined;
  private backOff: BackOff | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly client: RecoveringClient,
    private readonly options: RecoveryOptions,
  ) {}

  /** Follows a channel from now on, or anew. */
  follow(fullName: string, name: string, { prevId, link: reference, whenFailed }: ChannelRecovery): void {
    const { links, uri, channelPrefix } = this.options;
    const link = links?.resolve(reference, httpUri(uri));
    if (link === undefined) {
      this.forget(fullName);
      this.report(new Set([whenFailed]), `recover link '${reference}' cannot be followed`);
      return;
    }
    this.channels.set(fullName, { name, prevId, link, whenFailed, doubted: false });
    const channels = [{ name, prevId, filters: [] }];
    if (forgetConflicts(this.parts.hub, { channels }, { prefix: channelPrefix, limit: 1 })) this.ask(link);
  }

  /** The client has left the channel, or its order does not matter any more. */
  forget(fullName: string): void {
    if (!this.channels.delete(fullName) || this.state === 'following' || this.concerns(this.link)) return;
    this.callOff();
    this.next();
  }

  /** Whether an item whose turn has come is one for the client; if it does not follow, it waits. */
  admits(queued: QueuedItem): boolean {
    const { publication, subscription } = queued;
    const { item, tally } = publication;
    const { name } = subscription.channel;
    const channel = this.channels.get(name);
    if (channel === undefined || !TrackedChannels.isGap(channel, item)) return true;
    if (item.id === channel.prevId) {
      this.parts.counters.dropped.gap += 1;
      tally?.count('ws', 'gap');
      return false;
    }
    this.parts.hub.forgetLastId(name);
    this.client.itemQueue.stopAt(queued);
    this.ask(channel.link);
    return false;
  }

  /** The client has seen the item, or was not meant to. */
  see(fullName: string, { id }: Item): void {
    const channel = this.channels.get(fullName);
    if (channel === undefined) return;
    if (id === undefined) this.channels.delete(fullName);
    else channel.prevId = id;
  }

  /** Name and last id of each channel it follows. */
  lastIds(): Map<string, string> {
    return new Map([...this.channels.values()].map(({ name, prevId }) => [name, prevId]));
  }

  /** Something may have been lost that no item will tell of. */
  askAll(): void {
    for (const { link } of [...this.channels.values()]) this.ask(link);
  }

  /** The connection is over. */
  close(): void {
    if (this.state === 'over') return;
    this.callOff();
    this.state = 'over';
    this.channels.clear();
    this.due.clear();
  }

  update(): void {
    if (this.state === 'queued') this.fetch();
  }

  private get isOver(): boolean {
    return this.state === 'over';
  }

  /** Whether a channel names this link. */
  private concerns(link: string): boolean {
    for (const channel of this.channels.values()) if (channel.link === link) return true;
    return false;
  }

  private ask(link: string): void {
    if (this.state === 'over') return;
    this.client.itemQueue.stop();
    // What has not been sent yet asks for everything there is by then.
    if (this.link === link && (this.state === 'queued' || this.state === 'retrying')) return;
    this.due.add(link);
    if (this.state === 'following') this.next();
  }

  private next(): void {
    this.link = '';
    this.state = 'following';
    for (const link of this.due) {
      this.due.delete(link);
      if (!this.concerns(link)) continue;
      this.link = link;
      this.state = 'queued';
      this.parts.updates.add(link, this);
      return;
    }
    this.client.resumeItems();
  }

  private fetch(): void {
    const asked = new Map<string, NumberedChannel>();
    const lastIds = new Map<string, string>();
    for (const [fullName, channel] of this.channels) {
      if (channel.link !== this.link) continue;
      asked.set(fullName, channel);
      lastIds.set(channel.name, channel.prevId);
    }
    if (asked.size === 0) {
      this.next();
      return;
    }
    this.asked = asked;
    this.state = 'fetching';
    const { maxRecoveryBytes } = this.parts.limits;
    const answer = new MissedMessagesAnswer([...lastIds.keys()], maxRecoveryBytes, (result) => this.take(result));
    this.call = this.options.links?.open(this.link, lastIds, answer);
  }

  private take(result: MissedMessages): void {
    if (this.state !== 'fetching') return;
    switch (result.kind) {
      case 'messages':
        this.call = undefined;
        this.backOff?.reset();
        this.makeGood(result);
        return;
      case 'refused':
        this.lose(result.why);
        return;
      case 'failed':
        this.call = undefined;
        this.backOff ??= new BackOff(this.parts, () => this.fetch());
        if (this.backOff.wait()) this.state = 'retrying';
        else this.lose('the origin cannot be asked');
    }
  }

  private makeGood({ messages, ids }: Extract<MissedMessages, { kind: 'messages' }>): void {
    const concerned = [...this.asked].filter(([name, channel]) => this.channels.get(name) === channel);
    if (concerned.length > 0) {
      for (const { type, content = NOTHING } of messages) {
        this.client.recovered(type === 'TEXT' ? 'text' : 'binary', content);
        if (this.isOver) return;
      }
    }
    for (const [fullName, channel] of concerned) this.advance(fullName, channel, ids.get(channel.name));
    this.next();
  }

  /** The client knows what the answer was about; of what waits, that is left out. */
  private advance(fullName: string, channel: NumberedChannel, id = channel.prevId): void {
    const { itemQueue } = this.client;
    const moved = id !== channel.prevId;
    channel.prevId = id;
    const waiting = itemQueue.queued.filter(({ subscription }) => subscription.channel.name === fullName);
    const known = knownItems(waiting, id);
    // The answer may be older than what waits, because it was shared with a client that asked earlier.
    if (known === undefined && (moved || !channel.doubted)) {
      channel.doubted = true;
      this.due.add(channel.link);
      return;
    }
    channel.doubted = false;
    itemQueue.leaveOut(new Set(waiting.slice(0, known)));
  }

  /** What was missed is not to be had. */
  private lose(why: string): void {
    const toTell = new Set<string | undefined>();
    for (const [fullName, { link, whenFailed }] of this.channels) {
      if (link !== this.link) continue;
      this.channels.delete(fullName);
      toTell.add(whenFailed);
    }
    this.callOff();
    this.report(toTell, why);
    if (!this.isOver) this.next();
  }

  private report(toTell: ReadonlySet<string | undefined>, why: string): void {
    this.parts.warnings.warn('not-recovered', `${this.options.uri}: messages are lost: ${why}`);
    this.client.notRecovered(toTell, why);
  }

  /** Ends what is under way. */
  private callOff(): void {
    if (this.state === 'queued') this.parts.updates.remove(this.link, this);
    this.backOff?.reset();
    this.call?.cancel();
    this.call = undefined;
  }
}

/** How many of these the client knows when `id` is the last it knows; undefined: that cannot be told. */
function knownItems(waiting: readonly QueuedItem[], id: string): number | undefined {
  if (waiting.length === 0) return 0;
  const next = waiting.findIndex(({ publication }) => publication.item.prevId === id);
  if (next >= 0) return next;
  const last = waiting.findLastIndex(({ publication }) => publication.item.id === id);
  return last < 0 ? undefined : last + 1;
}

function httpUri(uri: string): string {
  return uri.replace(/^ws/, 'http');
}

/**
 * The hub of the main process: the order of items is decided here once (specification 5.6), and each item goes to the
 * workers that have its channel open. The subscribers themselves are in the workers' own hubs.
 *
 *     publisher ──► admission ──► channel ──► worker 1, worker 3          (one frame, written to each)
 */
import {
  Admission,
  type AdmissionParts,
  type Outlet,
  type Publishing,
  type PublishOutcome,
} from '../../hub/admission.js';
import type { ChannelObserver } from '../../hub/hub.js';
import type { Publication } from '../../hub/publication.js';
import type { OrderedChannel, WaitingItem } from '../../hub/sequencer.js';
import { formatOf, SUBSCRIBER_KINDS, type SubscriberKind } from '../../hub/subscriber.js';
import type { Tally, TallyCounts } from '../../hub/tally.js';
import type { Item } from '../../protocol/item.js';
import { MACHINE_TIME } from '../../time/machine-time.js';
import { FrameWriter } from './frames.js';
import { writeItem } from './item-frames.js';
import { FRAMES } from './messages.js';

/** A worker as the hub sees it. */
export interface ItemTaker {
  sendFrame(frame: Buffer): void;
  /** The last id of a channel is not to be relied on. */
  forget(channel: string): void;
  askAgain(channel: string): void;
  refresh(channel: string): void;
}

/** Subscribers of a channel in one worker. */
export interface SubscriberCounts {
  readonly response: number;
  readonly stream: number;
  readonly ws: number;
}

const NOBODY: SubscriberCounts = { response: 0, stream: 0, ws: 0 };

class CentralChannel implements OrderedChannel {
  lastId: string | undefined = undefined;
  waiting: Map<string, WaitingItem> | undefined = undefined;
  readonly takers = new Map<ItemTaker, SubscriberCounts>();

  constructor(readonly name: string) {}
}

/** A report that a worker owes. */
interface Owed {
  readonly taker: ItemTaker;
  readonly tally: Tally;
  readonly promised: number;
}

export class CentralHub implements Publishing, Outlet<CentralChannel> {
  private readonly channels = new Map<string, CentralChannel>();
  private readonly observers: ChannelObserver[] = [];
  private readonly admission: Admission<CentralChannel>;
  private readonly writer = new FrameWriter();
  private readonly owed = new Map<number, Owed>();
  private lastReport = 0;

  constructor(private readonly parts: AdmissionParts) {
    this.admission = new Admission(parts, this);
  }

  observe(observer: ChannelObserver): void {
    this.observers.push(observer);
  }

  get channelCount(): number {
    return this.channels.size;
  }

  publish(item: Item, tally?: Tally, traceparent?: string): PublishOutcome {
    return this.admission.publish(item, tally, traceparent);
  }

  forgetLastIds(): void {
    for (const channel of this.channels.values()) channel.lastId = undefined;
  }

  /** Lets every subscriber of a channel that has an origin to ask do so (specification 4.12). */
  askAgain(name: string): void {
    for (const taker of this.channels.get(name)?.takers.keys() ?? []) taker.askAgain(name);
  }

  /** Has every WebSocket of a channel that goes over HTTP ask its origin now (specification 8.3). */
  refresh(name: string): void {
    for (const taker of this.channels.get(name)?.takers.keys() ?? []) taker.refresh(name);
  }

  /** Tells who has begun to watch of all subscribers there are. */
  recount(): void {
    for (const channel of this.channels.values()) this.watchCounts(channel);
  }

  close(): void {
    this.admission.close();
  }

  /** A worker has opened a channel: from here on it gets its items, which the frame it is sent says. */
  opened(taker: ItemTaker, name: string): void {
    let channel = this.channels.get(name);
    const isNew = channel === undefined;
    channel ??= new CentralChannel(name);
    channel.takers.set(taker, NOBODY);
    const { writer } = this;
    writer.begin(FRAMES.opened);
    writer.text(name);
    writer.u8(channel.lastId === undefined ? 0 : 1);
    if (channel.lastId !== undefined) writer.text(channel.lastId);
    taker.sendFrame(writer.end());
    if (!isNew) return;
    this.channels.set(name, channel);
    for (const observer of this.observers) observer.channelOpened(name);
  }

  closed(taker: ItemTaker, name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined || !channel.takers.delete(taker)) return;
    this.watchCounts(channel);
    if (channel.takers.size > 0) return;
    this.channels.delete(name);
    this.parts.counters.dropped.abandoned += this.admission.forget(channel);
    for (const observer of this.observers) observer.channelClosed(name);
  }

  counted(taker: ItemTaker, name: string, counts: SubscriberCounts): void {
    const channel = this.channels.get(name);
    if (channel?.takers.has(taker) !== true) return;
    channel.takers.set(taker, counts);
    this.watchCounts(channel);
  }

  /** A worker has found that the last id is not what its client's state follows. */
  forgetLastId(taker: ItemTaker, name: string): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    channel.lastId = undefined;
    for (const other of channel.takers.keys()) if (other !== taker) other.forget(name);
  }

  /** What became of an item in a worker. */
  settled(report: number, counts: TallyCounts): void {
    const owed = this.owed.get(report);
    if (owed === undefined) return;
    this.owed.delete(report);
    owed.tally.add(counts, owed.promised);
    owed.tally.end();
  }

  /** A worker has gone, and its clients with it. */
  gone(taker: ItemTaker): void {
    for (const [report, owed] of this.owed) {
      if (owed.taker !== taker) continue;
      this.owed.delete(report);
      owed.tally.end();
    }
    for (const name of [...this.channels.keys()]) this.closed(taker, name);
  }

  channel(name: string): CentralChannel | undefined {
    return this.channels.get(name);
  }

  receivers({ takers }: CentralChannel, { formats }: Item): number {
    let receivers = 0;
    for (const counts of takers.values()) receivers += receiversOf(counts, formats);
    return receivers;
  }

  release({ takers }: CentralChannel, publication: Publication): void {
    const { item, tally } = publication;
    const { watch } = this.parts;
    if (watch?.awake === true) watch.released(item, kindsOf(takers.values(), item.formats));
    if (tally === undefined) {
      const frame = this.frameOf(publication, 0);
      for (const taker of takers.keys()) taker.sendFrame(frame);
      return;
    }
    for (const [taker, counts] of takers) {
      const promised = receiversOf(counts, item.formats);
      tally.expect(promised);
      tally.begin();
      this.lastReport = (this.lastReport % 0xffff_ffff) + 1;
      this.owed.set(this.lastReport, { taker, tally, promised });
      taker.sendFrame(this.frameOf(publication, this.lastReport));
    }
    if (takers.size === 0) tally.expect(0);
  }

  private watchCounts({ name, takers }: CentralChannel): void {
    const { watch } = this.parts;
    if (watch?.awake !== true) return;
    for (const kind of SUBSCRIBER_KINDS) {
      let subscribers = 0;
      for (const counts of takers.values()) subscribers += counts[kind];
      watch.counted(name, kind, subscribers);
    }
  }

  private frameOf({ item, since, step }: Publication, report: number): Buffer {
    const { writer } = this;
    writer.begin(FRAMES.item);
    writer.u32(report);
    writer.number(since + MACHINE_TIME);
    writer.text(step?.traceparent ?? '');
    writeItem(writer, item);
    return writer.end();
  }
}

function kindsOf(all: Iterable<SubscriberCounts>, formats: Item['formats']): Record<SubscriberKind, number> {
  const sum = { response: 0, stream: 0, ws: 0 };
  for (const counts of all) {
    for (const kind of SUBSCRIBER_KINDS) if (formatOf(formats, kind) !== undefined) sum[kind] += counts[kind];
  }
  return sum;
}

function receiversOf({ response, stream, ws }: SubscriberCounts, formats: Item['formats']): number {
  return (
    (formats.response === undefined ? 0 : response) +
    (formats.stream === undefined ? 0 : stream) +
    (formats.websocket === undefined ? 0 : ws)
  );
}

/**
 * A worker's hub and the main process, which takes the items in: openings of channels go out at once, numbers of
 * subscribers once a turn of the event loop. An opening that was made while an earlier one of the same channel is not
 * answered yet is answered by its own answer and no other.
 */
import type { BackendPublishing } from '../../backend/backend-publishing.js';
import type { Hub } from '../../hub/hub.js';
import { receivedStep } from '../../hub/hub-watch.js';
import { Tally } from '../../hub/tally.js';
import type { Uplink } from '../../hub/uplink.js';
import type { Item } from '../../protocol/item.js';
import { MACHINE_TIME } from '../../time/machine-time.js';
import type { Bus } from './bus.js';
import { type FramePayload, FrameWriter } from './frames.js';
import { readItem, writeItem } from './item-frames.js';
import { CHANNEL, FRAMES, type MainMessage, type WorkerMessage } from './messages.js';

export type WorkerBus = Bus<WorkerMessage, MainMessage>;

export class WorkerUplink implements Uplink, BackendPublishing {
  congested = false;
  /** Who waits for room. */
  private readonly waiting: (() => void)[] = [];
  private readonly writer = new FrameWriter();
  /** Openings without an answer. */
  private readonly unanswered = new Map<string, number>();
  /** Channels whose number of subscribers has changed in this turn. */
  private readonly changed = new Set<string>();
  private turn: NodeJS.Immediate | undefined = undefined;
  private hub: Hub | undefined = undefined;

  constructor(private readonly bus: WorkerBus) {}

  /** The hub that uses this uplink. */
  attach(hub: Hub): void {
    this.hub = hub;
  }

  open(channel: string): void {
    this.unanswered.set(channel, (this.unanswered.get(channel) ?? 0) + 1);
    this.tell(channel, CHANNEL.opened);
  }

  close(channel: string): void {
    this.changed.delete(channel);
    this.tell(channel, CHANNEL.closed);
  }

  counted(channel: string): void {
    this.changed.add(channel);
    this.turn ??= setImmediate(this.tellCounts);
  }

  /** Has an item published by the main process, to everybody. */
  publish(item: Item, traceparent = ''): void {
    const { writer } = this;
    writer.begin(FRAMES.publish);
    writer.text(traceparent);
    writeItem(writer, item);
    this.bus.sendFrame(writer.end());
  }

  whenClear(run: () => void): void {
    if (this.congested) this.waiting.push(run);
    else run();
  }

  /** At the word of the main process. */
  setCongested(on: boolean): void {
    this.congested = on;
    if (on) return;
    for (const run of this.waiting.splice(0)) run();
  }

  forgetLastId(channel: string): void {
    this.bus.send({ kind: 'forget', channel });
  }

  /** A frame of the main process. */
  frame(type: number, payload: FramePayload): void {
    if (type === FRAMES.item) this.item(payload);
    else if (type === FRAMES.opened) this.opened(payload);
  }

  private item(payload: FramePayload): void {
    const report = payload.u32();
    const since = payload.number() - MACHINE_TIME;
    const traceparent = payload.text();
    const item = readItem(payload);
    const step = receivedStep(item, traceparent);
    if (report === 0) {
      this.hub?.receive(item, undefined, since, step);
      return;
    }
    const tally: Tally = new Tally(() => this.bus.send({ kind: 'settled', report, counts: tally.counts }));
    tally.begin();
    this.hub?.receive(item, tally, since, step);
    tally.end();
  }

  private opened(payload: FramePayload): void {
    const channel = payload.text();
    const lastId = payload.u8() === 1 ? payload.text() : undefined;
    const left = (this.unanswered.get(channel) ?? 1) - 1;
    if (left > 0) {
      this.unanswered.set(channel, left);
      return;
    }
    this.unanswered.delete(channel);
    this.hub?.opened(channel, lastId);
  }

  private readonly tellCounts = (): void => {
    this.turn = undefined;
    for (const channel of this.changed) this.tell(channel, CHANNEL.counted);
    this.changed.clear();
  };

  private tell(channel: string, state: number): void {
    const { writer, hub } = this;
    writer.begin(FRAMES.channels);
    writer.text(channel);
    writer.u8(state);
    writer.u32(hub?.count(channel, 'response') ?? 0);
    writer.u32(hub?.count(channel, 'stream') ?? 0);
    writer.u32(hub?.count(channel, 'ws') ?? 0);
    this.bus.sendFrame(writer.end());
  }
}

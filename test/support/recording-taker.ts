/** A worker as the main process's hub sees it, which keeps what it is sent. */
import type { ItemTaker } from '../../src/runtime/workers/central-hub.js';
import { FrameReader } from '../../src/runtime/workers/frames.js';
import { readItem } from '../../src/runtime/workers/item-frames.js';
import { FRAMES } from '../../src/runtime/workers/messages.js';
import { textOf } from './item-text.js';

export class RecordingTaker implements ItemTaker {
  /** `opened c`, `opened c after 7`, `item c hello`, `forget c`, `ask c`, in the order they came. */
  readonly calls: string[] = [];
  /** Numbers of the reports that are asked for. */
  readonly reports: number[] = [];
  readonly frames: Buffer[] = [];
  private readonly reader = new FrameReader((type, payload) => {
    if (type === FRAMES.opened) {
      const channel = payload.text();
      this.calls.push(`opened ${channel}${payload.u8() === 1 ? ` after ${payload.text()}` : ''}`);
      return;
    }
    const report = payload.u32();
    payload.number();
    payload.text();
    if (report > 0) this.reports.push(report);
    const item = readItem(payload);
    this.calls.push(`item ${item.channel} ${textOf(item, 'stream')}`);
  });

  sendFrame(frame: Buffer): void {
    this.frames.push(frame);
    this.reader.read(frame);
  }

  refresh(channel: string): void {
    this.calls.push(`refresh ${channel}`);
  }

  forget(channel: string): void {
    this.calls.push(`forget ${channel}`);
  }

  askAgain(channel: string): void {
    this.calls.push(`ask ${channel}`);
  }
}

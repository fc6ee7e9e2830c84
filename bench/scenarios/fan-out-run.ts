/** Publishes to one channel and learns from the client processes when everybody has had each message. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Format } from '../client/http-publisher.js';
import type { Completed } from '../client/messages.js';
import type { Clients } from '../clients.js';
import { micros } from '../clock.js';
import { Histogram } from '../histogram.js';
import { messageText } from '../payload.js';
import type { Publisher } from './publisher.js';

/** Milliseconds without any message becoming complete after which those under way are given up. */
const PATIENCE = 3_000;

interface Under {
  readonly at: number;
  /** Client processes that have it completely. */
  parts: number;
  first: number;
  last: number;
}

export interface FanOutOptions {
  readonly channel: string;
  readonly format: Format;
  readonly messageBytes: number;
  /** Client processes that have holds on the channel. */
  readonly parts: number;
  /** Number of the first message. */
  readonly from: number;
}

export class FanOutRun {
  /** Microseconds from the publish to the first client that has it, and to the last. */
  readonly first = new Histogram();
  readonly last = new Histogram();
  published = 0;
  refused = 0;
  /** Microseconds of the common clock when the last complete message was complete. */
  completedAt = 0;
  private number: number;
  private refusedBefore = 0;
  private incomplete = 0;
  private readonly under = new Map<number, Under>();
  private wake: (() => void) | undefined = undefined;

  constructor(
    clients: Clients,
    private readonly publisher: Publisher,
    private readonly options: FanOutOptions,
  ) {
    this.number = options.from;
    clients.onCompleted = (messages) => this.completed(messages);
  }

  /** Counts anew; messages go on being numbered. */
  mark(): void {
    this.first.clear();
    this.last.clear();
    this.published = 0;
    this.refusedBefore += this.refused;
    this.refused = 0;
  }

  /** What went wrong since the start, whatever has been marked. */
  get faults(): Record<string, number> {
    const refused = this.refusedBefore + this.refused;
    return {
      ...(refused > 0 ? { 'publishes refused': refused } : {}),
      ...(this.incomplete > 0 ? { 'fan-outs not complete': this.incomplete } : {}),
    };
  }

  /** One message at a time. @param between - milliseconds from one that is complete to the next */
  async oneByOne(count: number, between: number): Promise<void> {
    for (let done = 0; done < count; done += 1) {
      await this.publish();
      await this.untilUnder(0);
      await pause(between);
    }
  }

  /** As fast as it goes with at most `window` messages not yet complete. @param stop - then waits for the rest */
  async windowed(stop: Promise<unknown>, window: number): Promise<void> {
    let stopped = false;
    const stopping = stop.finally(() => {
      stopped = true;
    });
    while (!stopped) {
      await this.publish();
      await this.untilUnder(window - 1);
    }
    await stopping;
    await this.untilUnder(0);
  }

  /** As fast as the server takes it in. */
  async burst(count: number): Promise<void> {
    for (let done = 0; done < count; done += 1) await this.publish();
    await this.untilUnder(0);
  }

  private async publish(): Promise<void> {
    const { channel, format, messageBytes } = this.options;
    const { number } = this;
    this.number += 1;
    this.published += 1;
    const at = micros();
    this.under.set(number, { at, parts: 0, first: Number.POSITIVE_INFINITY, last: 0 });
    if (await this.publisher.publish(channel, format, messageText(number, at, messageBytes))) return;
    this.refused += 1;
    this.under.delete(number);
    await pause(10);
  }

  /** Resolves when at most `most` messages are not complete. */
  private async untilUnder(most: number): Promise<void> {
    while (this.under.size > most) {
      const before = this.under.size;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, PATIENCE);
      });
      clearTimeout(timer);
      this.wake = undefined;
      if (this.under.size < before) continue;
      this.incomplete += this.under.size;
      this.under.clear();
    }
  }

  private completed(messages: readonly Completed[]): void {
    let done = false;
    for (const { number, first, last } of messages) {
      const under = this.under.get(number);
      if (under === undefined) continue;
      under.parts += 1;
      under.first = Math.min(under.first, first);
      under.last = Math.max(under.last, last);
      if (under.parts < this.options.parts) continue;
      this.under.delete(number);
      this.first.record(under.first - under.at);
      this.last.record(under.last - under.at);
      this.completedAt = Math.max(this.completedAt, under.last);
      done = true;
    }
    if (done) this.wake?.();
  }
}

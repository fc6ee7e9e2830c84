/** Publishes to the channels of this process's holds, chosen at random, with a bounded number not yet delivered. */
import { micros } from '../clock.js';
import { messageText } from '../payload.js';
import { type Format, HttpPublisher } from './http-publisher.js';
import type { Tally } from './load.js';
import type { Sockets } from './socket.js';

export interface OwnPublishingOptions {
  readonly format: Format;
  readonly messageBytes: number;
  readonly channelOf: (index: number) => string;
  /** Number of channels. */
  readonly count: () => number;
}

export class OwnPublishing {
  /** Published and not yet delivered. */
  underway = 0;
  private publisher: HttpPublisher | undefined = undefined;
  private pace: { readonly window: number; readonly pause: number } | undefined = undefined;
  private readonly numbers: number[] = [];
  /** Channels whose last message has not come yet: two on different connections could overtake each other. */
  private readonly busy = new Set<number>();
  /** State of the generator that chooses channels: the same ones in each run. */
  private chosen = 12_345;

  constructor(
    private readonly sockets: Sockets,
    private readonly controlPort: number,
    private readonly tally: Tally,
    private readonly options: OwnPublishingOptions,
  ) {}

  begin(pace: { readonly window: number; readonly publishers: number; readonly pause: number }): void {
    this.publisher?.close();
    this.publisher = new HttpPublisher(this.sockets, this.controlPort, pace.publishers);
    this.pace = pace;
    this.fill();
  }

  /** @param index - of the channel */
  delivered(index: number): void {
    if (!this.busy.delete(index)) return;
    this.underway -= 1;
    const pause = this.pace?.pause ?? 0;
    if (pause > 0) setTimeout(() => this.fill(), pause);
    else this.fill();
  }

  rest(): void {
    this.pace = undefined;
  }

  /** @returns how many have not come, and will not be waited for */
  writeOff(): number {
    const lost = this.underway;
    this.underway = 0;
    this.busy.clear();
    return lost;
  }

  close(): void {
    this.rest();
    this.publisher?.close();
  }

  private fill(): void {
    const most = Math.min(this.pace?.window ?? 0, this.options.count());
    while (this.underway < most) this.publishOne();
  }

  private publishOne(): void {
    const { format, messageBytes, channelOf, count } = this.options;
    let index = this.choose(count());
    while (this.busy.has(index)) index = this.choose(count());
    this.busy.add(index);
    const number = this.numbers[index] ?? 0;
    this.numbers[index] = number + 1;
    this.underway += 1;
    this.tally.add('published');
    this.publisher?.publish(channelOf(index), format, messageText(number, micros(), messageBytes), (ok) => {
      if (!ok) this.tally.add('publishes refused');
    });
  }

  private choose(count: number): number {
    this.chosen = (Math.imul(this.chosen, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.chosen / 2 ** 32) * count);
  }
}

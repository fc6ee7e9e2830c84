/**
 * A client that is held as an HTTP stream (specification 4.7).
 *
 *     begun ──► holding ──► ended
 *                 │  publish: bytes are written, the idle keep-alive starts anew
 *                 │  keep-alive due: its content is written
 *                 └─ close action, client gone, outbox full: ended
 *
 * The head and the first body bytes have been written before a hold is made; it keeps the connection and this small
 * object, nothing of the request.
 */
import type { Encoding, Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { countSent } from '../hub/tally.js';
import type { HoldEnd } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import type { KeepAlive } from '../protocol/instruct.js';
import { Timed } from '../time/wheel.js';
import type { ClientExchange } from './client-connection.js';
import { encodeChunk, STREAM_ENCODINGS } from './encodings.js';
import { type HoldParts, keepAliveDelay } from './hold-parts.js';
import { outboxVerdict } from './outbox.js';

export class StreamHold extends Timed implements Subscriber {
  readonly kind = 'stream';
  readonly encoding: Encoding;
  private subscriptions: Subscription[] = [];
  private ended = false;
  /** Clock milliseconds of the last byte written for an item; the idle keep-alive counts from it. */
  private writtenAt = 0;

  /**
   * @param rateBucket - explicit id of the route, or empty
   */
  constructor(
    private readonly parts: HoldParts,
    private readonly exchange: ClientExchange,
    readonly rateBucket: string,
    private readonly keepAlive: KeepAlive | undefined,
    /** Undefined: nobody watches. */
    readonly visit: Visit | undefined = undefined,
  ) {
    super();
    this.encoding = STREAM_ENCODINGS[exchange.framing];
    exchange.onGone = () => this.leave('gone');
    parts.open.add(this);
    parts.counters.holds.stream += 1;
    visit?.holds('stream');
    this.startKeepAlive();
  }

  /** Subscribes to channels, prefixed already. */
  subscribe(channels: Iterable<string>): void {
    if (this.ended) return;
    for (const channel of channels) {
      this.subscriptions.push(this.parts.hub.subscribe(channel, this));
      this.visit?.subscribes(channel);
    }
  }

  write(bytes: Buffer, count: number): boolean {
    if (this.ended) return false;
    switch (outboxVerdict(this.parts, this.exchange.queuedBytes, bytes.length, count)) {
      case 'write':
        this.exchange.writeFramed(bytes);
        this.parts.counters.delivered += count;
        this.visit?.sent(count);
        this.writtenAt = this.parts.wheel.clock.now();
        return true;
      case 'drop':
        return false;
      case 'close':
        this.leave('refused');
        this.exchange.abort();
        return false;
    }
  }

  deliver({ item, tally }: Publication): void {
    const format = item.formats.stream;
    if (format === undefined || this.ended) return;
    switch (format.action) {
      case 'close':
        tally?.count('stream', 'delivered');
        this.leave('closed');
        this.exchange.end();
        return;
      case 'send':
        // An assertion about filters that this hold does not have: the item is not meant for it.
        if (format.contentFilters !== undefined && format.contentFilters.length > 0) {
          this.parts.counters.dropped.filtered += 1;
          tally?.count('stream', 'filter-failed');
          return;
        }
        countSent(tally, this.kind, this.writeContent(format.content, 1));
        return;
      case 'hint':
      case 'refresh':
        tally?.count('stream', 'delivered');
        return;
    }
  }

  onTime(): void {
    const { keepAlive } = this;
    if (keepAlive === undefined || this.ended) return;
    if (keepAlive.mode === 'idle' && this.writtenAt > 0) {
      const idleSince = this.parts.wheel.clock.now() - this.writtenAt;
      const left = keepAliveDelay(this.parts, keepAlive.timeout) - idleSince;
      if (left > 0) {
        this.writtenAt = 0;
        this.parts.wheel.start(this, left);
        return;
      }
    }
    if (this.writeContent(keepAlive.content, 0)) this.visit?.keptAlive();
    this.writtenAt = 0;
    // The write may have been one too many for a slow client.
    if (!this.ended) this.startKeepAlive();
  }

  get connectionId(): string | undefined {
    return this.visit?.id;
  }

  /** Ends the stream because the proxy ends, after what is published already. */
  shutDown(): void {
    if (this.ended) return;
    for (const subscription of this.subscriptions) this.parts.hub.settle(subscription);
    if (this.ended) return;
    this.leave('shut-down');
    this.exchange.end();
  }

  private writeContent(content: Buffer, count: number): boolean {
    const { framing } = this.exchange;
    if (content.length === 0 || framing === 'none') return true;
    return this.write(framing === 'chunked' ? encodeChunk(content) : content, count);
  }

  private startKeepAlive(): void {
    if (this.keepAlive === undefined) return;
    this.parts.wheel.start(this, keepAliveDelay(this.parts, this.keepAlive.timeout));
  }

  private leave(how: HoldEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.parts.wheel.stop(this);
    this.exchange.onGone = undefined;
    for (const subscription of this.subscriptions) this.parts.hub.unsubscribe(subscription);
    this.subscriptions = [];
    this.parts.open.delete(this);
    this.parts.counters.holds.stream -= 1;
    this.visit?.holdEnds(how);
  }
}

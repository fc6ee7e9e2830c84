/**
 * A client that speaks SockJS in HTTP requests (specification 13): what is said to it waits here until a poll takes it,
 * and what it sends comes as lists of messages, of which the origin may take its time with each.
 *
 *     transmit() ──► waiting ──nextFrame()──► a poll
 *     sendAll() ──► sending ──(not while paused)──► the origin
 *
 * A close frame follows what waits, and counts as answered when it is taken.
 */
import type { Encoding } from '../hub/publication.js';
import type { WebSocketFormat, WebSocketMessageType } from '../protocol/item.js';
import type { HoldParts } from './hold-parts.js';
import { arrayElement, arrayFrame, closeFrame, elementEncoding } from './sockjs-frames.js';
import { WebSocketHold, type WebSocketHoldOptions } from './websocket-hold.js';
import type { WebSocketOrigin } from './websocket-origin.js';

/** The client's requests, as the hold sees them. */
export interface PollingTransport {
  /** There may be something to take. */
  ready(): void;
  /** The same, and it has to be taken now or never. */
  flush(): void;
  /** The connection is broken off. */
  broken(): void;
}

/** What a poll is answered with. */
export interface PollFrame {
  readonly kind: 'messages' | 'close';
  readonly bytes: Buffer;
}

/** Messages on their way to the origin. */
interface Sending {
  readonly messages: readonly Buffer[];
  /** Index of the next one. */
  next: number;
  /** Called once; false when the connection ended before the origin had taken all. */
  readonly done: (taken: boolean) => void;
}

export class PollingHold extends WebSocketHold {
  readonly encoding: Encoding = elementEncoding;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private closing: Buffer | undefined = undefined;
  /** A publish closes the connection and names no code. */
  private closesWithoutCode = false;
  private paused = false;
  private sending: Sending | undefined = undefined;
  private sentWatchers: (() => void)[] = [];

  constructor(
    parts: HoldParts,
    origin: WebSocketOrigin,
    options: WebSocketHoldOptions,
    private readonly transport: PollingTransport,
  ) {
    super(parts, origin, options);
  }

  get queuedBytes(): number {
    return this.waitingBytes;
  }

  /** Calls `run` when polls have taken what waits now. */
  whenSent(run: () => void): void {
    if (this.waiting.length === 0) queueMicrotask(run);
    else this.sentWatchers.push(run);
  }

  /** Takes what a poll is answered with; undefined when there is nothing to say yet. */
  nextFrame(): PollFrame | undefined {
    if (this.waiting.length > 0) {
      const bytes = arrayFrame(this.waiting);
      this.waiting = [];
      this.waitingBytes = 0;
      for (const run of this.sentWatchers.splice(0)) queueMicrotask(run);
      return { kind: 'messages', bytes };
    }
    const bytes = this.closing;
    if (bytes === undefined || this.state !== 'closing') return undefined;
    this.onClose(undefined, '');
    return { kind: 'close', bytes };
  }

  /**
   * Sends messages to the origin, and calls `done` when it has taken them all, or cannot any more.
   * @returns false, and nothing is sent, while others are being sent
   */
  sendAll(messages: readonly Buffer[], done: (taken: boolean) => void): boolean {
    if (this.sending !== undefined) return false;
    this.sending = { messages, next: 0, done };
    this.goOn();
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.goOn();
  }

  override shutDown(): void {
    super.shutDown();
    // The connections that polls wait on end next.
    this.transport.flush();
  }

  override closeByItem(format: Extract<WebSocketFormat, { action: 'close' }>): void {
    this.closesWithoutCode = format.code === undefined;
    super.closeByItem(format);
    this.closesWithoutCode = false;
  }

  protected encode(type: WebSocketMessageType, content: Buffer): Buffer {
    return arrayElement(type, content);
  }

  protected transmit(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.transport.ready();
  }

  protected transmitClose(code: number | undefined, reason: string): void {
    this.closing = Buffer.from(closeFrame(this.closesWithoutCode ? undefined : code, reason));
  }

  protected awaitAnswer(): void {
    // The origin has closed: what it has not taken yet it does not want.
    this.resume();
    this.transport.ready();
  }

  protected stopReading(): void {
    const { sending } = this;
    this.sending = undefined;
    sending?.done(false);
  }

  protected endTransport(): void {
    // There is nothing to wait for: each answer is whole by itself.
    this.connectionClosed();
  }

  protected breakTransport(): void {
    this.transport.broken();
  }

  private goOn(): void {
    const { sending } = this;
    if (sending === undefined) return;
    // Taking a message may pause, go on, and end the connection.
    while (this.sending === sending) {
      const message = sending.messages[sending.next];
      if (message === undefined) {
        this.sending = undefined;
        sending.done(true);
        return;
      }
      if (this.paused) return;
      sending.next += 1;
      this.onMessage('text', message);
    }
  }
}

/**
 * The connection of a client that is held as a WebSocket: what is said to it, within the bounds of its outbox, and how it
 * ends. What carries it and what is said are the business of those who extend it.
 *
 *     open ──client's close──► client-closing ──close by origin──► over
 *       │──close by origin, publish, limits──► closing ──client's answer──► over
 *       └──broken off, connection lost, FIN───────────────────────────────► over
 *
 * Over means that nothing more is said; the transport may take a moment longer to end.
 */
import type { HoldEnd } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { isValidCloseCode } from '../protocol/websocket-frame.js';
import { Timed } from '../time/wheel.js';
import type { ConnectionTerms } from './connection-terms.js';
import type { HoldParts } from './hold-parts.js';
import { MessageBacklog } from './message-backlog.js';
import { type OutboxVerdict, outboxVerdict, tooManyWaiting } from './outbox.js';
import { DetachedOrigin, type WebSocketOrigin } from './websocket-origin.js';

/** Milliseconds a client may take to answer a close frame, and then to end the connection. */
export const CLOSE_TIMEOUT = 5_000;
/** The purpose of the connection is fulfilled (RFC 6455 7.4.1). */
export const NORMAL = 1000;
/** The proxy is going away (RFC 6455 7.4.1). */
const GOING_AWAY = 1001;
/** The client reads too slowly; trying again later may help (registered at IANA). */
const TRY_AGAIN_LATER = 1013;

type State = 'open' | 'client-closing' | 'closing' | 'over';

export interface ConnectionOptions {
  /** Clients are told why their connection is closed. */
  readonly debug: boolean;
  /** Undefined: nobody watches. */
  readonly visit?: Visit | undefined;
  /** What this connection is held to besides; undefined: nothing. */
  readonly terms?: ConnectionTerms | undefined;
}

export abstract class WebSocketConnection extends Timed {
  protected state: State = 'open';
  /** Made where messages that wait are counted. */
  private backlog: MessageBacklog | undefined = undefined;

  constructor(
    protected readonly parts: HoldParts,
    protected origin: WebSocketOrigin,
    protected readonly options: ConnectionOptions,
  ) {
    super();
  }

  /** Stops reading what the client sends. */
  abstract pause(): void;
  /** Reads on. */
  abstract resume(): void;
  /** Bytes that wait for the client. */
  protected abstract readonly queuedBytes: number;
  /** The bytes of one message; empty when this transport has none of its type. */
  protected abstract encode(type: WebSocketMessageType, content: Buffer): Buffer;
  protected abstract transmit(bytes: Buffer): void;
  /** Sends a close; `code` undefined sends none. */
  protected abstract transmitClose(code: number | undefined, reason: string): void;
  /** Waits for the client's answer to it: `clientClosed` is called, or `onTime` when it takes longer than `CLOSE_TIMEOUT`. */
  protected abstract awaitAnswer(): void;
  /** Ends the transport in order, after what was transmitted. */
  protected abstract endTransport(): void;
  /** Nothing that the client sends is looked at any more. */
  protected abstract stopReading(): void;
  /** Breaks the transport off. */
  protected abstract breakTransport(): void;
  /** Something was written to the client. */
  protected abstract wrote(): void;
  /** Writes what is published already. */
  protected abstract settle(): void;
  /** Lets go of whatever could say more. */
  protected abstract release(): void;
  /** The connection is over. */
  protected abstract over(how: HoldEnd): void;

  /** A whole message of the client. */
  onMessage(type: 'text' | 'binary', content: Buffer): void {
    if (this.state !== 'open') return;
    this.options.visit?.clientMessage(content.length, !this.isDetached);
    this.origin.message(type, content);
  }

  onPing(content: Buffer): void {
    if (this.state === 'open') this.origin.ping(content);
  }

  onPong(content: Buffer): void {
    if (this.state === 'open') this.origin.pong(content);
  }

  onClose(code: number | undefined, reason: string): void {
    if (this.state === 'open') {
      this.state = 'client-closing';
      if (this.isDetached) this.sendClose(NORMAL, '');
      else this.origin.closed(code, reason);
    } else if (this.state === 'closing') {
      this.finish('closed');
      this.origin.closed(code, reason);
      // No more than its telling is left to do: nobody is there for what the origin may still say.
      this.origin.gone();
    }
  }

  /** The client broke the protocol or a limit; it is told the code when that is still possible. */
  onViolation(code: number): void {
    if (this.state === 'over') return;
    this.parts.counters.badRequests += 1;
    if (this.state === 'open') this.transmitClose(code, '');
    this.finish('refused');
    this.origin.gone();
  }

  /** The origin closes; one that is detached cannot. */
  close(code: number | undefined, reason: string): void {
    if (!this.isDetached) this.closeInOrder(code, reason);
  }

  /** The origin breaks off; one that is detached cannot. */
  drop(): void {
    if (!this.isDetached) this.breakOff();
  }

  shutDown(): void {
    if (this.state === 'over') return;
    this.options.visit?.willEnd('shut-down');
    this.closeInOrder(GOING_AWAY, '');
    // Told at once: when the client has answered, requests may not be possible any more.
    this.origin.gone();
  }

  /** The client did not answer a close in time, or does not end the connection. */
  onTime(): void {
    if (this.state === 'over') {
      this.breakTransport();
      return;
    }
    this.breakOff();
    this.origin.gone();
  }

  /** The connection is gone, whoever ended it. */
  connectionClosed(): void {
    this.parts.wheel.stop(this);
    if (this.state === 'over') return;
    this.leave(this.state === 'closing' ? 'closed' : 'gone');
    this.origin.gone();
  }

  /** The client sent FIN: for a WebSocket that is the end, with or without a close frame before it. */
  clientEnded(): void {
    if (this.state === 'over') return;
    this.finish(this.state === 'closing' ? 'closed' : 'gone');
    this.origin.gone();
  }

  /** Writes bytes with `count` published items in them; false: the client reads too slowly, or is gone. */
  write(bytes: Buffer, count: number): boolean {
    if (this.state !== 'open' && this.state !== 'client-closing') return false;
    // What the origin says counts as no delivery, but not for nothing when it is lost.
    switch (this.verdictOn(bytes, count || 1)) {
      case 'write':
        this.transmit(bytes);
        this.parts.counters.delivered += count;
        if (count > 0) this.countSent(bytes, count);
        this.wrote();
        return true;
      case 'drop':
        return false;
      case 'close': {
        const { terms } = this.options;
        const { slowCloseCode } = terms ?? this.parts.limits;
        const isUsable = slowCloseCode === undefined || isValidCloseCode(slowCloseCode);
        this.closeUnasked(isUsable ? slowCloseCode : TRY_AGAIN_LATER);
        return false;
      }
    }
  }

  private get closeTimeout(): number {
    return this.options.terms?.closeTimeout ?? CLOSE_TIMEOUT;
  }

  /** Nobody is there on the other side any more (`detach`). */
  protected get isDetached(): boolean {
    return this.origin instanceof DetachedOrigin;
  }

  /** From now on the client only listens to what is published. */
  protected detach(): void {
    const { origin } = this;
    this.origin = new DetachedOrigin(origin.connectionId);
    // A client that closes has told it already.
    if (this.state === 'open') origin.closed(NORMAL, '');
    origin.gone();
    if (this.state === 'client-closing') this.sendClose(NORMAL, '');
    else this.resume();
  }

  protected writeMessage(type: WebSocketMessageType, content: Buffer, count: number): boolean {
    const bytes = this.encode(type, content);
    if (bytes.length === 0) return true;
    const written = this.write(bytes, count);
    if (written && count === 0 && type !== 'ping' && type !== 'pong')
      this.options.visit?.messagesSent(1, content.length);
    return written;
  }

  /** An empty outbox takes anything; what waits is bounded in bytes, and in messages where the terms say so. */
  private verdictOn(bytes: Buffer, messages: number): OutboxVerdict {
    const { parts, queuedBytes } = this;
    const most = this.options.terms?.outboxMessages ?? 0;
    if (most === 0) return outboxVerdict(parts, queuedBytes, bytes.length, messages);
    this.backlog ??= new MessageBacklog();
    const waiting = this.backlog.waiting(queuedBytes);
    if (waiting > 0 && waiting + messages > most) {
      tooManyWaiting(parts, messages, most);
      return 'close';
    }
    // Where messages are counted none may be missing between others.
    const verdict = outboxVerdict(parts, queuedBytes, bytes.length, messages, 'close');
    if (verdict === 'write') this.backlog.add(messages, bytes.length);
    return verdict;
  }

  /** Bytes of the messages in what is written; by default an estimate. */
  protected contentBytes(bytes: Buffer): number {
    return bytes.length;
  }

  /** Published items were written. */
  private countSent(bytes: Buffer, count: number): void {
    const { visit } = this.options;
    if (visit === undefined) return;
    visit.sent(count);
    if (visit.counts) visit.messagesSent(count, this.contentBytes(bytes));
  }

  /** Closes behind what is published already. */
  protected closeInOrder(code: number | undefined, reason: string): void {
    if (this.state === 'over' || this.state === 'closing') return;
    this.settle();
    this.sendClose(code, reason);
  }

  /** Closes for a reason of ours; the origin hears of it when the client has answered, or has gone. */
  protected closeUnasked(code: number | undefined, reason = ''): void {
    if (this.state === 'over' || this.state === 'closing') return;
    const answersClient = this.state === 'client-closing';
    this.options.visit?.willEnd('refused');
    this.sendClose(code, this.options.debug ? reason : '');
    if (answersClient) this.origin.gone();
  }

  protected breakOff(): void {
    if (this.state === 'over') return;
    this.leave('closed');
    this.breakTransport();
  }

  private sendClose(code: number | undefined, reason: string): void {
    // Settling may have filled the outbox, and closed.
    if (this.state === 'over' || this.state === 'closing') return;
    this.transmitClose(code, reason);
    if (this.state === 'client-closing') {
      this.finish('gone');
      return;
    }
    this.state = 'closing';
    this.release();
    this.parts.wheel.start(this, this.closeTimeout);
    this.awaitAnswer();
  }

  /** Nothing more is said: the connection ends in order. */
  private finish(how: HoldEnd): void {
    this.leave(how);
    this.parts.wheel.start(this, this.closeTimeout);
    this.endTransport();
  }

  private leave(how: HoldEnd): void {
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.stopReading();
    this.release();
    this.over(how);
  }
}

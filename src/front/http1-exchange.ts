/**
 * One request and its answer on an HTTP/1.1 connection, written to the socket directly: the bytes are
 * exactly the original's, a held answer costs this object and the socket, and shared buffers go out as they are.
 *
 *     fresh ──begin──► head-waiting ──next tick or first body bytes──► streaming ──end──► finished
 *       └────answer──────────────────────────────────────────────────────────────────────►┘
 *     (gone: the client left; every call is without effect)
 */
import type { Socket } from 'node:net';
import type { BodyFraming, ClientExchange, ResponseHead } from '../hold/client-connection.js';
import { encodeChunk } from '../hold/encodings.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { reasonOf } from '../protocol/status-reasons.js';
import { type BodyLength, type HttpVersion, isBodiless, responseHead } from './response-head.js';

/** Bodies up to this many bytes are copied behind the head, so that the answer leaves in one piece. */
const COPY_LIMIT = 16_384;
const CHUNK_END = Buffer.from('\r\n', 'latin1');
const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');

type State = 'fresh' | 'head-waiting' | 'streaming' | 'finished' | 'gone';

/** What the connection does when one of its exchanges is over. */
export interface ExchangeOwner {
  /** `persistent`: the connection may be used for another request. */
  exchangeOver(persistent: boolean): void;
  /** The answer may take long, and silence is no sign of anything from here on. */
  exchangeHeld(): void;
}

/** What the parser still has of a request while it is answered. */
export interface RequestTail {
  /** True once the request has come in to its end. */
  readonly complete: boolean;
  /** The exchange does not need the request any more; what of its body nobody reads is read away. */
  letGo(): void;
}

export interface Http1ExchangeOptions {
  readonly version: HttpVersion;
  readonly bodiless: boolean;
  readonly persistent: boolean;
}

export class Http1Exchange implements ClientExchange {
  framing: BodyFraming;
  onGone: (() => void) | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  private state: State = 'fresh';
  private persistent: boolean;
  private readonly version: HttpVersion;
  private head = '';
  /** How the body that was begun is framed. */
  private length: BodyLength = 'none';

  /** @param tail - for requests with a body: kept until the answer is over or `release` is called */
  constructor(
    private readonly owner: ExchangeOwner,
    private readonly socket: Socket,
    private tail: RequestTail | undefined,
    options: Http1ExchangeOptions,
  ) {
    this.version = options.version;
    this.persistent = options.persistent;
    this.framing = options.bodiless ? 'none' : options.version === '1.1' ? 'chunked' : 'until-close';
  }

  get gone(): boolean {
    return this.state === 'gone';
  }

  /** True while the request's body has not come in to its end. */
  get unread(): boolean {
    return this.tail?.complete === false;
  }

  /** True once anything of an answer may have been written. */
  get begun(): boolean {
    return this.state !== 'fresh';
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  answer({ headers, body, ...asked }: CompleteResponse): void {
    if (this.state !== 'fresh') return;
    const { code, reason } = finalStatus(asked);
    this.settlePersistence();
    const bodiless = isBodiless(code);
    const length = bodiless ? 'none' : body.length;
    const head = responseHead(code, reason, headers, { version: this.version, persistent: this.persistent, length });
    if (bodiless || this.framing === 'none' || body.length === 0) this.socket.write(head, 'latin1');
    else this.writeTogether(head, body);
    this.finish();
  }

  begin({ headers, ...asked }: ResponseHead, length: number | undefined): void {
    if (this.state !== 'fresh') return;
    const { code, reason } = finalStatus(asked);
    this.settlePersistence();
    const bodiless = isBodiless(code);
    if (bodiless) this.length = 'none';
    else if (length !== undefined) this.length = length;
    else this.length = this.version === '1.1' ? 'chunked' : 'until-close';
    if (this.length === 'until-close') this.persistent = false;
    this.head = responseHead(code, reason, headers, {
      version: this.version,
      persistent: this.persistent,
      length: this.length,
    });
    if (bodiless) this.framing = 'none';
    if (this.framing === 'none') this.length = 'none';
    this.state = 'head-waiting';
    // A head and a body that come in one packet from the origin leave in one packet.
    process.nextTick(flushHead, this);
  }

  write(bytes: Buffer): boolean {
    if (this.state === 'gone' || this.length === 'none' || bytes.length === 0) return true;
    if (this.length !== 'chunked') return this.writeFramed(bytes);
    if (bytes.length <= COPY_LIMIT) return this.writeFramed(encodeChunk(bytes));
    const { socket } = this;
    socket.cork();
    this.writeFramed(Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'));
    this.writeFramed(bytes);
    const room = this.writeFramed(CHUNK_END);
    socket.uncork();
    return room;
  }

  writeFramed(bytes: Buffer): boolean {
    if (this.state === 'streaming') return this.socket.write(bytes);
    if (this.state !== 'head-waiting') return true;
    const { head } = this;
    this.head = '';
    this.state = 'streaming';
    return this.writeTogether(head, bytes);
  }

  end(): void {
    if (this.state !== 'streaming' && this.state !== 'head-waiting') return;
    if (this.length === 'chunked') this.writeFramed(LAST_CHUNK);
    else this.flushHead();
    this.finish();
  }

  abort(): void {
    if (this.state === 'finished' || this.state === 'gone') return;
    if (this.begun && this.length === 'none') {
      // An answer without a body is whole with its head, whatever becomes of where it came from.
      this.end();
      return;
    }
    this.flushHead();
    this.persistent = false;
    this.state = 'finished';
    this.onGone = undefined;
    this.onDrain = undefined;
    this.tail = undefined;
    // Where the connection's end is the body's, an ordinary close would pass for it. Only TCP itself can be reset.
    if (this.length === 'until-close' && resettable(this.socket)) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  release(): void {
    if (this.state === 'finished' || this.state === 'gone') return;
    this.flushHead();
    this.letGo();
    this.owner.exchangeHeld();
  }

  /** The connection broke. */
  clientGone(): void {
    if (this.state === 'finished' || this.state === 'gone') return;
    this.state = 'gone';
    this.tail = undefined;
    const { onGone } = this;
    this.onGone = undefined;
    this.onDrain = undefined;
    onGone?.();
  }

  /** The socket has room again. */
  drained(): void {
    this.onDrain?.();
  }

  flushHead(): void {
    if (this.state !== 'head-waiting') return;
    this.state = 'streaming';
    this.socket.write(this.head, 'latin1');
    this.head = '';
  }

  /** An answer that comes before the whole request was read makes the rest of it unreadable as a next request. */
  private settlePersistence(): void {
    if (this.unread) this.persistent = false;
  }

  private finish(): void {
    this.state = 'finished';
    this.onGone = undefined;
    this.onDrain = undefined;
    this.letGo();
    this.owner.exchangeOver(this.persistent);
  }

  private letGo(): void {
    const { tail } = this;
    if (tail === undefined) return;
    this.tail = undefined;
    tail.letGo();
  }

  private writeTogether(head: string, body: Buffer): boolean {
    const { socket } = this;
    if (body.length <= COPY_LIMIT) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, 'latin1');
      body.copy(bytes, head.length);
      return socket.write(bytes);
    }
    socket.cork();
    socket.write(head, 'latin1');
    const room = socket.write(body);
    socket.uncork();
    return room;
  }
}

/** A status that ends a request: an origin or a publisher may name others, and the client would wait on. */
function finalStatus({ code, reason }: { readonly code: number; readonly reason: string }) {
  return code >= 200 && code <= 999 ? { code, reason } : { code: 502, reason: reasonOf(502) };
}

function flushHead(exchange: Http1Exchange): void {
  exchange.flushHead();
}

/** Whether a connection can be broken off so that the other end takes it for broken: plain TCP, not TLS, not Unix. */
function resettable(socket: Socket): boolean {
  return socket.remoteAddress !== undefined && !('encrypted' in socket);
}

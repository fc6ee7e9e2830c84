/**
 * One HTTP/1.1 connection whose requests are parsed here, one at a time: while one is being answered, nothing behind it is
 * looked at. A held answer may take hours; what stays for it is the socket, this object and the exchange.
 *
 *     reading ──a whole head──► serving ──answered──► reading
 *        │                         └──and more has come──► due | stalled ──► reading
 *        ├──a WebSocket──► handed-over
 *        └──what cannot be read, an answer that ends it──► closing
 *
 *     due       what waits is looked at in the next turn       stalled   when the client has taken its answers
 *     lastWords due when the answer under way is over, and after which the connection closes
 */
import type { Socket } from 'node:net';
import type { Counters } from '../../observe/counters.js';
import type { ClientState } from '../../observe/survey.js';
import type { HeaderList } from '../../protocol/headers.js';
import type { ChunkedFault } from '../../protocol/http1/chunked-decoder.js';
import { HEAD_END, startOfHead } from '../../protocol/http1/head-bounds.js';
import type { RequestHead } from '../../protocol/http1/request-head.js';
import { closeLingering } from '../../sockets/lingering-close.js';
import type { OpenSockets } from '../../sockets/open-sockets.js';
import type { SocketListener, SocketOwner } from '../../sockets/socket-events.js';
import type { Sweep } from '../../sockets/sweep.js';
import {
  BAD_UPGRADE,
  badRequest,
  type EarlyError,
  earlyError,
  HEAD_TOO_LATE,
  INVALID_TOKEN,
  unreadable,
} from '../early-errors.js';
import type { FrontHandler } from '../front.js';
import { type ExchangeOwner, Http1Exchange } from '../http1-exchange.js';
import { answerVersion, isPersistent } from '../request-rules.js';
import { type HttpVersion, lastAnswer } from '../response-head.js';
import { WebSocketUpgrade } from '../websocket-upgrade.js';
import { admit } from './admission.js';
import type { BodySource, EdgeBody } from './edge-body.js';
import { bodyOf, clientRequest } from './edge-request.js';
import { nextHead } from './next-head.js';

/** Bytes that may wait behind a request before the socket is stopped; a packet that is read already comes on top. */
const MAX_PENDING = 16_384;
/** `headSince` while no head is awaited. */
const NEVER = -1;
const EMPTY = Buffer.alloc(0);

/** What all connections of a server share. */
export interface EdgeTerms {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly sockets: OpenSockets;
  readonly sweep: Sweep;
  readonly handler: FrontHandler;
  readonly counters: Counters;
}

type State = 'reading' | 'serving' | 'due' | 'stalled' | 'handed-over' | 'closing';

export class EdgeConnection implements ExchangeOwner, BodySource, SocketListener, SocketOwner {
  private state: State = 'reading';
  private current: Http1Exchange | undefined = undefined;
  /** The body whose end has not come. */
  private body: EdgeBody | undefined = undefined;
  /** Bytes not looked at to their end: the beginning of a head, or what came behind the request under way. */
  private pending: Buffer | undefined = undefined;
  /** Some of them came before the request in front of them was answered. */
  private behind = false;
  private lastWords: string | undefined = undefined;
  private held = false;
  private paused = false;
  /** The request under way is the last. */
  private last = false;
  /** The look of the sweep before the first byte of a head that is not whole. */
  private headSince: number;
  /** What the sweep saw of the traffic, and for how many looks there has been no more. */
  private traffic = 0;
  private silence = 0;

  constructor(
    private readonly terms: EdgeTerms,
    private readonly socket: Socket,
  ) {
    this.headSince = terms.sweep.now;
  }

  /** What the connection is busy with, as it is counted. */
  get phase(): ClientState {
    switch (this.state) {
      case 'reading':
        return 'idle';
      case 'handed-over':
        return 'websocket';
      case 'closing':
        return 'closing';
      default:
        return this.held ? 'held' : 'asking';
    }
  }

  /** The client has sent something. */
  read(bytes: Buffer): void {
    if (this.state === 'closing') return;
    const { body, pending } = this;
    if (body !== undefined) this.readBody(body, bytes);
    else if (this.state === 'reading')
      this.parse(pending === undefined ? bytes : Buffer.concat([pending, bytes]), false);
    else this.keep(bytes);
  }

  /** The client has sent its end: it does not want what is not answered yet (specification 15.5). */
  ended(): void {
    if (this.state === 'closing') return;
    const inOrder = this.pending === undefined && this.body === undefined;
    if (this.state === 'serving' || (this.state !== 'reading' && !inOrder)) this.socket.destroy();
    else if (inOrder) this.closeWith('');
    else this.refuse(INVALID_TOKEN);
  }

  drained(): void {
    if (this.current !== undefined) this.current.drained();
    else if (this.state === 'stalled') this.next();
  }

  removed(): void {
    this.terms.sockets.remove(this.socket);
  }

  closed(): void {
    this.letGo();
    const { current } = this;
    this.current = undefined;
    current?.clientGone();
  }

  exchangeOver(persistent: boolean): void {
    this.current = undefined;
    this.held = false;
    if (!persistent) this.closeWith('');
    else if (this.lastWords !== undefined) this.closeWith(this.lastWords);
    else this.next();
  }

  exchangeHeld(): void {
    this.held = true;
    // What waits may be a few bytes out of a large packet, and may wait for hours.
    if (this.pending !== undefined) this.pending = Buffer.from(this.pending);
  }

  bodyAwaited({ expectsContinue }: EdgeBody): void {
    if (expectsContinue && this.state === 'serving') this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  bodyDrained(body: EdgeBody): void {
    if (body === this.body) this.resume();
  }

  /** One look of the sweep, at the time that heads and silences may take. */
  look(): void {
    const { sweep } = this.terms;
    if (this.headSince !== NEVER && sweep.now - this.headSince > sweep.headLooks) this.headLate();
    // With bytes waiting the connection may not be read from, and the client's leaving could not be seen.
    if (this.held && this.pending === undefined) return;
    const { socket } = this;
    // Grows with every byte that is read, written, or taken by the system.
    const traffic = socket.bytesRead + 2 * socket.bytesWritten - socket.writableLength;
    if (traffic !== this.traffic) {
      this.traffic = traffic;
      this.silence = 0;
      return;
    }
    this.silence += 1;
    if (this.silence >= sweep.idleLooks) socket.destroy();
  }

  /** The turn of what waits has come. */
  serveNext(): void {
    if (this.state !== 'due') return;
    const { pending, behind } = this;
    this.state = 'reading';
    this.pending = undefined;
    this.behind = false;
    if (pending !== undefined) this.parse(pending, behind);
  }

  /** @param behind - these bytes came before the request in front of them was answered */
  private parse(bytes: Buffer, behind: boolean): void {
    const start = startOfHead(bytes);
    const next = nextHead(bytes, start, this.terms.maxHeadBytes);
    switch (next.kind) {
      case 'more':
        this.pending = start === bytes.length ? undefined : bytes.subarray(start);
        if (this.headSince === NEVER && this.pending !== undefined) this.headSince = this.terms.sweep.now;
        this.resume();
        return;
      case 'refused':
        this.refuse(next.error);
        return;
      default:
        this.pending = undefined;
        this.headSince = NEVER;
        this.open(next.head, next.end < bytes.length ? bytes.subarray(next.end) : undefined, behind);
    }
  }

  private open(head: RequestHead, rest: Buffer | undefined, behind: boolean): void {
    const admission = admit(head, behind, this.terms.maxHeaders);
    switch (admission.kind) {
      case 'refused':
        this.refuse(admission.error, answerVersion(head.protocol));
        return;
      case 'bad-handshake':
        this.refuseHandshake(head);
        return;
      case 'websocket':
        this.state = 'handed-over';
        this.resume();
        this.terms.handler.webSocket(
          clientRequest(this.socket, head, head.headers, undefined),
          new WebSocketUpgrade(this.socket, rest ?? EMPTY, admission.key),
        );
        return;
      default:
        this.serve(head, admission.headers, rest);
    }
  }

  private serve(head: RequestHead, headers: HeaderList, rest: Buffer | undefined): void {
    this.state = 'serving';
    this.last = !isPersistent(head);
    const body = bodyOf(head, this, this.terms.maxHeadBytes);
    this.body = body;
    const behind = body === undefined || rest === undefined ? rest : this.feed(body, rest);
    if (this.state !== 'serving') return;
    if (behind !== undefined) this.keep(behind);
    else if (this.body?.full !== true) this.resume();
    const exchange = new Http1Exchange(this, this.socket, body, {
      version: answerVersion(head.protocol),
      bodiless: head.method === 'HEAD',
      persistent: !this.last,
    });
    this.current = exchange;
    this.terms.handler.request(clientRequest(this.socket, head, headers, body), exchange);
  }

  private readBody(body: EdgeBody, bytes: Buffer): void {
    const rest = this.feed(body, bytes);
    const isNext = this.state === 'reading';
    if (rest !== undefined && !isNext) this.keep(rest);
    // Its reader may answer at once, and with that end the exchange.
    body.deliver();
    if (rest !== undefined && isNext) this.parse(rest, false);
  }

  /** Gives the body its bytes; what is behind its end. */
  private feed(body: EdgeBody, bytes: Buffer): Buffer | undefined {
    const used = body.take(bytes);
    if (typeof used === 'string') {
      this.bodyFailed(body, used);
      return undefined;
    }
    if (body.complete) this.body = undefined;
    else if (body.full) this.pause();
    return used < bytes.length ? bytes.subarray(used) : undefined;
  }

  /** A body cannot be read on: what is answered then takes the place of an answer that has not begun. */
  private bodyFailed(body: EdgeBody, fault: ChunkedFault): void {
    const { current } = this;
    this.terms.counters.badRequests += 1;
    const words = earlyError(unreadable(fault));
    if (current?.unread === true) {
      if (current.begun) {
        this.socket.destroy();
        return;
      }
      this.current = undefined;
      current.clientGone();
    } else if (current !== undefined) {
      this.body = undefined;
      body.cutOff();
      this.lastWords = words;
      return;
    }
    this.closeWith(words);
  }

  /** What comes behind the request under way waits until that is answered. */
  private keep(bytes: Buffer): void {
    const { pending } = this;
    const start = pending === undefined ? startOfHead(bytes) : 0;
    if (this.last || this.lastWords !== undefined || start === bytes.length) {
      this.resume();
      return;
    }
    if (pending === undefined) this.headSince = this.terms.sweep.now;
    this.pending = pending === undefined ? bytes.subarray(start) : Buffer.concat([pending, bytes]);
    this.behind ||= this.state === 'serving';
    if (this.pending.length >= MAX_PENDING) this.pause();
    else this.resume();
  }

  /** Goes on with what waits. */
  private next(): void {
    // A client that asks without reading: its answers must not pile up. `drained` comes back here.
    if (this.socket.writableNeedDrain) {
      this.state = 'stalled';
    } else if (this.pending === undefined) {
      this.state = 'reading';
    } else {
      this.state = 'due';
      // Not from within the exchange that just ended: a thousand pipelined requests must not be a deep stack.
      setImmediate(serveNext, this);
    }
  }

  private headLate(): void {
    this.headSince = NEVER;
    if (this.pending?.includes(HEAD_END) === true) return;
    if (this.current === undefined) {
      // Whatever state it is in: what follows of this head must not be taken for a request.
      this.refuse(HEAD_TOO_LATE);
    } else if (this.pending !== undefined) {
      this.terms.counters.badRequests += 1;
      this.pending = undefined;
      this.lastWords = earlyError(HEAD_TOO_LATE);
      this.resume();
    }
  }

  private refuse(error: EarlyError, version: HttpVersion = '1.0'): void {
    this.terms.counters.badRequests += 1;
    this.closeWith(earlyError(error, version));
  }

  private refuseHandshake(head: RequestHead): void {
    const answer = this.terms.handler.badHandshake(clientRequest(this.socket, head, head.headers, undefined));
    if (answer === undefined) {
      this.refuse(badRequest(BAD_UPGRADE), answerVersion(head.protocol));
      return;
    }
    this.terms.counters.badRequests += 1;
    this.closeWith(lastAnswer(answer));
  }

  private closeWith(bytes: string): void {
    this.letGo();
    this.paused = false;
    closeLingering(this.socket, bytes);
  }

  /** Nothing more is read. */
  private letGo(): void {
    this.state = 'closing';
    this.headSince = NEVER;
    this.pending = undefined;
    this.body?.cutOff();
    this.body = undefined;
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }
}

function serveNext(connection: EdgeConnection): void {
  connection.serveNext();
}

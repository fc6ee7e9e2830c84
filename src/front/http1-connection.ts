/**
 * One HTTP/1.1 connection: which exchange it is busy with, and the requests that were pipelined behind it. They wait
 * here, because a held answer may take hours.
 *
 *     open ──answer that ends it, or nothing that can be parsed──► closing ──► closed
 *
 *     current   the exchange under way        waiting   parsed behind it, served one after the other
 *     lastWords due when both are over, and after which the connection closes
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientState } from '../observe/survey.js';
import { closeLingering } from '../sockets/lingering-close.js';
import type { ClientRequest } from './client-request.js';
import { badRequest, type EarlyError, earlyError } from './early-errors.js';
import { Http1Body } from './http1-body.js';
import { type ExchangeOwner, Http1Exchange, type RequestTail } from './http1-exchange.js';
import { hasBody, headersOf, type NodeExchange, type ParsedRequest, parsedRequest, settle } from './parsed-request.js';
import { answerVersion, faultOf, isPersistent, transferFaultOf } from './request-rules.js';
import type { HttpVersion } from './response-head.js';

/** Waiting requests at which no more are read; one packet may bring some thousands more before that takes effect. */
const PAUSE_AT = 32;
/** Requests with a body that `node:http` may have on its list, with everything it keeps of them. */
const MAX_UNSETTLED = 100;

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly maxHeaders: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  onRequest(request: ClientRequest, exchange: Http1Exchange): void;
  onBadRequest(): void;
  onClosed(socket: Socket): void;
}

export class Http1Connection implements ExchangeOwner {
  private current: Http1Exchange | undefined = undefined;
  private waiting: ParsedRequest[] | undefined = undefined;
  private lastWords: string | undefined = undefined;
  private unsettled = 0;
  private closing = false;
  private held = false;
  private paused = false;
  private scheduled = false;
  private webSocket = false;

  constructor(
    private readonly server: ConnectionServer,
    readonly socket: Socket,
  ) {
    socket.setTimeout(server.idleTimeout);
  }

  /** Whether something is being answered, waits for it, or will never be answered any more. */
  get busy(): boolean {
    return this.current !== undefined || this.waiting !== undefined || this.lastWords !== undefined || this.closing;
  }

  /** What the connection is busy with, as it is counted. */
  get phase(): ClientState {
    if (this.webSocket) return 'websocket';
    if (this.closing) return 'closing';
    if (this.held) return 'held';
    return this.current === undefined && this.waiting === undefined ? 'idle' : 'asking';
  }

  /** It is a WebSocket from now on. */
  upgraded(): void {
    this.webSocket = true;
  }

  /** A request was parsed. */
  accept(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    const request = parsedRequest(incoming, expectsContinue);
    const ignored = this.closing || this.lastWords !== undefined;
    // To node:http a request without a body is over as soon as nothing before it is open.
    if (this.unsettled === 0 && (ignored || !hasBody(request))) {
      settle({ incoming, outgoing });
    } else {
      request.node = { incoming, outgoing };
      this.unsettled += 1;
      if (this.unsettled > MAX_UNSETTLED) this.socket.destroy();
    }
    if (ignored) return;
    if (this.current === undefined && this.waiting === undefined) this.serve(request);
    else this.keepWaiting(request);
  }

  /** What came is not HTTP, or too much of it: answered after what is being answered now. */
  refuse(error: EarlyError, version: HttpVersion = '1.0'): void {
    this.refuseWith(earlyError(error, version));
  }

  /** @param answer - whole, in latin1 */
  refuseWith(answer: string): void {
    if (this.closing || this.lastWords !== undefined) return;
    this.server.onBadRequest();
    this.lastWords = answer;
    const { current, waiting } = this;
    const last = waiting?.at(-1);
    if (last?.node?.incoming.complete === false) {
      // It was in the middle of this one's body, which takes its place.
      waiting?.pop();
      if (waiting?.length === 0) this.waiting = undefined;
    } else if (current?.unread === true) {
      if (current.begun) {
        this.socket.destroy();
        return;
      }
      this.current = undefined;
      current.clientGone();
    }
    this.next();
  }

  exchangeOver(persistent: boolean): void {
    this.current = undefined;
    if (this.held) {
      this.held = false;
      this.socket.setTimeout(this.server.idleTimeout);
    }
    if (persistent) this.next();
    else this.closeWith('');
  }

  exchangeHeld(): void {
    this.held = true;
    // With requests waiting the connection may not be read from, and the client's leaving could not be seen.
    if (this.waiting === undefined) this.socket.setTimeout(0);
  }

  settle(node: NodeExchange): void {
    this.unsettled -= 1;
    settle(node);
  }

  /** The client has sent its end: it does not want what is not answered yet (specification 15.5). */
  ended(): void {
    if (this.current !== undefined || this.waiting !== undefined) this.socket.destroy();
  }

  closed(): void {
    this.server.onClosed(this.socket);
    this.closing = true;
    this.waiting = undefined;
    const { current } = this;
    this.current = undefined;
    current?.clientGone();
  }

  drained(): void {
    if (this.current !== undefined) this.current.drained();
    else this.next();
  }

  /** The socket reads again: `node:http` tells it to for each body it has emptied, whatever we said before. */
  resumed(): void {
    if (!this.paused) return;
    this.socket.pause();
    // A pause that overtook the resuming is not announced a second time, and only its announcement stops the reading.
    this.socket.emit('pause');
  }

  /** Takes over a socket that `node:http` has let go of, to end it. */
  takeOver(): void {
    const { socket } = this;
    const end = (): void => {
      socket.destroy();
    };
    socket.on('error', end);
    socket.on('timeout', end);
    socket.resume();
  }

  private keepWaiting(request: ParsedRequest): void {
    this.waiting ??= [];
    this.waiting.push(request);
    if (this.held) this.socket.setTimeout(this.server.idleTimeout);
    if (this.waiting.length < PAUSE_AT || this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  /** Goes on with what waits, or with the last words. */
  private next(): void {
    if (this.closing || this.scheduled || this.current !== undefined) return;
    if (this.waiting === undefined) {
      if (this.lastWords !== undefined) this.closeWith(this.lastWords);
      return;
    }
    // A client that asks without reading: its answers must not pile up. `drained` comes back here.
    if (this.socket.writableNeedDrain) return;
    this.scheduled = true;
    // Not from within the exchange that just ended: a thousand pipelined requests must not be a deep stack.
    setImmediate(serveNext, this);
  }

  serveNext(): void {
    this.scheduled = false;
    const { waiting } = this;
    if (this.closing || this.current !== undefined || waiting === undefined) return;
    const request = waiting.shift();
    if (waiting.length === 0) {
      this.waiting = undefined;
      this.paused = false;
      this.socket.resume();
    }
    if (request !== undefined) this.serve(request);
  }

  private serve(request: ParsedRequest): void {
    const { socket } = this;
    const headers = headersOf(request);
    const version = answerVersion(request.protocol);
    const fault =
      faultOf(request.protocol, request.target, headers, this.server.maxHeaders) ?? transferFaultOf(request);
    if (fault !== undefined) {
      this.server.onBadRequest();
      if (request.node !== undefined) this.settle(request.node);
      this.closeWith(earlyError(badRequest(fault), version));
      return;
    }
    const exchange = new Http1Exchange(this, socket, this.tailOf(request), {
      version,
      bodiless: request.method === 'HEAD',
      persistent: isPersistent(request),
    });
    this.current = exchange;
    this.server.onRequest(
      {
        method: request.method,
        target: request.target,
        headers,
        secure: 'encrypted' in socket,
        peer: socket,
        body: request.node === undefined ? undefined : this.bodyOf(request, request.node),
      },
      exchange,
    );
  }

  private tailOf({ node }: ParsedRequest): RequestTail | undefined {
    return node === undefined ? undefined : new NodeTail(this, node);
  }

  private bodyOf(request: ParsedRequest, { incoming }: NodeExchange): Http1Body | undefined {
    if (!hasBody(request)) {
      incoming.resume();
      return undefined;
    }
    const { contentLength, expectsContinue } = request;
    return new Http1Body(incoming, contentLength === undefined ? undefined : Number(contentLength), () => {
      if (expectsContinue) this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    });
  }

  private closeWith(bytes: string): void {
    this.closing = true;
    const { waiting } = this;
    this.waiting = undefined;
    for (const { node } of waiting ?? []) if (node !== undefined) this.settle(node);
    this.paused = false;
    closeLingering(this.socket, bytes);
  }
}

/** What `node:http` keeps of a request while it is answered. */
class NodeTail implements RequestTail {
  constructor(
    private readonly connection: Http1Connection,
    private readonly node: NodeExchange,
  ) {}

  get complete(): boolean {
    return this.node.incoming.complete;
  }

  letGo(): void {
    this.connection.settle(this.node);
  }
}

function serveNext(connection: Http1Connection): void {
  connection.serveNext();
}

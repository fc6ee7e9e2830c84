/**
 * One HTTP/1.1 connection: which exchange it is busy with, and the requests that were pipelined behind it. They wait
 * here, with the socket paused, because a held answer may take hours.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { headerListOf } from '../protocol/raw-headers.js';
import type { ClientRequest } from './client-request.js';
import { earlyError, TOO_MANY_HEADERS, UNSUPPORTED_TRANSFER_ENCODING } from './early-errors.js';
import { Http1Body } from './http1-body.js';
import { type ExchangeOwner, Http1Exchange, hasBody } from './http1-exchange.js';

/** Pipelined requests that may wait; one packet can carry thousands. */
const MAX_WAITING = 100;
/** Milliseconds a client may go on sending after an answer that closes the connection. */
const LINGER = 2_000;

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly maxHeaders: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  onRequest(request: ClientRequest, exchange: Http1Exchange): void;
  onBadRequest(): void;
  onClosed(socket: Socket): void;
}

interface Waiting {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly expectsContinue: boolean;
}

export class Http1Connection implements ExchangeOwner {
  private current: Http1Exchange | undefined = undefined;
  private waiting: Waiting[] | undefined = undefined;
  /** An answer of ours that is due when what goes before it is answered, and after which the connection closes. */
  private lastWords: string | undefined = undefined;
  private closing = false;

  constructor(
    private readonly server: ConnectionServer,
    readonly socket: Socket,
  ) {}

  /** A request was parsed. */
  accept(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    if (this.closing || this.lastWords !== undefined) return;
    if (this.current === undefined) {
      this.serve({ incoming, outgoing, expectsContinue });
      return;
    }
    this.waiting ??= [];
    this.waiting.push({ incoming, outgoing, expectsContinue });
    if (this.waiting.length > MAX_WAITING) this.socket.destroy();
    else this.socket.pause();
  }

  /** What came is not HTTP, or too much of it: `text` is answered after what is being answered now. */
  refuse(status: string, text: string, version: '1.0' | '1.1' = '1.0'): void {
    if (this.closing || this.lastWords !== undefined) return;
    this.server.onBadRequest();
    this.lastWords = earlyError(status, text, version);
    if (this.current === undefined) this.closeWith(this.lastWords);
  }

  exchangeOver(persistent: boolean): void {
    this.current = undefined;
    if (!persistent) {
      this.closeWith('');
      return;
    }
    this.socket.setTimeout(this.server.idleTimeout);
    const next = this.waiting?.shift();
    if (next !== undefined) {
      // Not from within the exchange that just ended: a thousand pipelined requests must not be a deep stack.
      setImmediate(() => {
        if (this.current === undefined && !this.closing) this.serve(next);
      });
      return;
    }
    if (this.waiting !== undefined) {
      this.waiting = undefined;
      this.socket.resume();
    }
    if (this.lastWords !== undefined) this.closeWith(this.lastWords);
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
    this.current?.drained();
  }

  private serve({ incoming, outgoing, expectsContinue }: Waiting): void {
    const version = incoming.httpVersion === '1.0' ? '1.0' : '1.1';
    const headers = headerListOf(incoming.rawHeaders);
    if (headers.length > this.server.maxHeaders) {
      this.refuse('400 Bad Request', TOO_MANY_HEADERS, version);
      return;
    }
    const transferEncoding = incoming.headers['transfer-encoding'];
    if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== 'chunked') {
      this.refuse('400 Bad Request', UNSUPPORTED_TRANSFER_ENCODING, version);
      return;
    }
    const { socket } = this;
    const exchange = new Http1Exchange(this, socket, incoming, outgoing, {
      version,
      bodiless: incoming.method === 'HEAD',
      persistent: isPersistent(version, incoming.headers.connection),
    });
    this.current = exchange;
    const announce = (): void => {
      if (expectsContinue) socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    };
    const length = incoming.headers['content-length'];
    const body = hasBody(incoming)
      ? new Http1Body(incoming, length === undefined ? undefined : Number(length), announce)
      : undefined;
    if (body === undefined) incoming.resume();
    this.server.onRequest(
      {
        method: incoming.method ?? 'GET',
        target: incoming.url ?? '/',
        headers,
        secure: 'encrypted' in socket,
        peerAddress: peerAddressOf(socket),
        body,
      },
      exchange,
    );
  }

  private closeWith(bytes: string): void {
    this.closing = true;
    const { socket } = this;
    if (bytes === '') socket.end();
    else socket.end(bytes, 'latin1');
    // A client that goes on sending would be reset before it has read the answer: read it away for a moment.
    socket.resume();
    socket.setTimeout(LINGER, () => socket.destroy());
  }
}

/** Address of the peer, IPv4 in its own notation also on a dual-stack socket; undefined for Unix sockets. */
export function peerAddressOf(socket: Socket): string | undefined {
  const { remoteAddress } = socket;
  return remoteAddress?.startsWith('::ffff:') === true ? remoteAddress.slice(7) : remoteAddress;
}

/** Whether the client wants the connection kept (specification 15.5; the token is compared without case). */
export function isPersistent(version: '1.0' | '1.1', connection: string | undefined): boolean {
  if (connection === undefined) return version === '1.1';
  const tokens = connection.toLowerCase().split(',');
  if (version === '1.1') return !tokens.some((token) => token.trim() === 'close');
  return tokens.some((token) => token.trim() === 'keep-alive');
}

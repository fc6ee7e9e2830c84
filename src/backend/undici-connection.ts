/**
 * A connection made of a client of undici's that is never given a second request before the first is over: the reference
 * for our own. It knows what undici does not tell of the socket beneath: whether it was used before, and how it ended.
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { getHeaders, type HeaderList } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';
import { hearOut } from './hear-out.js';
import type { OriginConnection, OriginConnectionOptions, OriginExchange } from './origin-connection.js';
import { ConnectionLostError } from './origin-failure.js';
import type { OriginServer } from './origin-server.js';
import { type Client, mendStatusLines, undiciClient } from './undici-parts.js';
import type { OriginRequest } from './verdict.js';

const UPGRADE = 'upgrade';
const CALLED_OFF = 'the client has gone';

export class UndiciConnection implements OriginConnection {
  private readonly client: Client;
  /** A change of this name would cost the connection; who the server has to be was settled with the pool. */
  private readonly name: string | undefined;
  private socket: Socket | undefined = undefined;
  private exchange: UndiciExchange | undefined = undefined;
  private requests = 0;
  private wasReset = false;

  /** @param lost - called whenever the connection has ended, by whatever side */
  constructor(server: OriginServer, options: OriginConnectionOptions, lost: (connection: OriginConnection) => void) {
    const { idleTimeout, keepAlive, maxHeadBytes } = options;
    this.name = server.secure ? server.url : undefined;
    const Client = undiciClient();
    this.client = new Client(server.url, {
      pipelining: 1,
      keepAliveTimeout: keepAlive,
      keepAliveMaxTimeout: keepAlive,
      headersTimeout: idleTimeout,
      bodyTimeout: idleTimeout,
      maxHeaderSize: maxHeadBytes,
      connect: (_place, callback) =>
        server.connect((result) => {
          if (result instanceof Error) {
            callback(result, null);
          } else {
            this.connected(result);
            callback(null, result);
          }
        }),
    });
    this.client.on('connect', () => {
      if (this.socket !== undefined) mendStatusLines(this.socket);
    });
    this.client.on('disconnect', () => lost(this));
  }

  get reused(): boolean {
    return this.requests > 1;
  }

  get used(): boolean {
    return this.requests > 0;
  }

  /** Whether it ended by an error, and what came last may not be all. */
  get broken(): boolean {
    return this.wasReset;
  }

  send(request: OriginRequest, exchange: OriginExchange): void {
    this.exchange = new UndiciExchange(this, request.method, exchange);
    this.client.dispatch(dispatchOptions(request, this.name), this.exchange);
  }

  resume(): void {
    this.exchange?.resume();
  }

  /** A request is about to be written. */
  requestStarts(): void {
    this.requests += 1;
  }

  async destroy(): Promise<void> {
    this.exchange?.callOff();
    await this.client.destroy();
  }

  private connected(socket: Socket): void {
    this.socket = socket;
    this.requests = 0;
    this.wasReset = false;
    hearOut(socket);
    socket.once('error', () => {
      if (this.socket === socket) this.wasReset = true;
    });
  }
}

/** What undici tells, translated. */
class UndiciExchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private bodiless: boolean;
  private answered = false;
  private over = false;

  constructor(
    private readonly connection: UndiciConnection,
    method: string,
    private readonly exchange: OriginExchange,
  ) {
    this.bodiless = method === 'HEAD';
  }

  resume(): void {
    if (!this.over) this.controller?.resume();
  }

  callOff(): void {
    this.over = true;
    this.controller?.abort(new Error(CALLED_OFF));
    this.controller = undefined;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.connection.requestStarts();
    this.exchange.requestStarts();
  }

  onResponseStarted(): void {
    this.exchange.answerBegins();
  }

  onResponseStart(controller: Dispatcher.DispatchController, code: number, _headers: unknown, reason?: string): void {
    // Interim answers are the origin's talk with us (RFC 9110 15.2), not with the client.
    if (this.over || code < 200) return;
    const headers = headerListOf(controller.rawHeaders as Buffer[]);
    if (!hasKnownCoding(headers)) {
      this.end();
      this.exchange.failed(new Error('the origin uses a transfer coding other than chunked'));
      return;
    }
    this.bodiless = this.bodiless || code === 204 || code === 304;
    this.answered = true;
    this.exchange.head(code, reason ?? '', headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.over && !this.exchange.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.over) return;
    this.end();
    // undici takes a reset for the end of a body that ends with its connection.
    if (!this.connection.broken) this.exchange.ended(true);
    else this.exchange.failed(new ConnectionLostError('the connection was reset in the middle of the answer'));
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.over) return;
    this.end();
    // An answer without a body is whole with its head, whatever length that announces.
    if (this.answered && this.bodiless) this.exchange.ended(false);
    else this.exchange.failed(error);
  }

  private end(): void {
    this.over = true;
  }
}

function dispatchOptions(request: OriginRequest, servername: string | undefined): Dispatcher.DispatchOptions {
  const { method, path, body } = request;
  return {
    path,
    method: method as Dispatcher.HttpMethod,
    headers: flatten(request),
    body: Buffer.isBuffer(body) ? body : (body.parts as never),
    // undici would close the connection after a body that its method does not expect, and after each HEAD, where it
    // is right: some origins send a body all the same.
    ...(method === 'HEAD' ? {} : { reset: false }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** Whether the body can be told from its framing: no coding, or `chunked` and nothing else (specification 3.6). */
function hasKnownCoding(headers: HeaderList): boolean {
  return getHeaders(headers, 'transfer-encoding').every((coding) => coding.toLowerCase() === 'chunked');
}

/** `OriginRequest.headers` are without Host and framing; what is left that undici refuses is the offer to upgrade. */
function flatten({ authority, headers, body }: OriginRequest): string[] {
  const flat = ['Host', authority];
  for (const [name, value] of headers) {
    if (name.length === UPGRADE.length && name.toLowerCase() === UPGRADE) continue;
    flat.push(name, value);
  }
  // Of a body that is there as a whole undici says the length itself, by the method.
  if (!Buffer.isBuffer(body) && body.length !== undefined) flat.push('Content-Length', String(body.length));
  return flat;
}

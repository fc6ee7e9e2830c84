/**
 * One request at an origin, translated from undici for our receiver.
 *
 *     open ──► answered ──► over          open ──connection was stale──► open, on a new one, once
 *       └────────┴── failed ──► over        └── cancelled ──► over
 */
import type { Dispatcher } from 'undici';
import { getHeaders, type HeaderList } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';
import type { Target } from '../routes/route.js';
import type { OriginConnection } from './origin-connection.js';
import { failureOf, isClosed } from './origin-failure.js';
import type { OriginPools } from './origin-pools.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from './verdict.js';

const UPGRADE = 'upgrade';
const CALLED_OFF = 'the client has gone';

/** Methods that mean the same twice as once (RFC 9110 9.2.2): no others may be repeated by a proxy. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class OriginCall implements Dispatcher.DispatchHandler, AnswerCall {
  private state: 'open' | 'over' = 'open';
  private connection: OriginConnection | undefined = undefined;
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private readonly dispatch: Dispatcher.DispatchOptions;
  private readonly secure: boolean;
  /** Whether the request is there as a whole, to be written a second time. */
  private readonly whole: boolean;
  private bodiless: boolean;
  private sending = false;
  private repeated = false;
  /** The request is on a connection. */
  private started = false;
  /** The first byte of an answer has come. */
  private heard = false;
  private answered = false;

  /** @param over - called once, by whatever way the call ends */
  constructor(
    private readonly pools: OriginPools,
    private readonly request: OriginRequest,
    private readonly target: Target,
    private readonly receiver: AnswerReceiver,
    private readonly over: () => void,
  ) {
    const { method, path, body } = request;
    this.whole = Buffer.isBuffer(body);
    this.secure = target.options.ssl;
    this.bodiless = method === 'HEAD';
    this.dispatch = {
      path,
      method: method as Dispatcher.HttpMethod,
      headers: flatten(request),
      body: Buffer.isBuffer(body) ? body : (body.parts as never),
      // undici would close the connection after a body that its method does not expect, and after each HEAD, where it
      // is right: some origins send a body all the same.
      ...(method === 'HEAD' ? {} : { reset: false }),
      // A change of this name would cost the connection; who the server has to be was settled with the pool.
      ...(this.secure ? { servername: target.name } : {}),
    };
  }

  /** Sends the request; the receiver hears nothing before this returns. */
  start(): void {
    this.sending = true;
    try {
      this.connection = this.pools.take(this.target, this.request.authority, this.repeated);
      this.connection.send(this.dispatch, this);
    } catch (error) {
      this.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.sending = false;
    }
  }

  cancel(): void {
    if (this.state !== 'open') return;
    this.leave();
    this.breakOff();
  }

  resume(): void {
    if (this.state === 'open') this.controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.started = true;
    this.connection?.requestStarts();
  }

  onResponseStarted(): void {
    this.heard = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, code: number, _headers: unknown, reason?: string): void {
    if (this.state !== 'open') return;
    // Interim answers are the origin's talk with us (RFC 9110 15.2), not with the client.
    if (code < 200) return;
    const headers = headerListOf(controller.rawHeaders as Buffer[]);
    if (!hasKnownCoding(headers)) {
      this.fail({ kind: 'other', detail: 'the origin uses a transfer coding other than chunked' });
      return;
    }
    this.bodiless = this.bodiless || code === 204 || code === 304;
    this.answered = true;
    this.receiver.head(code, reason ?? '', headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.state === 'open' && !this.receiver.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.state !== 'open') return;
    // undici takes a reset for the end of a body that ends with its connection.
    if (this.connection?.broken === true) {
      this.fail({ kind: 'other', detail: 'the connection was reset in the middle of the answer', disconnected: true });
      return;
    }
    this.leave();
    if (this.connection !== undefined) this.pools.giveBack(this.connection);
    this.receiver.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.state !== 'open') return;
    if (this.sending) {
      queueMicrotask(() => this.onResponseError(undefined, error));
      return;
    }
    if (this.answered && this.bodiless) {
      // An answer without a body is whole with its head, whatever length that announces.
      this.leave();
      this.breakOff();
      this.receiver.end();
    } else if (this.mayRepeat(error)) {
      this.breakOff();
      this.repeated = true;
      this.started = false;
      this.start();
    } else {
      const failure = failureOf(error, this.secure, this.started);
      // What has been read of a body is gone: no other target could be sent it.
      const usedUp = failure.kind === 'connect' && this.started && !this.whole;
      this.fail(usedUp ? { kind: 'other', detail: error.message } : failure);
    }
  }

  /**
   * Whether this is the fate of a connection that the origin gave up at the very moment it was used again. What was
   * not written is no risk at all; what was written may have been acted on.
   */
  private mayRepeat(error: Error): boolean {
    const { connection } = this;
    if (connection === undefined || this.repeated || this.heard || !isClosed(error)) return false;
    if (!this.started) return connection.used;
    return connection.reused && this.whole && IDEMPOTENT.has(this.request.method);
  }

  private fail(failure: Failure): void {
    if (this.state !== 'open') return;
    this.leave();
    this.breakOff();
    this.receiver.failed(failure);
  }

  private leave(): void {
    this.state = 'over';
    this.over();
  }

  /** Ends the connection, which cannot be used after half an exchange. */
  private breakOff(): void {
    this.controller?.abort(new Error(CALLED_OFF));
    this.controller = undefined;
    if (this.connection !== undefined) this.pools.discard(this.connection);
  }
}

/** Whether the body can be told from its framing: no coding, or `chunked` and nothing else (specification 3.6). */
function hasKnownCoding(headers: HeaderList): boolean {
  return getHeaders(headers, 'transfer-encoding').every((coding) => coding.toLowerCase() === 'chunked');
}

/** Methods whose requests carry a Content-Length even when the body is empty (specification 3.4, 10). */
function needsLength(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
}

/** `OriginRequest.headers` are without Host and framing; what is left that undici refuses is the offer to upgrade. */
function flatten({ method, authority, headers, body }: OriginRequest): string[] {
  const flat = ['Host', authority];
  for (const [name, value] of headers) {
    if (name.length === UPGRADE.length && name.toLowerCase() === UPGRADE) continue;
    flat.push(name, value);
  }
  const { length } = body;
  const empty = Buffer.isBuffer(body) && body.length === 0 && !needsLength(method);
  if (length !== undefined && !empty) flat.push('Content-Length', String(length));
  return flat;
}

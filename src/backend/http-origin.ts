/**
 * Origins reached over HTTP/1.1 with undici: one pool of keep-alive connections for each address, requests written with
 * exactly the headers they are given, answers handed on as they arrive.
 */
import type { Dispatcher } from 'undici';
import { getHeaders, type HeaderList } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';
import type { Target } from '../routes/route.js';
import { isAddressBlocked, makePolicyConnector } from './address-policy.js';
import { Pool } from './undici-parts.js';
import type { AnswerCall, AnswerReceiver, Failure, HttpBackend, OriginRequest } from './verdict.js';

export interface HttpOriginOptions {
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds of silence after which an exchange is given up. */
  readonly idleTimeout: number;
  /** Seconds that an unused connection is kept. */
  readonly keepAlive: number;
  readonly maxHeadBytes: number;
}

export class HttpOrigin implements HttpBackend {
  private readonly pools = new Map<string, Pool>();
  private readonly poolOf = new WeakMap<Target, Pool>();
  /** Calls that have not ended. */
  private underWay = 0;
  private onIdle: (() => void) | undefined = undefined;

  constructor(private readonly options: HttpOriginOptions) {}

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    const call = new OriginCall(this, receiver, request.method === 'HEAD');
    this.underWay += 1;
    const { body } = request;
    const whole = Buffer.isBuffer(body);
    const withBody = whole ? body.length > 0 || needsLength(request.method) : true;
    const headers = flatten(request.authority, request.headers, withBody ? body.length : undefined);
    try {
      this.pool(target).dispatch(
        {
          path: request.path,
          method: request.method as Dispatcher.HttpMethod,
          headers,
          body: withBody ? (whole ? body : (body.parts as never)) : null,
        },
        call,
      );
    } catch (error) {
      // undici refuses what it takes for invalid (a method that is no token) by throwing.
      const detail = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => call.fail({ kind: 'other', detail }));
    }
    return call;
  }

  /**
   * Waits for what is under way, and for what follows from it, `grace` milliseconds at most; then closes all
   * connections.
   */
  async close(grace: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.onIdle?.();
    }, grace);
    // The answer to one request may be the reason for a last one: a goodbye that had to wait for its turn.
    while (this.underWay > 0 && !late) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    clearTimeout(timer);
    const pools = [...this.pools.values()];
    this.pools.clear();
    await Promise.allSettled(pools.map((pool) => pool.destroy()));
  }

  /** A call has ended, by whatever way. */
  callOver(): void {
    this.underWay -= 1;
    if (this.underWay === 0) this.onIdle?.();
  }

  private pool(target: Target): Pool {
    const known = this.poolOf.get(target);
    if (known !== undefined) return known;
    if (target.kind !== 'origin') throw new TypeError(`target ${target.name} is not an HTTP origin`);
    const { host, port } = target;
    const { ssl, insecure, clientCert, clientKey, trustConnectHost, untrusted } = target.options;
    const url = `${ssl ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const key = JSON.stringify([url, insecure, trustConnectHost, clientCert, clientKey, untrusted]);
    let pool = this.pools.get(key);
    if (pool === undefined) {
      const connect = {
        timeout: this.options.connectTimeout * 1_000,
        rejectUnauthorized: !insecure,
        ...(trustConnectHost ? { servername: host } : {}),
        ...(clientCert === undefined ? {} : { cert: clientCert }),
        ...(clientKey === undefined ? {} : { key: clientKey }),
      };
      pool = new Pool(url, {
        pipelining: 1,
        keepAliveTimeout: this.options.keepAlive * 1_000,
        keepAliveMaxTimeout: this.options.keepAlive * 1_000,
        headersTimeout: this.options.idleTimeout * 1_000,
        bodyTimeout: this.options.idleTimeout * 1_000,
        maxHeaderSize: this.options.maxHeadBytes,
        connect: untrusted ? makePolicyConnector(connect) : connect,
      });
      this.pools.set(key, pool);
    }
    this.poolOf.set(target, pool);
    return pool;
  }
}

const UPGRADE = 'upgrade';
const CALLED_OFF = 'the client has gone';

type CallState = 'open' | 'cancelled' | 'over';

/** One request at undici, translated for our receiver. */
class OriginCall implements Dispatcher.DispatchHandler, AnswerCall {
  private state: CallState = 'open';
  private controller: Dispatcher.DispatchController | undefined = undefined;
  private answered = false;

  constructor(
    private readonly origin: HttpOrigin,
    private readonly receiver: AnswerReceiver,
    private bodiless: boolean,
  ) {}

  cancel(): void {
    if (this.state !== 'open') return;
    this.state = 'cancelled';
    this.origin.callOver();
    this.controller?.abort(new Error(CALLED_OFF));
  }

  resume(): void {
    this.controller?.resume();
  }

  fail(failure: Failure): void {
    if (this.state !== 'open') return;
    this.state = 'over';
    this.origin.callOver();
    this.receiver.failed(failure);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.state === 'cancelled') controller.abort(new Error(CALLED_OFF));
  }

  onResponseStart(controller: Dispatcher.DispatchController, code: number, _headers: unknown, reason?: string): void {
    // Interim answers are the origin's talk with us (RFC 9110 15.2), not with the client.
    if (code < 200 || this.state !== 'open') return;
    const headers = headerListOf(controller.rawHeaders as Buffer[]);
    if (!hasKnownCoding(headers)) {
      controller.abort(new Error(CALLED_OFF));
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
    this.state = 'over';
    this.origin.callOver();
    this.receiver.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // An answer without a body is whole with its head, whatever length that announces.
    if (this.answered && this.bodiless) this.onResponseEnd();
    else this.fail(failureOf(error));
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
function flatten(authority: string, headers: HeaderList, length: number | undefined): string[] {
  const flat = ['Host', authority];
  for (const [name, value] of headers) {
    if (name.length === UPGRADE.length && name.toLowerCase() === UPGRADE) continue;
    flat.push(name, value);
  }
  if (length !== undefined) flat.push('Content-Length', String(length));
  return flat;
}

/** What went wrong in the terms of specification 3.8: only failures to connect let the next target be tried. */
function failureOf(error: Error & { code?: string; cause?: unknown }): Failure {
  if (isAddressBlocked(error)) return { kind: 'blocked' };
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code = '' } = at as Error & { code?: string };
    if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'connect' };
    if (code === 'ETIMEDOUT' && (at as NodeJS.ErrnoException).syscall === 'connect') return { kind: 'connect' };
    if (isTlsError(code)) return { kind: 'connect' };
    if (
      at instanceof AggregateError &&
      at.errors.some((one: unknown) => one instanceof Error && failureOf(one).kind === 'connect')
    ) {
      return { kind: 'connect' };
    }
  }
  return { kind: 'other', detail: error.message };
}

function isTlsError(code: string): boolean {
  return (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.startsWith('CERT_') ||
    code === 'DEPTH_ZERO_SELF_SIGNED_CERT' ||
    code === 'SELF_SIGNED_CERT_IN_CHAIN' ||
    code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' ||
    code === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' ||
    code === 'EPROTO'
  );
}

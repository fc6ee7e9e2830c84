/**
 * Origins reached over HTTP/1.1: keep-alive connections for each server, requests written with exactly the headers they
 * are given, answers handed on as they arrive.
 */
import type { OriginMeter } from '../observe/origin-meter.js';
import type { Target } from '../routes/route.js';
import type { Wheel } from '../time/wheel.js';
import { Http1Connection } from './http1/http1-connection.js';
import { sharedRead } from './http1/shared-read.js';
import { WriteTurn } from './http1/write-turn.js';
import { OriginCall } from './origin-call.js';
import type { ConnectionMaker, OriginConnectionOptions } from './origin-connection.js';
import { OriginPools } from './origin-pools.js';
import { UndiciConnection } from './undici-connection.js';
import type { AnswerCall, AnswerReceiver, HttpBackend, OriginRequest } from './verdict.js';

/** What speaks HTTP on the connections: ours, or the reference it is compared with. */
export type OriginClient = 'holdfast' | 'undici';

export interface HttpOriginOptions {
  readonly client: OriginClient;
  readonly wheel: Wheel;
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds of silence after which an exchange is given up. */
  readonly idleTimeout: number;
  /** Seconds that an unused connection is kept. */
  readonly keepAlive: number;
  readonly maxHeadBytes: number;
  /** Unused connections that are kept at most. */
  readonly maxIdle?: number;
  /** Counts the requests; undefined: nobody does. */
  readonly meter?: OriginMeter;
}

export class HttpOrigin implements HttpBackend {
  private readonly pools: OriginPools;
  private readonly meter: OriginMeter | undefined;
  /** Calls that have not ended. */
  private underWay = 0;
  private onIdle: (() => void) | undefined = undefined;

  constructor(options: HttpOriginOptions) {
    const { connectTimeout, maxIdle } = options;
    this.meter = options.meter;
    this.pools = new OriginPools({
      maker: connectionMaker(options),
      connectTimeout: connectTimeout * 1_000,
      ...(maxIdle === undefined ? {} : { maxIdle }),
    });
  }

  /** Servers that there are connections to. */
  get servers(): number {
    return this.pools.servers;
  }

  /** Connections that wait for a request. */
  get idleConnections(): number {
    return this.pools.idleConnections;
  }

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    this.underWay += 1;
    const call = new OriginCall(this.pools, request, target, receiver, this.callOver, this.meter);
    call.start();
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
    await this.pools.close();
  }

  private readonly callOver = (): void => {
    this.underWay -= 1;
    if (this.underWay === 0) this.onIdle?.();
  };
}

function connectionMaker({ client, wheel, idleTimeout, keepAlive, maxHeadBytes }: HttpOriginOptions): ConnectionMaker {
  const options: OriginConnectionOptions = {
    idleTimeout: idleTimeout * 1_000,
    keepAlive: keepAlive * 1_000,
    maxHeadBytes,
  };
  if (client === 'undici') {
    return { connection: (server, lost) => new UndiciConnection(server, options, lost) };
  }
  const own = { ...options, wheel, turn: new WriteTurn() };
  return { onread: sharedRead(), connection: (server, lost) => new Http1Connection(server, own, lost) };
}

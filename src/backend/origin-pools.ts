/**
 * Connections to origins that are kept for further requests. The one that was used last is used next, so that what is
 * not needed falls silent, and is closed when its time is over.
 *
 *     pools ──► "server, identity" ──► idle: connection, connection, …      the last one is taken first
 *     idle  ──► the idle connections of all pools, the one that has waited longest first
 *     busy  ──► those with a request
 *
 * A pool is there as long as it has connections: with the last of them everything about a server is forgotten, so that
 * nothing has to be told of the targets that a new routes file leaves out.
 */
import type { Target } from '../routes/route.js';
import type { ConnectionMaker, OriginConnection } from './origin-connection.js';
import { identityFor, type OriginServer, originServer, serverKey } from './origin-server.js';

/** Idle connections to all origins together: behind one target of TLS there is a pool for each name clients ask for. */
const MAX_IDLE = 1_000;

export interface OriginPoolsOptions {
  readonly maker: ConnectionMaker;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Idle connections that are kept at most. */
  readonly maxIdle?: number;
}

interface Pool {
  readonly key: string;
  readonly server: OriginServer;
  readonly idle: OriginConnection[];
  /** Connections, busy ones too. */
  size: number;
}

export class OriginPools {
  private readonly pools = new Map<string, Pool>();
  private readonly keys = new WeakMap<Target, string>();
  private readonly idle = new Map<OriginConnection, Pool>();
  private readonly busy = new Map<OriginConnection, Pool>();
  private readonly maxIdle: number;
  private closed = false;

  constructor(private readonly options: OriginPoolsOptions) {
    this.maxIdle = options.maxIdle ?? MAX_IDLE;
  }

  /** Servers that there are connections to. */
  get servers(): number {
    return this.pools.size;
  }

  /** Connections without a request. */
  get idleConnections(): number {
    return this.idle.size;
  }

  /**
   * A connection for one request, to be given back or discarded.
   *
   * @param authority - the request's Host
   * @param fresh - one that was not used before
   */
  take(target: Target, authority: string, fresh: boolean): OriginConnection {
    if (this.closed) throw new Error('the connections to origins are closed');
    const pool = this.poolFor(target, authority);
    let connection = fresh ? undefined : pool.idle.pop();
    if (connection === undefined) {
      connection = this.options.maker.connection(pool.server, this.lost);
      pool.size += 1;
      this.pools.set(pool.key, pool);
    } else {
      this.idle.delete(connection);
    }
    this.busy.set(connection, pool);
    return connection;
  }

  /** Its request is over, and another may follow. */
  giveBack(connection: OriginConnection): void {
    const pool = this.busy.get(connection);
    if (pool === undefined) return;
    this.busy.delete(connection);
    pool.idle.push(connection);
    this.idle.set(connection, pool);
    if (this.idle.size <= this.maxIdle) return;
    const [longest] = this.idle.keys();
    if (longest !== undefined) this.lost(longest);
  }

  /** Ends a connection with its request. */
  discard(connection: OriginConnection): void {
    const pool = this.busy.get(connection);
    if (pool === undefined) return;
    this.busy.delete(connection);
    this.forget(connection, pool);
  }

  /** Ends everything; there are no more connections after this. */
  async close(): Promise<void> {
    this.closed = true;
    const connections = [...this.idle.keys(), ...this.busy.keys()];
    this.idle.clear();
    this.busy.clear();
    this.pools.clear();
    await Promise.all(connections.map((connection) => connection.destroy()));
  }

  private poolFor(target: Target, authority: string): Pool {
    if (target.kind !== 'origin') throw new TypeError(`target ${target.name} is not an HTTP origin`);
    let key = this.keys.get(target);
    if (key === undefined) {
      key = serverKey(target);
      this.keys.set(target, key);
    }
    const identity = identityFor(target, authority);
    if (identity !== undefined) key += identity;
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const { connectTimeout, maker } = this.options;
    return { key, server: originServer(target, identity, connectTimeout, maker.onread), idle: [], size: 0 };
  }

  /** An idle connection has ended or has to. A busy one is its request's, which may even have it made anew. */
  private readonly lost = (connection: OriginConnection): void => {
    const pool = this.idle.get(connection);
    if (pool === undefined) return;
    this.idle.delete(connection);
    // Those that have waited longest, which end first, stand in front.
    pool.idle.splice(pool.idle.indexOf(connection), 1);
    this.forget(connection, pool);
  };

  private forget(connection: OriginConnection, pool: Pool): void {
    pool.size -= 1;
    if (pool.size === 0) this.pools.delete(pool.key);
    void connection.destroy();
  }
}

/**
 * One connection to an origin over HTTP/1.1, as the pools keep it and a call uses it: one exchange at a time. There are
 * two implementations, `http1/http1-connection.ts` and `undici-connection.ts`, which is the reference of the other.
 */
import type { OnReadOpts } from 'node:net';
import type { HeaderList } from '../protocol/headers.js';
import type { OriginServer } from './origin-server.js';
import type { OriginRequest } from './verdict.js';

export interface OriginConnectionOptions {
  /** Milliseconds of silence after which an exchange is given up. */
  readonly idleTimeout: number;
  /** Milliseconds that an unused connection is kept. */
  readonly keepAlive: number;
  readonly maxHeadBytes: number;
}

/** What becomes of a request, in this order; after `ended` or `failed` nothing more. */
export interface OriginExchange {
  /** There is a connection, and the request is about to be written. */
  requestStarts(): void;
  /** The first byte of an answer has come, an interim one included. */
  answerBegins(): void;
  /** The head of the final answer. Its transfer coding, if any, is `chunked`. */
  head(code: number, reason: string, headers: HeaderList): void;
  /** False: stop until `resume`. What was read together with this piece may still follow. */
  data(piece: Buffer): boolean;
  /** @param reusable - another request may follow on the connection; otherwise it has to be destroyed */
  ended(reusable: boolean): void;
  /** The connection has to be destroyed. */
  failed(error: Error): void;
}

export interface OriginConnection {
  /** Whether any request has been written on it. */
  readonly used: boolean;
  /** Whether requests before this one have been. */
  readonly reused: boolean;

  /**
   * Sends a request; there must be none under way. Connects first where that has not been done.
   *
   * @throws Error when the request cannot be sent by anybody, or there can be no connection
   */
  send(request: OriginRequest, exchange: OriginExchange): void;
  /** More of the answer is welcome. */
  resume(): void;
  /** Ends the connection at once; the exchange under way is told nothing any more. */
  destroy(): Promise<void>;
}

/** What makes connections, all of one kind. */
export interface ConnectionMaker {
  /** How their sockets are read, where that is not by their `data` events. */
  readonly onread?: OnReadOpts;
  /** @param lost - called when an unused connection has ended or has to */
  connection(server: OriginServer, lost: (connection: OriginConnection) => void): OriginConnection;
}

/** What a client port is to the rest of Holdfast, whatever parses on it. */
import type { Counters } from '../observe/counters.js';
import type { Survey } from '../observe/survey.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { OpenSocketsOptions, SocketAddress } from '../sockets/open-sockets.js';
import type { ClientRequest } from './client-request.js';
import type { Http1Exchange } from './http1-exchange.js';
import type { WebSocketUpgrade } from './websocket-upgrade.js';

export interface FrontOptions extends OpenSocketsOptions {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** Seconds. */
  readonly headTimeout: number;
  /** Seconds. */
  readonly idleTimeout: number;
  readonly counters: Counters;
}

export interface FrontHandler {
  request(request: ClientRequest, exchange: Http1Exchange): void;
  webSocket(request: ClientRequest, upgrade: WebSocketUpgrade): void;
  /**
   * What a handshake is answered with that is none by RFC 6455, though it asks for a WebSocket; undefined: the front's own
   * words. The connection closes.
   */
  badHandshake(request: ClientRequest): CompleteResponse | undefined;
}

export interface Front {
  /**
   * Resolves with the address that is listened on.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED
   */
  listen<Address extends SocketAddress>(address: Address): Promise<Address>;
  /** Leaves new connections to the other processes that listen on the same address; one has to. */
  pause(): void;
  /** Accepts again; resolves when it does. */
  resume(): Promise<void>;
  /** Counts its open connections, one by one. */
  survey(into: Survey): void;
  /** Stops listening for good; resolves when the last connection has gone. */
  stopAccepting(): Promise<void>;
  /** Ends every connection: what is written already still goes out, for `grace` milliseconds at most. */
  endConnections(grace: number): void;
}

/** Milliseconds of silence before TCP asks whether the client is still there. */
export const TCP_KEEP_ALIVE = 60_000;

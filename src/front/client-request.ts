/** A client's request as the rest of Holdfast sees it: plain values, no parser objects. */
import type { HeaderList } from '../protocol/headers.js';
import type { Peer } from '../sockets/peer-address.js';

/** What could be read of a body at first. */
export interface Prefetched {
  readonly bytes: Buffer;
  /** True when `bytes` is the whole body. */
  readonly complete: boolean;
}

export interface RequestBody {
  /** Length the client announced, in bytes; undefined for a chunked body. */
  readonly length: number | undefined;
  /**
   * Reads until `limit` bytes are there or the body has ended. Called at most once; `done` is not called when
   * the client goes first.
   */
  prefetch(limit: number, done: (prefetched: Prefetched) => void): void;
  /** What follows the prefetched bytes; reading it slowly slows the client down. Throws when the client goes. */
  rest(): AsyncIterable<Buffer>;
}

export interface ClientRequest {
  readonly method: string;
  /** As in the request line: path and query, or an absolute URI, or `*`. */
  readonly target: string;
  /** The client's own `target`, where an auth service has put another one in its place. */
  readonly askedFor?: string;
  readonly headers: HeaderList;
  /** True when the client came over TLS. */
  readonly secure: boolean;
  /** Who is at the other end of the connection. */
  readonly peer: Peer;
  /** Undefined when the request has none. */
  readonly body: RequestBody | undefined;
}

/**
 * A request as `node:http` parsed it, in the few values that matter while it waits and is answered. What `node:http`
 * keeps of it (two objects of a kilobyte and more) is let go of as early as can be.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderList } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';

/** Both sides of one exchange at `node:http`, which lists them until the answer is over. */
export interface NodeExchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface ParsedRequest {
  readonly method: string;
  readonly target: string;
  /** As in the request line: `1.1`. */
  readonly protocol: string;
  readonly rawHeaders: readonly string[];
  readonly connection: string | undefined;
  readonly contentLength: string | undefined;
  readonly transferEncoding: string | undefined;
  readonly expectsContinue: boolean;
  /** Until the answer is over; undefined from the start for requests without a body. */
  node: NodeExchange | undefined;
}

export function parsedRequest(incoming: IncomingMessage, expectsContinue: boolean): ParsedRequest {
  const { headers } = incoming;
  return {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    protocol: incoming.httpVersion,
    rawHeaders: incoming.rawHeaders,
    connection: headers.connection,
    contentLength: headers['content-length'],
    transferEncoding: headers['transfer-encoding'],
    expectsContinue,
    node: undefined,
  };
}

/** Whether the request announced a body. */
export function hasBody({ contentLength, transferEncoding }: ParsedRequest): boolean {
  return transferEncoding !== undefined || (contentLength !== undefined && contentLength !== '0');
}

/**
 * Ends `node:http`'s part in a request by its usual way: it frees request, response and their listeners, reads away what
 * is left of the body, and leaves the connection open. It does so in the order of the requests and in no other.
 */
export function settle({ incoming, outgoing }: NodeExchange): void {
  incoming.resume();
  outgoing.emit('finish');
}

/** The headers, names and values as they came. */
export function headersOf({ rawHeaders }: ParsedRequest): HeaderList {
  return headerListOf(rawHeaders);
}

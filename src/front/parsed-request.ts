/**
 * A request as `node:http` parsed it, in the few values that matter while it waits and is answered. What `node:http`
 * keeps of it (two objects of a kilobyte and more) is let go of as early as can be.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderList } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';
import {
  INVALID_HOST,
  INVALID_VERSION,
  MORE_THAN_ONE_HOST,
  TOO_MANY_HEADERS,
  UNSUPPORTED_TRANSFER_ENCODING,
} from './early-errors.js';
import type { HttpVersion } from './response-head.js';

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

/** The version an answer is written in: that of the request, when it is one of ours. */
export function answerVersion(protocol: string): HttpVersion {
  return protocol === '1.1' ? '1.1' : '1.0';
}

/**
 * Ends `node:http`'s part in a request by its usual way: it frees request, response and their listeners, reads away what
 * is left of the body, and leaves the connection open. It does so in the order of the requests and in no other.
 */
export function settle({ incoming, outgoing }: NodeExchange): void {
  incoming.resume();
  outgoing.emit('finish');
}

/** Characters of a host, an address in brackets and a port (RFC 3986 3.2.2); empty is allowed. */
const HOST = /^[\w.~%!$&'()*+,;=:[\]-]*$/;

/** A target in absolute form with a host (RFC 9112 3.2.2): no user, whose name could be read as the host's. */
const ABSOLUTE = /^(?:https?|wss?):\/\/[\w.~%!$&'()*+,;=:[\]-]+(?:[/?]|$)/i;

/** What is wrong with a request that the parser let pass; the text of the answer, undefined when nothing is. */
export function faultOf(protocol: string, target: string, headers: HeaderList, maxHeaders: number): string | undefined {
  if (protocol !== '1.1' && protocol !== '1.0') return INVALID_VERSION;
  if (headers.length > maxHeaders) return TOO_MANY_HEADERS;
  const isAbsolute = !target.startsWith('/') && !target.startsWith('*');
  if (isAbsolute && !ABSOLUTE.test(target)) return INVALID_HOST;
  let host: string | undefined;
  for (const [name, value] of headers) {
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return MORE_THAN_ONE_HOST;
    host = value;
    if (!HOST.test(value)) return INVALID_HOST;
  }
  return undefined;
}

/** The only coding of a body that is taken, written exactly so (specification 15.5); its case does not matter. */
export function transferFaultOf({ transferEncoding }: ParsedRequest): string | undefined {
  if (transferEncoding === undefined || transferEncoding.toLowerCase() === 'chunked') return undefined;
  return UNSUPPORTED_TRANSFER_ENCODING;
}

/** Whether the client wants the connection kept (specification 15.5; the token is compared without case). */
export function isPersistent({ protocol, connection, transferEncoding }: ParsedRequest): boolean {
  const tokens = connection?.toLowerCase().split(',') ?? [];
  if (protocol === '1.1') return !tokens.some((token) => token.trim() === 'close');
  // Whoever passed on a coding that HTTP/1.0 does not have may see another end of this request than we do.
  return transferEncoding === undefined && tokens.some((token) => token.trim() === 'keep-alive');
}

/** The headers, names and values as they came. */
export function headersOf({ rawHeaders }: ParsedRequest): HeaderList {
  return headerListOf(rawHeaders);
}

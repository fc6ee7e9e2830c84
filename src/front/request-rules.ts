/** What is asked of a request once it is parsed, whoever parsed it, and what it says about its connection. */
import { type HeaderList, hasOption } from '../protocol/headers.js';
import {
  INVALID_HOST,
  INVALID_VERSION,
  MORE_THAN_ONE_HOST,
  TOO_MANY_HEADERS,
  UNSUPPORTED_TRANSFER_ENCODING,
} from './early-errors.js';
import type { HttpVersion } from './response-head.js';

/** What of a head speaks of the connection; values of several lines are joined with `, `. */
export interface ConnectionFields {
  /** As in the request line: `1.1`. */
  readonly protocol: string;
  readonly connection: string | undefined;
  readonly transferEncoding: string | undefined;
}

/** The version an answer is written in: that of the request, when it is one of ours. */
export function answerVersion(protocol: string): HttpVersion {
  return protocol === '1.1' ? '1.1' : '1.0';
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
export function transferFaultOf({ transferEncoding }: ConnectionFields): string | undefined {
  if (transferEncoding === undefined || transferEncoding.toLowerCase() === 'chunked') return undefined;
  return UNSUPPORTED_TRANSFER_ENCODING;
}

/** Whether the client wants the connection kept (specification 15.5; the token is compared without case). */
export function isPersistent({ protocol, connection, transferEncoding }: ConnectionFields): boolean {
  if (protocol === '1.1') return connection === undefined || !hasOption(connection, 'close');
  // Whoever passed on a coding that HTTP/1.0 does not have may see another end of this request than we do.
  return transferEncoding === undefined && connection !== undefined && hasOption(connection, 'keep-alive');
}

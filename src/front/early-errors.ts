/** Answers to what is not a request that can be proxied, in the original's form and words (specification 15.4). */
import type { ChunkedFault } from '../protocol/http1/chunked-decoder.js';
import type { HeadFault } from '../protocol/http1/request-head.js';
import type { HttpVersion } from './response-head.js';

/** Status line's code and reason, and the text of the answer. */
export interface EarlyError {
  readonly status: string;
  readonly text: string;
}

/** How the text begins when what came is no request: nothing is known then, the version neither. */
const NOT_PARSED = 'Failed to parse request: ';

/** The whole answer; the connection is closed after it. */
export function earlyError({ status, text }: EarlyError, version: HttpVersion = '1.0'): string {
  const body = `${text}\n`;
  return `HTTP/${text.startsWith(NOT_PARSED) ? '1.0' : version} ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export function badRequest(text: string): EarlyError {
  return { status: '400 Bad Request', text };
}

export const TOO_MANY_HEADERS = 'Failed to parse request: too many headers';
export const UNSUPPORTED_TRANSFER_ENCODING = 'Failed to parse request: unsupported transfer encoding';
export const INVALID_VERSION = 'Failed to parse request: invalid HTTP version';
export const INVALID_HOST = 'Failed to parse request: invalid host';
export const MORE_THAN_ONE_HOST = 'Failed to parse request: more than one host';
export const BAD_UPGRADE =
  'Request contained an Upgrade header with value "websocket" but the request was not a valid WebSocket request.';
export const UPGRADE_WHILE_BUSY =
  'Failed to process request: an upgrade cannot follow requests that are not answered yet.';
export const NO_TUNNELS: EarlyError = { status: '501 Not Implemented', text: 'CONNECT is not supported.' };

export const INVALID_TOKEN = badRequest('Failed to parse request: invalid token');
export const HEAD_TOO_LATE: EarlyError = { status: '408 Request Timeout', text: 'Request was not received in time.' };
const INVALID_LENGTH = badRequest('Failed to parse request: invalid content length');
const UNSUPPORTED_CODING = badRequest(UNSUPPORTED_TRANSFER_ENCODING);

export function headTooLarge(maxHeadBytes: number): EarlyError {
  return badRequest(`Request header size exceeded limit of ${maxHeadBytes} bytes.`);
}

/** What is said about a head or a body that our own parser cannot read. */
export function unreadable(fault: HeadFault | ChunkedFault): EarlyError {
  switch (fault) {
    case 'length':
      return INVALID_LENGTH;
    case 'coding':
      return UNSUPPORTED_CODING;
    default:
      return INVALID_TOKEN;
  }
}

/** What is said about an error of `node:http`'s parser; undefined for errors that are not about what was parsed. */
export function parseError(code: string | undefined, maxHeadBytes: number): EarlyError | undefined {
  switch (code) {
    case undefined:
      return undefined;
    case 'HPE_HEADER_OVERFLOW':
      return headTooLarge(maxHeadBytes);
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return INVALID_LENGTH;
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return UNSUPPORTED_CODING;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return HEAD_TOO_LATE;
    default:
      return code.startsWith('HPE_') ? INVALID_TOKEN : undefined;
  }
}

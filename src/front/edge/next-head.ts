/** The next head among the bytes of a client: where it begins and ends, and whether it is worth waiting for the rest. */
import { faultOfStart, type RequestHead, readRequestHead } from '../../protocol/http1/request-head.js';
import { type EarlyError, headTooLarge, unreadable } from '../early-errors.js';

export const HEAD_END = '\r\n\r\n';
const CR = 0x0d;
const LF = 0x0a;

export type NextHead =
  | { readonly kind: 'head'; readonly head: RequestHead /** What is behind it begins here. */; readonly end: number }
  /** It is not whole. */
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly error: EarlyError };

const MORE: NextHead = { kind: 'more' };

/**
 * @param start - where the head begins, behind empty lines
 * @param maxHeadBytes - from the first byte of the request line to the empty line's end
 */
export function nextHead(bytes: Buffer, start: number, maxHeadBytes: number): NextHead {
  const lineEnds = bytes.indexOf(HEAD_END, start, 'latin1');
  const end = lineEnds + HEAD_END.length;
  if (lineEnds < 0 || end - start > maxHeadBytes) return unfinished(bytes, start, maxHeadBytes);
  const head = readRequestHead(bytes.toString('latin1', start, lineEnds + 2));
  return typeof head === 'string' ? refused(unreadable(head)) : { kind: 'head', head, end };
}

/** Empty lines before a request are passed over (RFC 9112 2.2). */
export function startOfHead(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at;
}

/** There is no whole head, or too large a one. */
function unfinished(bytes: Buffer, start: number, maxHeadBytes: number): NextHead {
  const fault = faultOfStart(bytes.toString('latin1', start, Math.min(start + maxHeadBytes, bytes.length)));
  if (fault !== undefined) return refused(unreadable(fault));
  return bytes.length - start >= maxHeadBytes ? refused(headTooLarge(maxHeadBytes)) : MORE;
}

function refused(error: EarlyError): NextHead {
  return { kind: 'refused', error };
}

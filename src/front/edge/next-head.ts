/** The next head among the bytes of a client: where it ends, and whether it is worth waiting for the rest. */
import { HEAD_END } from '../../protocol/http1/head-bounds.js';
import { faultOfStart, type RequestHead, readRequestHead } from '../../protocol/http1/request-head.js';
import { type EarlyError, headTooLarge, unreadable } from '../early-errors.js';

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
  const lineEnds = bytes.indexOf(HEAD_END, start);
  const end = lineEnds + HEAD_END.length;
  if (lineEnds < 0 || end - start > maxHeadBytes) return unfinished(bytes, start, maxHeadBytes);
  const head = readRequestHead(bytes.toString('latin1', start, lineEnds + 2));
  return typeof head === 'string' ? refused(unreadable(head)) : { kind: 'head', head, end };
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

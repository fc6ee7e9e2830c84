/** Response heads as bytes, with the connection headers that the original writes (specification 15.5). */
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';

export type HttpVersion = '1.0' | '1.1';

/** How the end of the body is told to the client. */
export type BodyLength = number | 'chunked' | 'until-close' | 'none';

/** Header names that describe the connection to us, not the answer: made anew here. Lower case. */
const FRAMING = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

export interface HeadOptions {
  readonly version: HttpVersion;
  readonly persistent: boolean;
  readonly length: BodyLength;
}

/**
 * The head, ending with the empty line, to be written as latin1.
 *
 * Names and values must be clean of CR, LF and NUL: they come from a strict parser or a checked codec, and what
 * is not clean is left out, so that nobody who can publish a header can write a second response.
 */
export function responseHead(code: number, reason: string, headers: HeaderList, options: HeadOptions): string {
  const { version, persistent, length } = options;
  let head = `HTTP/${version} ${code} ${isClean(reason) ? reason : ''}\r\n`;
  for (const [name, value] of headers) {
    if (name.length <= 17 && FRAMING.has(name.toLowerCase())) continue;
    if (isClean(name) && isClean(value)) head += `${name}: ${value}\r\n`;
  }
  if (version === '1.0') {
    if (persistent) head += 'Connection: keep-alive\r\n';
  } else if (!persistent) {
    head += 'Connection: close\r\n';
  }
  if (length === 'chunked') head += 'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n';
  else if (typeof length === 'number') head += `Content-Length: ${length}\r\n`;
  return `${head}\r\n`;
}

/** A whole answer after which the connection closes, to be written as latin1. */
export function lastAnswer({ code, reason, headers, body }: CompleteResponse): string {
  const length = isBodiless(code) ? 'none' : body.length;
  const head = responseHead(code, reason, headers, { version: '1.1', persistent: false, length });
  return length === 'none' ? head : head + body.toString('latin1');
}

/** True for 1xx, 204 and 304, which have no body and no Content-Length. */
export function isBodiless(code: number): boolean {
  return code < 200 || code === 204 || code === 304;
}

/** What may not stand in a head: controls, and what latin1 cannot carry and would turn into another character. */
const UNCLEAN = /[^\t -~\x80-\xff]/;

function isClean(text: string): boolean {
  return !UNCLEAN.test(text);
}

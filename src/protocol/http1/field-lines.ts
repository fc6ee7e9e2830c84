/**
 * The header lines of an HTTP/1.1 message, as strictly as RFC 9112 5 allows a recipient to be: a token, a colon with
 * nothing before it, a value without controls, CRLF. No folding, no line that ends with CR or LF alone.
 */
import type { HeaderList } from '../headers.js';

/** Every line is whole and clean. A name cannot hold its colon, so one look at each character is enough. */
const LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*$/;

/**
 * Reads the lines of a head.
 *
 * @param text - lines with their CRLF, one character for each byte, without the empty line that ends the head
 * @returns names as they were written and values trimmed, in order; undefined when a line is not well-formed
 */
export function readFieldLines(text: string): HeaderList | undefined {
  if (!LINES.test(text)) return undefined;
  const list: HeaderList = [];
  let at = 0;
  while (at < text.length) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    list.push([text.slice(at, colon), trimmed(text, colon + 1, end)]);
    at = end + 2;
  }
  return list;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

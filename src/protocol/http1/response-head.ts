/**
 * The head of an answer (RFC 9112 4 to 6): status line, header lines, and what they say of the body's end and of the
 * connection. As strict as `field-lines.ts`: what two recipients could read in two ways is not read at all.
 */
import type { HeaderList } from '../headers.js';
import { readFieldLines } from './field-lines.js';

/** How the body's end is found (RFC 9112 6.3). */
export type ResponseFraming =
  /** There is no body, whatever the head announces. */
  | 'none'
  /** After `length` bytes. */
  | 'length'
  | 'chunked'
  /** With the connection. */
  | 'until-close';

export interface ResponseHead {
  /** 100 to 999. */
  readonly code: number;
  /** One character for each byte; may be empty. */
  readonly reason: string;
  readonly headers: HeaderList;
  readonly framing: ResponseFraming;
  /** Bytes of the body; 0 unless `framing` is `length`. */
  readonly length: number;
  /** Whether another request may follow on the connection once the answer has been read to its end. */
  readonly persistent: boolean;
  /** Seconds that the origin keeps an unused connection, where it says so: `Keep-Alive: timeout=5`. */
  readonly keepAlive: number | undefined;
}

/**
 * Why a head cannot be read; `coding` is a transfer coding other than `chunked`, `last interim` an interim answer that
 * ends its connection, so that the answer which it promises cannot follow (RFC 9110 15.2: there are none before 1.1).
 */
export type ResponseHeadFault =
  | 'status line'
  | 'header'
  | 'content length'
  | 'length and coding'
  | 'coding'
  | 'last interim';

/** Of 0.9 and 2.0, which have no such line, some origins speak all the same; 1.1 alone means a lasting connection. */
const STATUS_LINE = /^HTTP\/(0\.9|1\.[01]|2\.0) ([1-9]\d\d)(?: ([\t -~\x80-\xff]*))?\r\n$/;
/** Almost all begin so. */
const USUAL = 'HTTP/1.1 ';
const REASON = /^[\t -~\x80-\xff]*$/;

const DIGITS = /^0*\d{1,15}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:$|,)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:$|,)/i;
const TIMEOUT = /timeout=(\d{1,9})/;

/**
 * Reads a head.
 *
 * @param text - status line and header lines with their CRLF, one character for each byte, without the empty line
 * @param method - of the request that is answered
 */
export function readResponseHead(text: string, method: string): ResponseHead | ResponseHeadFault {
  const end = text.indexOf('\r\n') + 2;
  let minor1 = true;
  let code = usualCode(text);
  let reason = '';
  if (code > 0) {
    reason = text.slice(13, Math.max(13, end - 2));
    if (!REASON.test(reason)) return 'status line';
  } else {
    const line = STATUS_LINE.exec(text.slice(0, end));
    if (line === null) return 'status line';
    minor1 = line[1] === '1.1';
    code = Number(line[2]);
    reason = line[3] ?? '';
  }
  const headers = readFieldLines(text.slice(end));
  return headers === undefined ? 'header' : framed(method, minor1, code, reason, headers);
}

/** Whether a line that has come can be the status line or, further down, a header line. With its CRLF. */
export function isHeadLine(line: string, first: boolean): boolean {
  return first ? STATUS_LINE.test(line) : readFieldLines(line) !== undefined;
}

/** The code of `HTTP/1.1 CODE `; 0 when the line is another one. */
function usualCode(text: string): number {
  if (!text.startsWith(USUAL) || text.charCodeAt(12) !== 0x20) return 0;
  const hundreds = text.charCodeAt(9) - 0x30;
  const tens = text.charCodeAt(10) - 0x30;
  const ones = text.charCodeAt(11) - 0x30;
  const digits = hundreds >= 1 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
  return digits ? hundreds * 100 + tens * 10 + ones : 0;
}

function framed(
  method: string,
  minor1: boolean,
  code: number,
  reason: string,
  headers: HeaderList,
): ResponseHead | ResponseHeadFault {
  let announced: string | undefined;
  let coding: string | undefined;
  let closes = false;
  let keeps = minor1;
  let keepAlive: number | undefined;
  for (const [name, value] of headers) {
    switch (name.length) {
      case 10: {
        const lowercase = name.toLowerCase();
        if (lowercase === 'connection') {
          closes ||= CLOSE.test(value);
          keeps ||= KEEP_ALIVE.test(value);
        } else if (lowercase === 'keep-alive') {
          const seconds = TIMEOUT.exec(value)?.[1];
          if (seconds !== undefined) keepAlive = Number(seconds);
        }
        break;
      }
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (announced !== undefined || !DIGITS.test(value)) return 'content length';
        announced = value;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        // A coding that is there twice is no longer `chunked` and nothing else.
        coding = coding === undefined ? value.toLowerCase() : 'several';
        break;
    }
  }
  if (announced !== undefined && coding !== undefined) return 'length and coding';
  // A protocol that is switched to has rules of its own; any other interim answer is passed over with all that it says.
  if (code < 200 && code !== 101 && (!keeps || closes)) return 'last interim';
  if (code >= 200 && coding !== undefined && coding !== 'chunked') return 'coding';
  const length = announced === undefined ? 0 : Number(announced);
  let persistent = keeps && !closes;
  let framing: ResponseFraming = 'until-close';
  if (method === 'HEAD' || code < 200 || code === 204 || code === 304) {
    framing = 'none';
    // Some origins send what they announce, or what a GET would get: nobody could tell it from the next answer.
    if (method === 'HEAD' || coding !== undefined || length > 0) persistent = false;
  } else if (coding !== undefined) {
    framing = 'chunked';
    // Before 1.1 there was no such coding (RFC 9112 6.1).
    persistent &&= minor1;
  } else if (announced !== undefined) {
    framing = 'length';
  } else {
    persistent = false;
  }
  return { code, reason, headers, framing, length: framing === 'length' ? length : 0, persistent, keepAlive };
}

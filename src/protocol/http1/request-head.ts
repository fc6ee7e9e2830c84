/**
 * The head of an HTTP/1.1 request: its request line, its header lines, and what they say about where the body ends
 * (RFC 9112 3, 6). Strict: one blank between the parts of the request line, no bare CR or LF, no two statements about
 * the length of the body. Whether the request makes sense otherwise (version, host, number of headers) is not asked here.
 */
import type { HeaderList } from '../headers.js';
import { readFieldLines } from './field-lines.js';

/** What is wrong with a head: its grammar, what it says about the body's length, or about the body's coding. */
export type HeadFault = 'token' | 'length' | 'coding';

/** Values of headers that came in several lines are joined with `, `. */
export interface RequestHead {
  /** Any token; its case is kept. */
  readonly method: string;
  readonly target: string;
  /** `1.1`, `1.0`, `0.9` (also when none was named) or `2.0`. */
  readonly protocol: string;
  readonly headers: HeaderList;
  /** Bytes of the body; undefined when the head names none. */
  readonly contentLength: number | undefined;
  /** Never together with a length. */
  readonly transferEncoding: string | undefined;
  readonly connection: string | undefined;
  readonly upgrade: string | undefined;
  readonly expect: string | undefined;
}

/** What the header lines say that is of use here. */
interface Fields {
  contentLength: number | undefined;
  transferEncoding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  expect: string | undefined;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Origin form, `*`, or absolute form with some host: which schemes and hosts are taken is asked later. */
const TARGET = /^(?:[/*][!-~]*|[A-Za-z]+:\/\/[\w.!~*'()%;:&=+$,[\]@-]+(?:[/?][!-~]*)?)$/;
/** The beginning of such a target. */
const TARGET_START = /^(?:[/*][!-~]*|[A-Za-z]*|[A-Za-z]+:\/?|[A-Za-z]+:\/\/[\w.!~*'()%;:&=+$,[\]@-]*(?:[/?][!-~]*)?)$/;
/** The target of `CONNECT`, which is refused whatever it names. */
const AUTHORITY = /^[!-~]*$/;
/** The beginning of a header line. */
const FIELD_START = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?::[\t -~\x80-\xff]*\r?)?)?$|^\r$/;
const DIGITS = /^\d+$/;

/** Versions that can be told to be unsupported; any other is no HTTP. */
const PROTOCOLS = ['1.1', '1.0', '0.9', '2.0'] as const;

/**
 * Reads a whole head.
 *
 * @param text - request line and header lines with their CRLF, one character for each byte, without the empty line
 * @returns the first thing that is wrong, when something is
 */
export function readRequestHead(text: string): RequestHead | HeadFault {
  const lineEnd = text.indexOf('\r\n');
  const methodEnd = text.indexOf(' ');
  const method = text.slice(0, methodEnd);
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  const named = targetEnd >= 0 && targetEnd < lineEnd;
  const target = text.slice(methodEnd + 1, named ? targetEnd : lineEnd);
  const protocol = named ? protocolOf(text, targetEnd + 1, lineEnd) : '0.9';
  if (methodEnd < 0 || protocol === undefined || !isRequest(method, target)) return 'token';
  const headers = readFieldLines(text.slice(lineEnd + 2));
  // What comes first counts: a line before the broken one may be wrong too.
  if (headers === undefined) return faultOfStart(text) ?? 'token';
  const fields = noFields();
  for (const [name, value] of headers) {
    const fault = addField(fields, name, value);
    if (fault !== undefined) return fault;
  }
  const { contentLength, transferEncoding, connection, upgrade, expect } = fields;
  return { method, target, protocol, headers, contentLength, transferEncoding, connection, upgrade, expect };
}

/**
 * What is wrong with the beginning of a head, so that nobody waits for the rest of what cannot become one.
 *
 * @param text - all that has come, one character for each byte; may end anywhere before the empty line
 */
export function faultOfStart(text: string): HeadFault | undefined {
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) return isLineStart(text) ? undefined : 'token';
  if (!isLine(text.slice(0, lineEnd))) return 'token';
  const fields = noFields();
  let at = lineEnd + 2;
  for (let end = text.indexOf('\r\n', at); end >= 0; end = text.indexOf('\r\n', at)) {
    const [field] = readFieldLines(text.slice(at, end + 2)) ?? [];
    at = end + 2;
    if (field === undefined || isBlank(text, at)) return 'token';
    // What follows may still be a fold, which is worse than any value.
    if (at === text.length) return undefined;
    const fault = addField(fields, field[0], field[1]);
    if (fault !== undefined) return fault;
  }
  return FIELD_START.test(text.slice(at)) ? undefined : 'token';
}

function noFields(): Fields {
  return {
    contentLength: undefined,
    transferEncoding: undefined,
    connection: undefined,
    upgrade: undefined,
    expect: undefined,
  };
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}

/** Of two statements about the body's end, the second is the one that is wrong. */
function addField(fields: Fields, name: string, value: string): HeadFault | undefined {
  switch (name.length) {
    case 6:
      if (name.toLowerCase() === 'expect') fields.expect = joined(fields.expect, value);
      return undefined;
    case 7:
      if (name.toLowerCase() === 'upgrade') fields.upgrade = joined(fields.upgrade, value);
      return undefined;
    case 10:
      if (name.toLowerCase() === 'connection') fields.connection = joined(fields.connection, value);
      return undefined;
    case 14: {
      if (name.toLowerCase() !== 'content-length') return undefined;
      if (fields.contentLength !== undefined || fields.transferEncoding !== undefined) return 'length';
      const length = DIGITS.test(value) ? Number(value) : Number.NaN;
      if (!Number.isSafeInteger(length)) return 'length';
      fields.contentLength = length;
      return undefined;
    }
    case 17:
      if (name.toLowerCase() !== 'transfer-encoding') return undefined;
      if (fields.contentLength !== undefined) return 'coding';
      fields.transferEncoding = joined(fields.transferEncoding, value);
      return undefined;
    default:
      return undefined;
  }
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function isRequest(method: string, target: string): boolean {
  // The preface of HTTP/2 is reserved, so that nobody takes it for a request (RFC 9113 11.6).
  if (!METHOD.test(method) || method === 'PRI') return false;
  return method === 'CONNECT' ? target !== '' && AUTHORITY.test(target) : TARGET.test(target);
}

function protocolOf(text: string, from: number, to: number): string | undefined {
  if (to - from !== 8 || !text.startsWith('HTTP/', from)) return undefined;
  return PROTOCOLS.find((one) => text.startsWith(one, from + 5));
}

/** A whole request line, without its CRLF. */
function isLine(line: string): boolean {
  const [method = '', target = '', protocol, more] = line.split(' ');
  if (more !== undefined || !isRequest(method, target)) return false;
  return protocol === undefined || protocolOf(protocol, 0, protocol.length) !== undefined;
}

/** The beginning of a request line; the CR of its end may be there. */
function isLineStart(text: string): boolean {
  const [method = '', target, protocol, more] = text.split(' ');
  if (target === undefined) return method === '' || METHOD.test(method);
  if (more !== undefined || !METHOD.test(method) || method === 'PRI') return false;
  if (protocol !== undefined) {
    return isRequest(method, target) && PROTOCOLS.some((one) => `HTTP/${one}\r`.startsWith(protocol));
  }
  if (target.endsWith('\r')) return isRequest(method, target.slice(0, -1));
  return method === 'CONNECT' ? AUTHORITY.test(target) : TARGET_START.test(target);
}

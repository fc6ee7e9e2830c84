/** The head of a request as the bytes that an origin gets (RFC 9112 3 to 6). */
import type { OriginRequest } from '../verdict.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PATH = /^\/[!-\xff]*$/;
/** What would end its line, or what latin1 cannot carry and would turn into another character. */
const UNCLEAN = /[^\t -~\x80-\xff]/;

/** Methods whose requests say that they have no body (RFC 9110 8.6). */
const BODY_EXPECTED = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** The offer of another protocol is nobody's who could not pass it on; `Connection` is ours to say. */
const LEFT_OUT = new Set(['connection', 'upgrade']);
/** Said elsewhere in the head, or not to be said by a proxy that frames the body itself. */
const NOT_TWICE = new Set(['host', 'expect', 'keep-alive', 'content-length', 'transfer-encoding']);
/** Bit n: some name of these sets has n characters. */
const LENGTHS = [...LEFT_OUT, ...NOT_TWICE].reduce((bits, { length }) => bits | (1 << length), 0);

export class UnsendableRequestError extends Error {
  constructor(what: string) {
    super(`the request cannot be sent: ${what}`);
    this.name = 'UnsendableRequestError';
  }
}

/**
 * The head without its framing header and the empty line, one character for each byte. After a HEAD the connection ends:
 * some origins send a body all the same.
 *
 * @throws UnsendableRequestError for a method, path or header that would be something else on the wire
 */
export function requestHead({ method, path, authority, headers }: OriginRequest): string {
  if (method !== 'GET' && !TOKEN.test(method)) throw new UnsendableRequestError('its method is no token');
  if (!PATH.test(path)) throw new UnsendableRequestError('its path is none');
  if (UNCLEAN.test(authority)) throw new UnsendableRequestError('its host has characters that no header can have');
  const connection = method === 'HEAD' ? 'close' : 'keep-alive';
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\nconnection: ${connection}\r\n`;
  for (const [name, value] of headers) {
    if (((LENGTHS >> name.length) & 1) === 1) {
      const lowercase = name.toLowerCase();
      if (LEFT_OUT.has(lowercase)) continue;
      if (NOT_TWICE.has(lowercase)) throw new UnsendableRequestError(`its header ${lowercase} is not its own`);
    }
    if (!TOKEN.test(name)) throw new UnsendableRequestError('the name of a header is no token');
    if (UNCLEAN.test(value)) throw new UnsendableRequestError(`its header ${name} has characters that none can have`);
    head += `${name}: ${value}\r\n`;
  }
  return head;
}

/** What ends the head before a body of `length` bytes, the empty line included. */
export function lengthLine(method: string, length: number): string {
  return length > 0 || BODY_EXPECTED.has(method) ? `content-length: ${length}\r\n\r\n` : '\r\n';
}

/** The same for a body whose length is not known. */
export const CHUNKED_LINE = 'transfer-encoding: chunked\r\n\r\n';

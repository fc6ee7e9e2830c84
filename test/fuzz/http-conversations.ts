/** What clients may say on one connection: requests that are right, wrong, doubled, cut off, and what is no request at all. */
import fc from 'fast-check';
import { cutAt } from '../support/pieces.js';
import { mutationsOf, textOf } from './inputs.js';

/** Ends every connection that can still be read from: enough of them to fill whatever body was announced. */
const TAIL = 'GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.repeat(100);

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'];
const LINES = [
  ...['Host: a', 'Host: a.example:80', 'Host:', 'Content-Length: 0', 'Content-Length: 5', 'Content-Length: 05'],
  ...[
    'Content-Length: +5',
    'Content-Length: 5, 5',
    'Content-Length: 99999999999999999999',
    'Transfer-Encoding: chunked',
  ],
  ...['Transfer-Encoding: Chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding : chunked', 'TE: trailers'],
  ...['Transfer-Encoding:\tchunked', 'Connection: close', 'Connection: keep-alive', 'Connection: Upgrade, close'],
  ...['Upgrade: websocket', 'Upgrade: h2c', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'],
  ...['Expect: 100-continue', 'Expect: other', 'X-A: 1', 'X-A: \xe9', 'x-forwarded-for: 1.1.1.1, "', 'Grip-Sig: a.b.c'],
  ...[
    'Grip-Hold: stream',
    'Content-Type: application/websocket-events',
    'Cookie: a=b; c="d',
    'Trailer: X-A',
    ' folded',
  ],
];
const BODIES = [
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x="y"\r\nhello\r\n0\r\nX-A: 1\r\n\r\n',
  '5\nhello\n0\n\n',
  '0\r\n\r\n',
];
const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' ',
    '\t',
    ':',
    '\0',
    '\x7f',
    '\x80',
    '\xff',
    '%',
    '#',
    '?',
    '*',
    '//',
    'http://a/b',
  ],
  ...[
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'HTTP/1.1\r\n',
    '0',
    '1',
    'f',
    ',',
    ';',
    '"',
    'chunked',
    ...METHODS,
    ...LINES,
  ],
];

export const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    target: fc.constantFrom('/', '/a?b=c', '/%zz', '*', 'http://b.example/c', '/a//../b', '/?callback=x', '/#x'),
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    lines: fc.array(fc.constantFrom(...LINES), { maxLength: 5 }),
    body: fc.constantFrom(...BODIES),
  })
  .map(({ method, target, version, lines, body }) => {
    return [`${method} ${target} HTTP/${version}`, ...lines, '', body].join('\r\n');
  });

export const conversation = fc.oneof(
  { weight: 6, arbitrary: mutationsOf(request, PIECES) },
  {
    weight: 2,
    arbitrary: mutationsOf(
      fc.tuple(request, request).map((two) => two.join('')),
      PIECES,
    ),
  },
  { weight: 1, arbitrary: textOf(PIECES) },
);

/** The bytes and the tail, cut into packets. */
export function packets(text: string, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((cut) => cut % (text.length + 1));
  return cutAt(Buffer.from(text + TAIL, 'latin1'), places);
}

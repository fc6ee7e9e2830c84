import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  faultOfStart,
  type HeadFault,
  type RequestHead,
  readRequestHead,
} from '../../../src/protocol/http1/request-head.js';

function head(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('');
}

const BARE: RequestHead = {
  method: 'GET',
  target: '/',
  protocol: '1.1',
  headers: [],
  contentLength: undefined,
  transferEncoding: undefined,
  connection: undefined,
  upgrade: undefined,
  expect: undefined,
};

const READ: readonly (readonly [what: string, text: string, read: Partial<RequestHead>])[] = [
  ['nothing but a request line', head('GET / HTTP/1.1'), {}],
  ['HTTP/1.0', head('GET / HTTP/1.0'), { protocol: '1.0' }],
  ['a version to come', head('GET / HTTP/2.0'), { protocol: '2.0' }],
  ['no version', head('GET /'), { protocol: '0.9' }],
  ['any token as a method', head("!#$%&'*+-.^_`|~aZ9 / HTTP/1.1"), { method: "!#$%&'*+-.^_`|~aZ9" }],
  ['a method that begins like the preface of HTTP/2', head('PRINT / HTTP/1.1'), { method: 'PRINT' }],
  [
    'everything a target may be made of',
    head('GET /!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ HTTP/1.1'),
    {
      target: '/!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    },
  ],
  ['the server itself', head('OPTIONS * HTTP/1.1'), { method: 'OPTIONS', target: '*' }],
  ['a target in absolute form', head('GET http://a.example:80/b?c HTTP/1.1'), { target: 'http://a.example:80/b?c' }],
  ['a target without a path', head('GET http://[::1] HTTP/1.1'), { target: 'http://[::1]' }],
  ['a tunnel', head('CONNECT a.example:443 HTTP/1.1'), { method: 'CONNECT', target: 'a.example:443' }],
  [
    'headers in order, with their case, doubled',
    head('GET / HTTP/1.1', 'X-b: 1', 'x-A:2', 'X-b: 3'),
    {
      headers: [
        ['X-b', '1'],
        ['x-A', '2'],
        ['X-b', '3'],
      ],
    },
  ],
  [
    'blanks around a value, and none in it',
    head('GET / HTTP/1.1', 'X: \t a \t', 'Y:'),
    {
      headers: [
        ['X', 'a'],
        ['Y', ''],
      ],
    },
  ],
  ['bytes above ASCII in a value', head('GET / HTTP/1.1', 'X: \xe4\xff'), { headers: [['X', '\xe4\xff']] }],
  [
    'a length',
    head('GET / HTTP/1.1', 'content-LENGTH: 0012'),
    {
      contentLength: 12,
      headers: [['content-LENGTH', '0012']],
    },
  ],
  [
    'the largest length that can be counted',
    head('GET / HTTP/1.1', 'Content-Length: 9007199254740991'),
    {
      contentLength: Number.MAX_SAFE_INTEGER,
      headers: [['Content-Length', '9007199254740991']],
    },
  ],
  [
    'a coding',
    head('GET / HTTP/1.1', 'transfer-encoding: Chunked'),
    {
      transferEncoding: 'Chunked',
      headers: [['transfer-encoding', 'Chunked']],
    },
  ],
  [
    'codings in two lines',
    head('GET / HTTP/1.1', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
    {
      transferEncoding: 'gzip, chunked',
      headers: [
        ['Transfer-Encoding', 'gzip'],
        ['Transfer-Encoding', 'chunked'],
      ],
    },
  ],
  [
    'what speaks of the connection',
    head('GET / HTTP/1.1', 'Connection: a', 'CONNECTION: b', 'Upgrade: c', 'Expect: d'),
    {
      connection: 'a, b',
      upgrade: 'c',
      expect: 'd',
      headers: [
        ['Connection', 'a'],
        ['CONNECTION', 'b'],
        ['Upgrade', 'c'],
        ['Expect', 'd'],
      ],
    },
  ],
];

const REFUSED: readonly (readonly [what: string, text: string, fault: HeadFault])[] = [
  ['nothing', '\r\n', 'token'],
  ['no target', head('GET HTTP/1.1'), 'token'],
  ['an empty target', head('GET  HTTP/1.1'), 'token'],
  ['no method', head(' / HTTP/1.1'), 'token'],
  ['a method that is no token', head('G@T / HTTP/1.1'), 'token'],
  ['the preface of HTTP/2', head('PRI * HTTP/2.0'), 'token'],
  ['two blanks before the target', head('GET  / HTTP/1.1'), 'token'],
  ['two blanks behind the target', head('GET /  HTTP/1.1'), 'token'],
  ['a blank behind the version', head('GET / HTTP/1.1 '), 'token'],
  ['a tab between the parts', head('GET\t/ HTTP/1.1'), 'token'],
  ['a blank in the target', head('GET /a b HTTP/1.1'), 'token'],
  ['a byte above ASCII in the target', head('GET /\xe4 HTTP/1.1'), 'token'],
  ['a control in the target', head('GET /\x01 HTTP/1.1'), 'token'],
  ['a target that is no path', head('GET a HTTP/1.1'), 'token'],
  ['a scheme without a host', head('GET http:/a HTTP/1.1'), 'token'],
  ['a version that nobody has heard of', head('GET / HTTP/1.2'), 'token'],
  ['a version of two digits', head('GET / HTTP/1.10'), 'token'],
  ['a version in small letters', head('GET / http/1.1'), 'token'],
  ['a line that ends with LF alone', 'GET / HTTP/1.1\nHost: a\r\n', 'token'],
  ['a header line that ends with LF alone', 'GET / HTTP/1.1\r\nX: a\nY: b\r\n', 'token'],
  ['a CR in a value', head('GET / HTTP/1.1', 'X: a\rb'), 'token'],
  ['a NUL in a value', head('GET / HTTP/1.1', 'X: a\0b'), 'token'],
  ['a fold', head('GET / HTTP/1.1', 'X: a', ' b'), 'token'],
  ['a fold of a length', head('GET / HTTP/1.1', 'Content-Length:', '\t3'), 'token'],
  ['a blank before the colon', head('GET / HTTP/1.1', 'X : a'), 'token'],
  ['no colon', head('GET / HTTP/1.1', 'X'), 'token'],
  ['no name', head('GET / HTTP/1.1', ': a'), 'token'],
  ['two lengths', head('GET / HTTP/1.1', 'Content-Length: 3', 'Content-Length: 3'), 'length'],
  ['a length with a sign', head('GET / HTTP/1.1', 'Content-Length: +3'), 'length'],
  ['a length of nothing', head('GET / HTTP/1.1', 'Content-Length:'), 'length'],
  ['a list of lengths', head('GET / HTTP/1.1', 'Content-Length: 3, 3'), 'length'],
  ['a length that cannot be counted', head('GET / HTTP/1.1', 'Content-Length: 9007199254740993'), 'length'],
  ['a coding, then a length', head('GET / HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 3'), 'length'],
  ['a length, then a coding', head('GET / HTTP/1.1', 'Content-Length: 3', 'Transfer-Encoding: chunked'), 'coding'],
  ['a bad length before a bad line', head('GET / HTTP/1.1', 'Content-Length: x', 'Y', 'Z: a'), 'length'],
  ['a bad line before a bad length', head('GET / HTTP/1.1', 'Y', 'Content-Length: x', 'Z: a'), 'token'],
];

describe('the head of a request', () => {
  it.each(READ)('is read: %s', (_what, text, read) => {
    expect(readRequestHead(text)).toEqual({ ...BARE, ...read });
  });

  it.each(REFUSED)('is refused: %s', (_what, text, fault) => {
    expect(readRequestHead(text)).toBe(fault);
  });
});

describe('the beginning of a head', () => {
  it.each(READ)('is waited for wherever it is cut: %s', (_what, text) => {
    for (let cut = 0; cut <= text.length; cut += 1) expect(faultOfStart(text.slice(0, cut))).toBeUndefined();
    expect(faultOfStart(`${text}\r`)).toBeUndefined();
  });

  it.each(REFUSED)('is never refused for another reason than the whole: %s', (_what, text, fault) => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect([undefined, fault]).toContain(faultOfStart(text.slice(0, cut)));
    }
  });

  it.each([
    ['the hello of TLS', '\x16\x03'],
    ['a method that is no token', 'G@'],
    ['a method without end', `${'A'.repeat(100)}\x00`],
    ['a target that is no path', 'GET victim.'],
    ['a wrong version', 'GET / HTTP/1.2'],
    ['a line that ends with LF', 'GET / HTTP/1.1\n'],
    ['a blank in a name', 'GET / HTTP/1.1\r\nX Y'],
    ['a fold', 'GET / HTTP/1.1\r\nX: a\r\n '],
  ])('is refused as soon as nothing can mend it: %s', (_what, text) => {
    expect(faultOfStart(text)).toBe('token');
  });

  it('is refused for what its lines say before it is whole', () => {
    expect(faultOfStart('GET / HTTP/1.1\r\nContent-Length: -1\r\nX')).toBe('length');
    expect(faultOfStart('GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nX')).toBe('coding');
  });

  it('is judged as the whole is, whatever the bytes', () => {
    const piece = fc.constantFrom(
      'GET',
      ' ',
      '/',
      'HTTP/1.1',
      '\r\n',
      '\r',
      '\n',
      'X',
      ':',
      '\t',
      '3',
      'Content-Length: ',
      '\0',
      'a://b',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = `${pieces.join('')}\r\n`;
        const whole = readRequestHead(text);
        for (let cut = 0; cut <= text.length; cut += 1) {
          const fault = faultOfStart(text.slice(0, cut));
          if (fault === undefined) continue;
          // What an empty line ends is a whole head, and what follows it another.
          if (!text.slice(0, cut).includes('\r\n\r\n')) expect(whole).toBe(fault);
          return;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import {
  isHeadLine,
  type ResponseHead,
  type ResponseHeadFault,
  readResponseHead,
} from '../../../src/protocol/http1/response-head.js';

/** Reads lines that end with CRLF each. */
function read(lines: readonly string[], method = 'GET'): ResponseHead | ResponseHeadFault {
  return readResponseHead(lines.map((line) => `${line}\r\n`).join(''), method);
}

const OK = 'HTTP/1.1 200 OK';

describe('a status line', () => {
  it.each<[string, number, string]>([
    ['HTTP/1.1 200 OK', 200, 'OK'],
    ['HTTP/1.1 404', 404, ''],
    ['HTTP/1.1 404 ', 404, ''],
    ['HTTP/1.1 200 Very  well\t!', 200, 'Very  well\t!'],
    ['HTTP/1.1 999 \xe9', 999, '\xe9'],
    ['HTTP/1.0 200 OK', 200, 'OK'],
    ['HTTP/0.9 200 OK', 200, 'OK'],
    ['HTTP/2.0 200', 200, ''],
  ])('gives code and reason: %j', (line, code, reason) => {
    expect(read([line])).toMatchObject({ code, reason, headers: [] });
  });

  it.each([
    '',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'HTTP/1.1 20',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1  200 OK',
    ' HTTP/1.1 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/11 200 OK',
    'HTTP/1.1 200 a\0b',
    'HTTP/1.1 200 a\rb',
    'HTTP/1.1 200 a\nb',
    'HTTP/1.1 200 \x7f',
    'HTTP/1.0 200 a\x1bb',
  ])('is refused: %j', (line) => {
    expect(read([line, 'X-A: 1'])).toBe('status line');
    expect(isHeadLine(`${line}\r\n`, true)).toBe(false);
  });
});

describe('the framing of an answer', () => {
  it.each<[string, string[], string, Partial<ResponseHead>]>([
    ['a length', [OK, 'content-LENGTH: 12'], 'GET', { framing: 'length', length: 12, persistent: true }],
    ['a length of zero', [OK, 'Content-Length: 0'], 'GET', { framing: 'length', length: 0, persistent: true }],
    ['chunks', [OK, 'Transfer-Encoding: CHUNKED'], 'GET', { framing: 'chunked', length: 0, persistent: true }],
    ['neither', [OK], 'GET', { framing: 'until-close', persistent: false }],
    ['an answer to HEAD', [OK, 'Content-Length: 12'], 'HEAD', { framing: 'none', length: 0, persistent: false }],
    ['204', ['HTTP/1.1 204 No'], 'GET', { framing: 'none', persistent: true }],
    ['304', ['HTTP/1.1 304 Not', 'Content-Length: 0'], 'GET', { framing: 'none', persistent: true }],
    ['304 with a length', ['HTTP/1.1 304 Not', 'Content-Length: 9'], 'GET', { framing: 'none', persistent: false }],
    ['an interim answer', ['HTTP/1.1 100 Go', 'Transfer-Encoding: gzip'], 'GET', { code: 100, framing: 'none' }],
    [
      'chunks before 1.1',
      ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'],
      'GET',
      { framing: 'chunked', persistent: false },
    ],
  ])('is found: %s', (_what, lines, method, expected) => {
    expect(read(lines, method)).toMatchObject(expected);
  });

  it.each<[ResponseHeadFault, string[]]>([
    ['content length', ['Content-Length: 1', 'Content-Length: 1']],
    ['content length', ['Content-Length: 1, 1']],
    ['content length', ['Content-Length: -1']],
    ['content length', ['Content-Length:']],
    ['content length', ['Content-Length: 1 1']],
    ['content length', [`Content-Length: ${'9'.repeat(16)}`]],
    ['length and coding', ['Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['length and coding', ['Transfer-Encoding: gzip', 'Content-Length: 1']],
    ['coding', ['Transfer-Encoding: gzip']],
    ['coding', ['Transfer-Encoding: gzip, chunked']],
    ['coding', ['Transfer-Encoding:']],
    ['coding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['header', ['Content-Length : 1']],
    ['header', ['X: a', ' b']],
    ['header', ['X: \0']],
  ])('is refused for its %s: %j', (fault, lines) => {
    expect(read([OK, ...lines])).toBe(fault);
  });

  it.each([
    [['HTTP/1.0 103 Early']],
    [['HTTP/2.0 100 Continue']],
    [['HTTP/1.1 103 Early', 'Connection: close']],
    [['HTTP/1.0 103 Early', 'Connection: keep-alive, close']],
  ])('is refused where another answer is promised and cannot follow: %j', (lines) => {
    expect(read(lines)).toBe('last interim');
  });
});

describe('the connection of an answer', () => {
  const length = 'Content-Length: 2';

  it.each<[boolean, string[]]>([
    [true, [OK]],
    [true, [OK, 'Connection: keep-alive']],
    [true, [OK, 'Connection: closed']],
    [false, [OK, 'Connection: CLOSE']],
    [false, [OK, 'Connection: x,close ,y']],
    [false, [OK, 'Connection: x', 'connection: close']],
    [false, [OK, 'Connection: keep-alive, close']],
    [false, ['HTTP/1.0 200 OK']],
    [true, ['HTTP/1.0 200 OK', 'Connection: Keep-Alive']],
    [false, ['HTTP/1.0 200 OK', 'Connection: keep-alive, close']],
    [false, ['HTTP/2.0 200 OK']],
  ])('lasts, or not (%s): %j', (persistent, lines) => {
    expect(read([...lines, length])).toMatchObject({ persistent });
  });

  it.each<[number | undefined, string]>([
    [5, 'timeout=5'],
    [15, 'max=9, timeout=15'],
    [undefined, 'max=9'],
    [undefined, 'timeout=soon'],
  ])('is kept for %s seconds: %j', (keepAlive, value) => {
    expect(read([OK, length, `Keep-Alive: ${value}`])).toMatchObject({ keepAlive });
  });
});

describe('one line of a head', () => {
  it.each([
    [true, true, 'HTTP/1.1 200 OK\r\n'],
    [true, false, 'HTTP/1.1 200 OK\n'],
    [true, false, 'X-A: 1\r\n'],
    [false, true, 'X-A: 1\r\n'],
    [false, false, 'X-A: 1\n'],
    [false, false, 'HTTP/1.1 200 OK\r\n'],
  ])('is known by itself (the first: %s): %s for %j', (first, expected, line) => {
    expect(isHeadLine(line, first)).toBe(expected);
  });
});

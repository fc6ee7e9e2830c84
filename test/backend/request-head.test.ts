import { describe, expect, it } from 'vitest';
import { lengthLine, requestHead, UnsendableRequestError } from '../../src/backend/http1/request-head.js';
import type { OriginRequest } from '../../src/backend/verdict.js';
import type { Header } from '../../src/protocol/headers.js';
import { originRequest } from '../support/origin-requests.js';

function head(changes: Partial<OriginRequest>): string {
  return requestHead(originRequest({ authority: 'a', ...changes }));
}

describe('the head of a request', () => {
  it.each<[string, Header[], string]>([
    [
      'in order, twice where they are twice',
      [
        ['X-B', '1'],
        ['x-a', ' 2 '],
        ['X-B', '\t\xff'],
      ],
      'X-B: 1\r\nx-a:  2 \r\nX-B: \t\xff\r\n',
    ],
    [
      'without what is ours to say',
      [
        ['Connection', 'close'],
        ['UPGRADE', 'h2c'],
        ['A', ''],
      ],
      'A: \r\n',
    ],
    [
      'with names that only look like it',
      [
        ['Connections', 'x'],
        ['Hosts', 'y'],
        ['Expectation', 'z'],
      ],
      'Connections: x\r\nHosts: y\r\nExpectation: z\r\n',
    ],
    ['with names that are long', [['x'.repeat(40), '1']], `${'x'.repeat(40)}: 1\r\n`],
  ])('has the headers %s', (_what, headers, lines) => {
    expect(head({ headers })).toBe(`GET / HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n${lines}`);
  });

  it.each<[string, Partial<OriginRequest>]>([
    ['an empty method', { method: '' }],
    ['a method with a blank', { method: 'G T' }],
    ['a method with a line', { method: 'GET / HTTP/1.1\r\nX: ' }],
    ['an empty path', { path: '' }],
    ['a path without a slash', { path: 'a' }],
    ['a path with a blank', { path: '/a b' }],
    ['a path with a line', { path: '/\r\n' }],
    ['a path that is no latin1', { path: '/\u010a' }],
    ['a host with a line', { authority: 'a\r\nX: b' }],
    ['an empty name', { headers: [['', 'b']] }],
    ['a name with a colon', { headers: [['a:', 'b']] }],
    ['a name with a line', { headers: [['a\r\nb', 'c']] }],
    ['a value with CR', { headers: [['a', 'b\rc']] }],
    ['a value with LF', { headers: [['a', 'b\nc']] }],
    ['a value with NUL', { headers: [['a', 'b\0c']] }],
    ['a value that latin1 would make a line of', { headers: [['a', 'b\u010d\u010ac']] }],
    ['a second host', { headers: [['Host', 'b']] }],
    ['a length', { headers: [['content-LENGTH', '1']] }],
    ['a coding', { headers: [['Transfer-Encoding', 'chunked']] }],
    ['an expectation', { headers: [['Expect', '100-continue']] }],
    ['a time to keep', { headers: [['Keep-Alive', 'timeout=1']] }],
  ])('cannot have %s', (_what, changes) => {
    expect(() => head(changes)).toThrow(UnsendableRequestError);
  });
});

describe('the line of the length', () => {
  it.each([
    ['GET', 0, '\r\n'],
    ['DELETE', 0, '\r\n'],
    ['PATCH', 0, 'content-length: 0\r\n\r\n'],
    ['GET', 3, 'content-length: 3\r\n\r\n'],
  ])('of %s with %d bytes', (method, length, line) => {
    expect(lengthLine(method, length)).toBe(line);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequest, readResponse } from './http-bytes.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('readRequest', () => {
  it.each([
    ['no body without framing', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET', 'none', '', true, 27],
    ['a body with a length', 'POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcd', 'length', 'abc', true, 41],
    ['a body cut short', 'POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab', 'length', 'ab', false, 40],
    [
      'chunks',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\nx',
      'chunked',
      'abc',
      true,
      67,
    ],
    [
      'chunks with a trailer',
      'A / B\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: 1\r\n\r\n',
      'chunked',
      'a',
      true,
      54,
    ],
    ['chunks without their end', 'A / B\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 'chunked', 'ab', false, 42],
  ] as const)('reads %s', (_what, text, framing, body, complete, size) => {
    const message = readRequest(bytes(text));
    expect({ ...message, body: message?.body.toString('latin1') }).toMatchObject({ framing, body, complete, size });
  });

  it('waits for the end of the head', () => {
    expect(readRequest(bytes('GET / HTTP/1.1\r\nHost: a\r\n'))).toBeUndefined();
  });

  it('keeps the case, order and duplicates of headers', () => {
    const message = readRequest(bytes('A / B\r\nX-b: 1\r\nx-A:2 \r\nX-b:\r\n\r\n'));
    expect(message?.headers).toEqual([
      ['X-b', '1'],
      ['x-A', '2'],
      ['X-b', ''],
    ]);
  });

  it('reads back any body in any chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }), (parts) => {
        const chunks = parts.map((part) =>
          Buffer.concat([bytes(`${part.length.toString(16)}\r\n`), part, bytes('\r\n')]),
        );
        const head = bytes('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n');
        const message = readRequest(Buffer.concat([head, ...chunks, bytes('0\r\n\r\n')]));
        expect(message?.complete).toBe(true);
        expect(message?.body.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });
});

describe('readResponse', () => {
  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'none', ''],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\nHTTP', 'none', ''],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'none', ''],
    ['GET', 'HTTP/1.1 100 Continue\r\n\r\nHTTP', 'none', ''],
    ['GET', 'HTTP/1.0 200 OK\r\n\r\nall of it', 'until-close', 'all of it'],
  ] as const)('knows the body of an answer to %s that begins with %s', (method, text, framing, body) => {
    const message = readResponse(bytes(text), method);
    expect(message?.framing).toBe(framing);
    expect(message?.body.toString('latin1')).toBe(body);
  });

  it('takes at least a head and at most all of any bytes', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (head, rest) => {
        const input = bytes(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${head}\r\n\r\n${rest}`);
        const message = readResponse(input, 'GET');
        expect(message?.size).toBeGreaterThan(0);
        expect(message?.size).toBeLessThanOrEqual(input.length);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedDecoder, type ChunkedResult } from '../../../src/protocol/http1/chunked-decoder.js';
import { cutAt } from '../../support/pieces.js';

interface Decoded {
  readonly result: ChunkedResult;
  readonly body: string;
  /** What is behind the body. */
  readonly rest: string;
}

function decode(text: string, cuts: readonly number[] = []): Decoded {
  const decoder = new ChunkedDecoder(100);
  let body = '';
  let at = 0;
  for (const piece of cutAt(Buffer.from(text, 'latin1'), cuts)) {
    const result = decoder.read(piece, 0, (taken) => {
      body += taken.toString('latin1');
    });
    if (result !== 'more') return { result, body, rest: text.slice(at + decoder.next) };
    at += piece.length;
  }
  return { result: 'more', body, rest: '' };
}

describe('a chunked body', () => {
  it.each([
    ['one chunk', '3\r\nabc\r\n0\r\n\r\n', 'abc'],
    ['several chunks', '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
    ['no chunk', '0\r\n\r\n', ''],
    ['capitals and leading zeros', '00A\r\n0123456789\r\n000\r\n\r\n', '0123456789'],
    ['extensions', '3;name="va;lue"\r\nabc\r\n0;y\r\n\r\n', 'abc'],
    ['trailers', '3\r\nabc\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n', 'abc'],
    ['line ends in the data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
  ])('is read to its end: %s', (_what, text, body) => {
    expect(decode(`${text}GET /`)).toEqual({ result: 'end', body, rest: 'GET /' });
  });

  it('is the same in whatever pieces it comes', () => {
    const chunk = fc.string({ minLength: 1, maxLength: 40 }).map((text) => Buffer.from(text).toString('latin1'));
    const cuts = fc.array(fc.nat(400), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), cuts, fc.boolean(), (chunks, places, trailer) => {
        const coded = chunks.map((one) => `${one.length.toString(16)};x=y\r\n${one}\r\n`).join('');
        const text = `${coded}0\r\n${trailer ? 'X-Trailer: a\r\n' : ''}\r\nrest`;
        expect(decode(text, places)).toEqual({ result: 'end', body: chunks.join(''), rest: 'rest' });
      }),
    );
  });

  it.each([
    ['a size with 0x', '0x3\r\n', 'token'],
    ['a size with a sign', '+3\r\n', 'token'],
    ['a size behind a blank', ' 3\r\n', 'token'],
    ['a size before a blank', '3 \r\n', 'token'],
    ['a size that cannot be counted', `${'f'.repeat(14)}\r\n`, 'token'],
    ['zeros without end', '0'.repeat(65), 'token'],
    ['no size', '\r\nabc', 'token'],
    ['no size before an extension', ';a\r\n', 'token'],
    ['a line that ends with LF', '3\nabc', 'token'],
    ['a line that ends with CR', '3\rabc', 'token'],
    ['an extension that ends with LF', '3;a\nabc', 'token'],
    ['a NUL in an extension', '3;\0\r\n', 'token'],
    ['a chunk that is longer than its size', '3\r\nabcd\r\n', 'token'],
    ['a chunk without its end', '3\r\nabc0\r\n', 'token'],
    ['a trailer without a colon', '0\r\nX\r\n\r\n', 'token'],
    ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n', 'token'],
    ['a trailer that ends with LF', '0\r\nX: a\n\r\n', 'token'],
    ['an end with LF alone', '0\r\n\n', 'token'],
    ['a length among the trailers', '0\r\ncontent-Length: 3\r\n\r\n', 'length'],
    ['a coding among the trailers', '0\r\nTransfer-Encoding: chunked\r\n\r\n', 'coding'],
    ['too many bytes of extensions', `1;${'a'.repeat(60)}\r\na\r\n1;${'a'.repeat(60)}\r\na\r\n`, 'too-large'],
    ['too many bytes of trailers', `0\r\nX: ${'a'.repeat(120)}`, 'too-large'],
  ])('is refused: %s', (_what, text, result) => {
    expect(decode(text).result).toBe(result);
    const everywhere = Array.from(text, (_, index) => index);
    expect(decode(text, everywhere).result).toBe(result);
  });

  it('hands on views, not copies', () => {
    const bytes = Buffer.from('3\r\nabc\r\n0\r\n\r\n');
    const pieces: Buffer[] = [];
    new ChunkedDecoder(100).read(bytes, 0, (piece) => pieces.push(piece));
    expect(pieces.map(({ buffer, byteOffset }) => [buffer === bytes.buffer, byteOffset - bytes.byteOffset])).toEqual([
      [true, 3],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { nextHead } from '../../src/front/edge/next-head.js';
import { startOfHead } from '../../src/protocol/http1/head-bounds.js';

const LINE = 'GET / HTTP/1.1\r\n';

/** A head of that many bytes, its empty line included. */
function headOf(size: number): string {
  const around = `${LINE}X: \r\n\r\n`;
  return `${LINE}X: ${'y'.repeat(size - around.length)}\r\n\r\n`;
}

function found(text: string, maxHeadBytes = 100): string {
  const bytes = Buffer.from(text, 'latin1');
  const next = nextHead(bytes, startOfHead(bytes), maxHeadBytes);
  if (next.kind === 'head')
    return `${next.head.method} ${next.head.target}, then ${JSON.stringify(text.slice(next.end))}`;
  return next.kind === 'more' ? 'more' : next.error.text;
}

const TOO_LARGE = 'Request header size exceeded limit of 100 bytes.';
const TOKEN = 'Failed to parse request: invalid token';

describe('the next head', () => {
  it.each([
    ['alone', `${LINE}\r\n`, 'GET /, then ""'],
    ['before something else', `${LINE}\r\nPOST`, 'GET /, then "POST"'],
    ['behind empty lines', `\r\n\n\r${LINE}\r\n\r\n`, 'GET /, then "\\r\\n"'],
    ['of as many bytes as are allowed', `\r\n${headOf(100)}x`, 'GET /, then "x"'],
    ['of one byte more', headOf(101), TOO_LARGE],
    ['of one byte more, whose end has not come', headOf(101).slice(0, 100), TOO_LARGE],
    ['that may still become one', headOf(100).slice(0, 99), 'more'],
    ['of which nothing has come', '\r\n', 'more'],
    ['that cannot become one', 'G\0', TOKEN],
    ['that is wrong before it is too large', `G@T / HTTP/1.1\r\nX: ${'y'.repeat(200)}`, TOKEN],
    ['that is too large before it is wrong', `${LINE}X: ${'y'.repeat(200)}\0\r\n\r\n`, TOO_LARGE],
    ['that is whole and wrong', `${LINE}X\r\n\r\n`, TOKEN],
  ])('is found: %s', (_what, text, expected) => {
    expect(found(text)).toBe(expected);
  });
});

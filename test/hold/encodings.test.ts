import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeChunk, frameEncoding, STREAM_ENCODINGS } from '../../src/hold/encodings.js';
import type { Item, WebSocketFormat } from '../../src/protocol/item.js';
import { itemOf, responseFormat } from '../support/sample-items.js';

function stream(content: string, contentFilters?: readonly string[]): Item {
  return itemOf('c', { stream: { action: 'send', content: Buffer.from(content), contentFilters } });
}

const FOREIGN = itemOf('c', { response: responseFormat({}) });

/** Takes one chunk apart, as a client would. */
function readChunk(bytes: Buffer): { content: Buffer; rest: Buffer } {
  const lineEnd = bytes.indexOf('\r\n');
  const size = Number.parseInt(bytes.toString('latin1', 0, lineEnd), 16);
  const begin = lineEnd + 2;
  return { content: bytes.subarray(begin, begin + size), rest: bytes.subarray(begin + size) };
}

describe('a chunk', () => {
  it('has its size in hexadecimal, then the content', () => {
    expect(encodeChunk(Buffer.from('hello')).toString()).toBe('5\r\nhello\r\n');
    expect(encodeChunk(Buffer.alloc(26, 'x')).toString()).toBe(`1a\r\n${'x'.repeat(26)}\r\n`);
  });

  it('of nothing is no bytes at all, because an empty chunk ends the body', () => {
    expect(encodeChunk(Buffer.alloc(0))).toHaveLength(0);
  });

  it('counts bytes, not characters', () => {
    expect(encodeChunk(Buffer.from('日本')).toString()).toBe('6\r\n日本\r\n');
  });

  it('gives back any content', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), (bytes) => {
        const { content, rest } = readChunk(encodeChunk(Buffer.from(bytes)));
        expect(content).toEqual(Buffer.from(bytes));
        expect(rest.toString()).toBe('\r\n');
      }),
    );
  });
});

describe('the stream format', () => {
  it.each([
    ['chunked', '5\r\nhello\r\n'],
    ['until-close', 'hello'],
    ['none', ''],
  ] as const)('for framing %s becomes %j', (framing, bytes) => {
    expect(STREAM_ENCODINGS[framing].encode(stream('hello'))?.toString()).toBe(bytes);
  });

  describe.each(['chunked', 'until-close', 'none'] as const)('for framing %s', (framing) => {
    const { encode } = STREAM_ENCODINGS[framing];

    it('is nothing where the item has no stream format or no content', () => {
      expect(encode(FOREIGN)).toHaveLength(0);
      expect(encode(stream(''))).toHaveLength(0);
    });

    it.each(['close', 'hint', 'refresh'] as const)('leaves the action %s to the hold', (action) => {
      expect(encode(itemOf('c', { stream: { action } }))).toBeUndefined();
    });

    it.each([[[]], [['build-id']]])('leaves an assertion about content filters %j to the hold', (filters) => {
      expect(encode(stream('hello', filters))).toBeUndefined();
    });
  });
});

describe('the WebSocket format', () => {
  const send = (format: Partial<Extract<WebSocketFormat, { action: 'send' }>>): Item =>
    itemOf('c', {
      websocket: { action: 'send', type: 'text', content: Buffer.from('hi'), contentFilters: undefined, ...format },
    });

  it.each([
    ['text', 0x81],
    ['binary', 0x82],
    ['ping', 0x89],
    ['pong', 0x8a],
  ] as const)('of type %s is one unmasked frame', (type, first) => {
    expect(frameEncoding.encode(send({ type }))).toEqual(Buffer.from([first, 2, 0x68, 0x69]));
  });

  it('without content is still a message', () => {
    expect(frameEncoding.encode(send({ content: Buffer.alloc(0) }))).toEqual(Buffer.from([0x81, 0]));
  });

  it('is nothing where the item has no WebSocket format', () => {
    expect(frameEncoding.encode(FOREIGN)).toHaveLength(0);
  });

  it.each<[string, WebSocketFormat]>([
    ['a close', { action: 'close', code: 1000, reason: '' }],
    ['a hint', { action: 'hint' }],
    ['a refresh', { action: 'refresh' }],
  ])('leaves %s to the hold', (_, websocket) => {
    expect(frameEncoding.encode(itemOf('c', { websocket }))).toBeUndefined();
  });

  it('leaves an assertion about content filters to the hold', () => {
    expect(frameEncoding.encode(send({ contentFilters: [] }))).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arrayElement,
  arrayFrame,
  closeFrame,
  elementEncoding,
  framedEncoding,
  messageInFrame,
  readMessages,
} from '../../../src/hold/sockjs-frames.js';
import { parseItemJson } from '../../../src/protocol/item-json.js';

const item = (format: object) => parseItemJson({ channel: 'a', formats: { 'ws-message': format } });

describe('frames of SockJS', () => {
  it('hold any texts, and give them back as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const messages = texts.map((text) => Buffer.from(text));
        const frame = arrayFrame(messages.map((message) => arrayElement('text', message)));
        expect(frame.subarray(0, 1).toString()).toBe('a');
        expect(readMessages(frame.subarray(1))).toEqual(messages.map((one) => Buffer.from(one.toString())));
      }),
    );
  });

  it('are the same for one message, whether polled or framed', () => {
    const message = Buffer.from('a "b" \u2028');
    const frame = arrayFrame([arrayElement('text', message)]);
    expect(messageInFrame('text', message).subarray(2)).toEqual(frame);
  });

  it('have none for pings and pongs', () => {
    for (const type of ['ping', 'pong'] as const) {
      expect(arrayElement(type, Buffer.from('x'))).toHaveLength(0);
      expect(messageInFrame(type, Buffer.from('x'))).toHaveLength(0);
    }
  });

  it('say why the connection ends', () => {
    expect(closeFrame(4001, 'a "b"\n')).toBe('c[4001,"a \\"b\\"\\n"]');
    expect(closeFrame(1000, '')).toBe('c[1000,""]');
    expect(closeFrame(undefined, 'not told')).toBe('c[0,"Connection closed"]');
  });
});

describe('the encodings of SockJS', () => {
  it('make bytes of a message', () => {
    expect(elementEncoding.encode(item({ content: 'a' }))?.toString()).toBe(',"a"');
    expect(framedEncoding.encode(item({ content: 'a' }))?.toString('latin1')).toBe('\x81\x06a["a"]');
  });

  it.each([elementEncoding, framedEncoding])('leave everything else to the client, or out', (encoding) => {
    expect(encoding.encode(item({ action: 'close' }))).toBeUndefined();
    expect(encoding.encode(item({ content: 'a', 'content-filters': ['skip-self'] }))).toBeUndefined();
    expect(encoding.encode(item({ type: 'ping', content: 'a' }))).toHaveLength(0);
    const stream = parseItemJson({ channel: 'a', formats: { 'http-stream': { content: 'a' } } });
    expect(encoding.encode(stream)).toHaveLength(0);
  });
});

describe('messages of a client', () => {
  it.each(['', 'x', '"a"', '{}', 'null', '[1]', '["a",null]', '[["a"]]', '["a"', '["a"],', '\ufeff["a"'])(
    'are not read from %j',
    (payload) => {
      expect(readMessages(Buffer.from(payload))).toBeUndefined();
    },
  );

  it('are never more than the texts of an array, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const messages = readMessages(Buffer.from(bytes));
        if (messages !== undefined) expect(JSON.parse(Buffer.from(bytes).toString())).toHaveLength(messages.length);
      }),
    );
  });

  it('do not need a stack as deep as their nesting', () => {
    expect(readMessages(Buffer.from('['.repeat(100_000)))).toBeUndefined();
  });
});

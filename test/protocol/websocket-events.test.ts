import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import {
  decodeCloseContent,
  decodeEvents,
  encodeCloseContent,
  encodeEvents,
  type WebSocketEvent,
} from '../../src/protocol/websocket-events.js';

function event(type: string, content?: string): WebSocketEvent {
  return { type, content: content === undefined ? undefined : Buffer.from(content, 'latin1') };
}

const SUBSCRIBE = 'c:{"type":"subscribe","channel":"woh"}';

describe('encodeEvents', () => {
  it.each<[string, WebSocketEvent[], string]>([
    ['nothing as an empty body', [], ''],
    ['an opening', [event('OPEN')], 'OPEN\r\n'],
    ['a text', [event('TEXT', 'hello')], 'TEXT 5\r\nhello\r\n'],
    ['a size in lower-case hexadecimal', [event('TEXT', SUBSCRIBE)], `TEXT 26\r\n${SUBSCRIBE}\r\n`],
    ['a size above nine', [event('BINARY', '0123456789')], 'BINARY a\r\n0123456789\r\n'],
    ['an empty text without a size', [event('TEXT', '')], 'TEXT\r\n'],
    ['a binary without content', [event('BINARY')], 'BINARY\r\n'],
    ['a ping and a pong', [event('PING'), event('PONG', 'x')], 'PING\r\nPONG 1\r\nx\r\n'],
    ['a close with its code', [event('CLOSE', '\x03\xe8')], 'CLOSE 2\r\n\x03\xe8\r\n'],
    ['a close without a code', [event('CLOSE')], 'CLOSE\r\n'],
    ['opening and loss without content', [event('OPEN', 'a'), event('DISCONNECT', 'b')], 'OPEN\r\nDISCONNECT\r\n'],
    ['line ends inside content', [event('TEXT', '\r\n'), event('TEXT', 'b')], 'TEXT 2\r\n\r\n\r\nTEXT 1\r\nb\r\n'],
  ])('writes %s', (_name, events, body) => {
    expect(encodeEvents(events).toString('latin1')).toBe(body);
  });
});

describe('decodeEvents', () => {
  it.each<[string, string, WebSocketEvent[]]>([
    ['an empty body', '', []],
    [
      'an answer that opens and subscribes',
      `OPEN\r\nTEXT 26\r\n${SUBSCRIBE}\r\n`,
      [event('OPEN'), event('TEXT', SUBSCRIBE)],
    ],
    ['a prefixed message', 'TEXT 7\r\nm:hello\r\n', [event('TEXT', 'm:hello')]],
    ['a close', 'CLOSE 2\r\n\x03\xe8\r\n', [event('CLOSE', '\x03\xe8')]],
    ['a size in upper case', 'TEXT A\r\n0123456789\r\n', [event('TEXT', '0123456789')]],
    ['a size with 0x', 'TEXT 0x1\r\na\r\n', [event('TEXT', 'a')]],
    ['a size of zero', 'TEXT 0\r\n\r\nPING\r\n', [event('TEXT', ''), event('PING')]],
    ['content that the body ends short of', 'TEXT 10\r\nabc', [event('TEXT', 'abc')]],
    ['content without its line end', 'TEXT 3\r\nabc', [event('TEXT', 'abc')]],
    ['content whose line end is half there', 'TEXT 3\r\nabc\r', [event('TEXT', 'abc')]],
    ['content followed by any two bytes', 'TEXT 1\r\naxxPING\r\n', [event('TEXT', 'a'), event('PING')]],
    ['a type it does not know', 'NEW 1\r\na\r\nOPEN\r\n', [event('NEW', 'a'), event('OPEN')]],
    ['an empty line as a type without a name', 'OPEN\r\n\r\n', [event('OPEN'), event('')]],
  ])('reads %s', (_name, body, events) => {
    expect(decodeEvents(Buffer.from(body, 'latin1'))).toEqual(events);
  });

  it.each([
    ['OPEN', 'line at byte 0 has no end'],
    ['OPEN\n', 'line at byte 0 has no end'],
    ['OPEN\r\nTEXT 5', 'line at byte 6 has no end'],
    ['TEXT x\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT \r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT -1\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT 1 1\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT 0x\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT 80000000\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
    ['TEXT 100000000\r\n', 'size of the event at byte 0 is not a hexadecimal number'],
  ])('refuses %j', (body, what) => {
    expect(() => decodeEvents(Buffer.from(body))).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_EVENTS_INVALID', message: `malformed websocket-events: ${what}` }),
    );
  });

  it('reads back what was written', () => {
    const type = fc.constantFrom('TEXT', 'BINARY', 'PING', 'PONG', 'CLOSE');
    const content = fc.option(
      fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.array(fc.record({ type, content })), (events) => {
        expect(decodeEvents(encodeEvents(events))).toEqual(events);
      }),
    );
  });

  it('throws only HoldfastError, whatever the body is', () => {
    const piece = fc.constantFrom('TEXT', 'OPEN', ' ', '\r\n', '\r', '\n', '0x', '1', 'a', 'ff', 'z');
    const inputs = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.array(piece).map((pieces) => Buffer.from(pieces.join(''))),
    );
    fc.assert(
      fc.property(inputs, (body) => {
        try {
          decodeEvents(body);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });
});

describe('close content', () => {
  it.each<[number | undefined, string, string | undefined]>([
    [1000, '', '\x03\xe8'],
    [4002, 'cl', '\x0f\xa2cl'],
    [1000, 'é', '\x03\xe8\xc3\xa9'],
    [0xffff, '', '\xff\xff'],
    [undefined, 'why', undefined],
    [0x1_0000, '', undefined],
    [-1, '', undefined],
    [1000.5, '', undefined],
  ])('is written for code %s and reason %j', (code, reason, content) => {
    expect(encodeCloseContent(code, reason)?.toString('latin1')).toBe(content);
  });

  it.each<[string, Buffer | undefined, { code: number | undefined; reason: string }]>([
    ['absent', undefined, { code: undefined, reason: '' }],
    ['empty', Buffer.alloc(0), { code: undefined, reason: '' }],
    ['one byte', Buffer.of(3), { code: undefined, reason: '' }],
    ['a code', Buffer.of(3, 0xe8), { code: 1000, reason: '' }],
    ['a code and a reason', Buffer.from('\x0f\xa2cl', 'latin1'), { code: 4002, reason: 'cl' }],
    ['a reason that is no UTF-8', Buffer.of(3, 0xe8, 0xff), { code: 1000, reason: '\ufffd' }],
  ])('is read when it is %s', (_name, content, close) => {
    expect(decodeCloseContent(content)).toEqual(close);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff }), fc.string({ unit: 'binary' }), (code, reason) => {
        expect(decodeCloseContent(encodeCloseContent(code, reason))).toEqual({ code, reason });
      }),
    );
  });
});

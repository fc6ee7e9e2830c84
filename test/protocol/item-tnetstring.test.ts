import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { parseItemJson } from '../../src/protocol/item-json.js';
import { parseItemTnet, parsePublishMessage } from '../../src/protocol/item-tnetstring.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetValue } from '../../src/protocol/tnetstring.js';

/** JSON-like values as tnetstring input. */
type Plain = TnetInput | { readonly [name: string]: Plain } | readonly Plain[];

function tnetInput(value: Plain): TnetInput {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(tnetInput);
  return new Map(Object.entries(value).map(([name, member]) => [name, tnetInput(member as Plain)]));
}

function tnet(value: Plain): TnetValue {
  return decodeTnetstring(encodeTnetstring(tnetInput(value)));
}

function refusal(value: Plain): string {
  try {
    parseItemTnet(tnet(value));
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toHaveProperty('code', 'HOLDFAST_ITEM_INVALID');
    return (error as HoldfastError).message;
  }
  return 'nothing was thrown';
}

const STREAM = { 'http-stream': { content: 'x' } };
const BYTES = Buffer.of(0, 255, 13);

describe('parseItemTnet', () => {
  it.each<[string, { readonly [name: string]: Plain }]>([
    ['a stream', { channel: 'c', ...STREAM }],
    [
      'ids, meta, size and no-seq',
      { channel: 'é', id: 'b', 'prev-id': 'a', ...STREAM, meta: { k: 'v' }, size: 3, 'no-seq': true },
    ],
    [
      'all formats',
      { channel: 'c', formats: { 'http-response': { body: 'b' }, ...STREAM, 'ws-message': { content: 'w' } } },
    ],
    [
      'a response',
      { channel: 'c', 'http-response': { code: 404, reason: 'é', headers: { b: '1', a: 'č' }, body: 'b' } },
    ],
    ['a code in a string', { channel: 'c', 'http-response': { code: ' 404', body: 'b' } }],
    [
      'headers in a list',
      {
        channel: 'c',
        'http-response': {
          headers: [
            ['b', ' 1'],
            ['a', ''],
          ],
          body: '',
        },
      },
    ],
    [
      'a patch',
      {
        channel: 'c',
        'http-response': { 'body-patch': [{ op: 'add', path: '/a', value: [1, 'é', null, true, { b: 1.5 }] }] },
      },
    ],
    ['content filters', { channel: 'c', 'http-stream': { content: '', 'content-filters': ['a', 'b'] } }],
    ['a WebSocket close', { channel: 'c', 'ws-message': { action: 'close', code: 4000, reason: 'é' } }],
    ['a ping', { channel: 'c', 'ws-message': { type: 'ping' } }],
    ['a refresh', { channel: 'c', 'ws-message': { action: 'refresh' } }],
  ])('reads %s as JSON does', (_name, value) => {
    expect(parseItemTnet(tnet(value))).toEqual(parseItemJson(value));
  });

  it('keeps bytes that are no text', () => {
    const { formats } = parseItemTnet(
      tnet({
        channel: 'c',
        'http-response': { body: BYTES, headers: { a: Buffer.of(0xff) } },
        'http-stream': { content: BYTES },
        'ws-message': { 'content-bin': BYTES },
      }),
    );
    expect(formats).toMatchObject({
      response: { body: BYTES, headers: [['a', '\xff']] },
      stream: { content: BYTES },
      websocket: { type: 'binary', content: BYTES },
    });
  });

  it('takes null members as absent', () => {
    const value = { channel: 'c', id: null, formats: null, ...STREAM, 'ws-message': null, meta: null, size: null };
    expect(parseItemTnet(tnet(value))).toEqual(parseItemJson({ channel: 'c', ...STREAM }));
  });

  it('takes the channel it is told, and does not look at the member', () => {
    expect(parseItemTnet(tnet({ channel: 7, ...STREAM }), { channel: 'topic' }).channel).toBe('topic');
  });

  it('keeps the names of every object as ordinary names of a patch', () => {
    const operation = { op: 'add', value: JSON.parse('{"__proto__":{"polluted":"1"}}') };
    const { response } = parseItemTnet(tnet({ channel: 'c', 'http-response': { 'body-patch': [operation] } })).formats;
    expect(JSON.stringify(response)).toContain('{"__proto__":{"polluted":"1"}}');
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it.each<[string, Plain]>([
    ['publish item object is not an object', 'item'],
    ['publish item object is not an object', []],
    ['publish item object is not an object', null],
    ["publish item object does not contain 'channel'", STREAM],
    ["publish item object does not contain 'channel'", { channel: null, ...STREAM }],
    ["publish item object contains 'channel' with wrong type", { channel: 1, ...STREAM }],
    ["publish item object contains 'id' with wrong type", { channel: 'c', id: 1, ...STREAM }],
    ["publish item object contains 'prev-id' with wrong type", { channel: 'c', 'prev-id': [], ...STREAM }],
    ["publish item object contains 'formats' with wrong type", { channel: 'c', formats: [] }],
    ["publish item object contains 'meta' with wrong type", { channel: 'c', ...STREAM, meta: 'm' }],
    ["publish item object contains 'size' with wrong type", { channel: 'c', ...STREAM, size: [] }],
    ["publish item object contains 'size' with invalid value", { channel: 'c', ...STREAM, size: -1 }],
    ["publish item object contains 'no-seq' with wrong type", { channel: 'c', ...STREAM, 'no-seq': 'true' }],
    ['no formats specified', { channel: 'c' }],
    ['no formats specified', { channel: 'c', 'http-stream': null }],
    ['no formats specified', { channel: 'c', formats: {} }],
    ["'meta' contains 'K' with wrong type", { channel: 'c', ...STREAM, meta: { K: 1 } }],
    ["'http-response' is not an object", { channel: 'c', 'http-response': 'x' }],
    ["'http-stream' is not an object", { channel: 'c', 'http-stream': [] }],
    ["'ws-message' is not an object", { channel: 'c', formats: { 'ws-message': true } }],
    ["'http-stream' contains 'action' with wrong type", { channel: 'c', 'http-stream': { action: 1 } }],
    ['', { channel: 'c', 'http-stream': { action: 'retry' } }],
    ["'http-response' contains 'code' with wrong type", { channel: 'c', 'http-response': { code: {}, body: '' } }],
    ["'http-response' contains 'code' with invalid value", { channel: 'c', 'http-response': { code: 1000, body: '' } }],
    ["'http-response' contains 'reason' with wrong type", { channel: 'c', 'http-response': { reason: 1, body: '' } }],
    [
      "'http-response' contains 'reason' with invalid value",
      { channel: 'c', 'http-response': { reason: BYTES, body: '' } },
    ],
    [
      "'http-response' contains 'headers' with wrong type",
      { channel: 'c', 'http-response': { headers: 'a', body: '' } },
    ],
    [
      "'http-response' contains 'headers' with invalid name or value",
      { channel: 'c', 'http-response': { headers: [['a', '\n']], body: '' } },
    ],
    [
      "'http-response' contains 'headers' with invalid name or value",
      { channel: 'c', 'http-response': { headers: [[Buffer.of(0xff), '']], body: '' } },
    ],
    ['headers contains element with wrong type', { channel: 'c', 'http-response': { headers: ['a'], body: '' } }],
    [
      'headers contains list with wrong number of elements',
      { channel: 'c', 'http-response': { headers: [['a']], body: '' } },
    ],
    [
      'header contains name element with wrong type',
      { channel: 'c', 'http-response': { headers: [[null, 'a']], body: '' } },
    ],
    [
      'header contains value element with wrong type',
      { channel: 'c', 'http-response': { headers: [['a', 1]], body: '' } },
    ],
    ["headers contains 'K' with wrong type", { channel: 'c', 'http-response': { headers: { K: 1 }, body: '' } }],
    ["'http-response' contains 'body' with wrong type", { channel: 'c', 'http-response': { body: 1 } }],
    [
      "'http-response' contains 'body-patch' with wrong type",
      { channel: 'c', 'http-response': { 'body-patch': '[]' } },
    ],
    [
      "'http-response' contains 'body-patch' with wrong type",
      { channel: 'c', 'http-response': { 'body-patch': ['a'] } },
    ],
    [
      "'http-response' does not contain 'body' or 'body-patch'",
      { channel: 'c', 'http-response': { 'body-bin': 'YQ==' } },
    ],
    [
      "'http-stream' contains 'content-filters' with wrong type",
      { channel: 'c', 'http-stream': { 'content-filters': 'a' } },
    ],
    ['content-filters contains element with wrong type', { channel: 'c', 'http-stream': { 'content-filters': [1] } }],
    ["'http-stream' contains 'content' with wrong type", { channel: 'c', 'http-stream': { content: 1 } }],
    ["'http-stream' does not contain 'content'", { channel: 'c', 'http-stream': { 'content-bin': 'YQ==' } }],
    ["'ws-message' contains 'type' with wrong type", { channel: 'c', 'ws-message': { type: 1, content: '' } }],
    ["'ws-message' contains 'type' with unknown value", { channel: 'c', 'ws-message': { type: 'x', content: '' } }],
    ["'ws-message' contains 'content-bin' with wrong type", { channel: 'c', 'ws-message': { 'content-bin': 1 } }],
    [
      "'ws-message' contains 'content-bin' with invalid value",
      { channel: 'c', 'ws-message': { type: 'pong', 'content-bin': Buffer.alloc(126) } },
    ],
    ["'ws-message' contains 'content' with wrong type", { channel: 'c', 'ws-message': { content: 1 } }],
    ["'ws-message' does not contain 'content' or 'content-bin'", { channel: 'c', 'ws-message': { content: null } }],
    ["'ws-message' contains 'code' with wrong type", { channel: 'c', 'ws-message': { action: 'close', code: [] } }],
    ["'ws-message' contains 'code' with invalid value", { channel: 'c', 'ws-message': { action: 'close', code: -1 } }],
    ["'ws-message' contains 'reason' with wrong type", { channel: 'c', 'ws-message': { action: 'close', reason: 1 } }],
  ])('refuses with "%s" item %#', (text, value) => {
    expect(refusal(value)).toBe(text);
  });
});

describe('parsePublishMessage', () => {
  const hello = {
    kind: 'item',
    item: parseItemJson({ channel: 'test', 'http-stream': { content: 'hello there\n' } }),
  };

  it.each([
    'T62:7:channel,4:test,11:http-stream,26:7:content,12:hello there\n,}}',
    '62:7:channel,4:test,11:http-stream,26:7:content,12:hello there\n,}}',
    'J{"channel":"test","http-stream":{"content":"hello there\\n"}}',
  ])('reads %j', (message) => {
    expect(parsePublishMessage(Buffer.from(message))).toEqual(hello);
  });

  it.each([
    'T45:11:http-stream,26:7:content,12:hello there\n,}}',
    'J{"channel":"x","http-stream":{"content":"hello there\\n"}}',
    'J{"channel":7,"http-stream":{"content":"hello there\\n"}}',
  ])('takes the topic as the channel of %j', (message) => {
    expect(parsePublishMessage(Buffer.from(message), { channel: 'test' })).toEqual(hello);
  });

  it.each<[string, string, string]>([
    ['', 'syntax', 'tnetstring parse failed'],
    ['T', 'syntax', 'tnetstring parse failed'],
    ['hello', 'syntax', 'tnetstring parse failed'],
    ['{"channel":"a"}', 'syntax', 'tnetstring parse failed'],
    ['T5:abc,', 'syntax', 'tnetstring parse failed'],
    ['J', 'syntax', 'json parse failed'],
    ['J{', 'syntax', 'json parse failed'],
    ['J[]', 'syntax', 'not a valid json object'],
    ['J7', 'syntax', 'not a valid json object'],
    ['Jnull', 'syntax', 'not a valid json object'],
    ['J{}', 'invalid', "publish item object does not contain 'channel'"],
    ['J{"channel":"a","http-stream":{"action":"x"}}', 'invalid', ''],
    ['T0:}', 'invalid', "publish item object does not contain 'channel'"],
    ['T0:]', 'invalid', 'publish item object is not an object'],
    ['5:hello,', 'invalid', 'publish item object is not an object'],
  ])('tells why %j is no item', (message, kind, detail) => {
    expect(parsePublishMessage(Buffer.from(message))).toEqual({ kind, detail });
  });

  it('finds no JSON in bytes that are not UTF-8', () => {
    const message = Buffer.concat([Buffer.from('J{"channel":"'), Buffer.of(0xff), Buffer.from('"}')]);
    expect(parsePublishMessage(message)).toEqual({ kind: 'syntax', detail: 'json parse failed' });
  });

  it('never throws, whatever the payload is', () => {
    const start = fc.constantFrom('', 'T', 'J', 'J{"channel":"a","http-stream":', 'T20:7:channel,1:a,');
    fc.assert(
      fc.property(start, fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (head, tail) => {
        const reading = parsePublishMessage(Buffer.concat([Buffer.from(head), tail]));
        expect(['item', 'syntax', 'invalid']).toContain(reading.kind);
      }),
    );
  });

  it('reads the same item from both encodings', () => {
    const record = fc.record({
      channel: fc.string(),
      id: fc.string(),
      'http-stream': fc.record({ content: fc.string({ unit: 'binary' }) }),
      'ws-message': fc.record({ content: fc.string({ unit: 'binary' }), type: fc.constantFrom('text', 'binary') }),
      meta: fc.dictionary(fc.string(), fc.string()),
      size: fc.nat(),
    });
    fc.assert(
      fc.property(record, (value) => {
        const json = parsePublishMessage(Buffer.from(`J${JSON.stringify(value)}`));
        const binary = parsePublishMessage(Buffer.concat([Buffer.from('T'), encodeTnetstring(tnetInput(value))]));
        expect(json.kind).toBe('item');
        expect(binary).toEqual(json);
      }),
    );
  });
});

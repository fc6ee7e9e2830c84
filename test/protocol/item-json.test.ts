import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import type { Item } from '../../src/protocol/item.js';
import { parseItemJson, parsePublishBody } from '../../src/protocol/item-json.js';

/** A complete item with only the given parts set. */
function item(parts: Partial<Omit<Item, 'formats'>> & { formats?: Partial<Item['formats']> }): Item {
  return {
    channel: 'c',
    id: undefined,
    prevId: undefined,
    meta: new Map(),
    size: undefined,
    noSeq: false,
    ...parts,
    formats: { response: undefined, stream: undefined, websocket: undefined, ...parts.formats },
  };
}

const STREAM = { 'http-stream': { content: 'x' } };
const streamX = { action: 'send', content: Buffer.from('x'), contentFilters: undefined } as const;

/** Message with which the item is refused. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toHaveProperty('code', 'HOLDFAST_ITEM_INVALID');
    return (error as HoldfastError).message;
  }
  return 'nothing was thrown';
}

describe('parseItemJson', () => {
  it('reads an item with all three formats', () => {
    const {
      items: [parsed],
    } = parsePublishBody(
      Buffer.from(`{"items":[{"channel":"news","id":"b","prev-id":"a","formats":{
        "http-response":{"code":200,"headers":{"X-E":"1"},"body":"hello\\n"},
        "http-stream":{"content":"hello\\n"},
        "ws-message":{"content":"hello"}}}]}`),
    );
    expect(parsed).toEqual(
      item({
        channel: 'news',
        id: 'b',
        prevId: 'a',
        formats: {
          response: {
            action: 'send',
            code: 200,
            reason: 'OK',
            headers: [['X-E', '1']],
            body: Buffer.from('hello\n'),
            patch: undefined,
            contentFilters: undefined,
          },
          stream: { action: 'send', content: Buffer.from('hello\n'), contentFilters: undefined },
          websocket: { action: 'send', type: 'text', content: Buffer.from('hello'), contentFilters: undefined },
        },
      }),
    );
  });

  it.each<[string, object, Parameters<typeof item>[0]]>([
    ['formats at the top', { channel: 'c', ...STREAM }, { formats: { stream: streamX } }],
    [
      'only what is in formats when that is given',
      { channel: 'c', formats: STREAM, 'ws-message': { content: 'y' } },
      { formats: { stream: streamX } },
    ],
    ['formats of which it knows none', { channel: 'c', formats: { other: 1 } }, {}],
    [
      'an empty channel and empty ids',
      { channel: '', id: '', 'prev-id': '', ...STREAM },
      { channel: '', id: '', prevId: '', formats: { stream: streamX } },
    ],
    [
      'meta, size and no-seq',
      { channel: 'c', ...STREAM, meta: { sender: 'me', ['__proto__']: 'p' }, size: 12, 'no-seq': true },
      {
        meta: new Map([
          ['sender', 'me'],
          ['__proto__', 'p'],
        ]),
        size: 12,
        noSeq: true,
        formats: { stream: streamX },
      },
    ],
    [
      'a size of zero',
      { channel: 'c', ...STREAM, size: 0, 'no-seq': false },
      { size: 0, formats: { stream: streamX } },
    ],
  ])('reads %s', (_name, json, parts) => {
    expect(parseItemJson(json)).toEqual(item(parts));
  });

  it('takes the channel it is told, and does not look at the member', () => {
    expect(parseItemJson({ channel: 7, ...STREAM }, { channel: 'topic' }).channel).toBe('topic');
    expect(parseItemJson(STREAM, { channel: '' }).channel).toBe('');
  });

  it.each<[string, object, object]>([
    ['a body', { body: 'é' }, { body: Buffer.from('é') }],
    ['an empty body', { body: '' }, { body: Buffer.alloc(0) }],
    [
      'body-bin before body and body-patch',
      { 'body-bin': 'AP8=', body: 1, 'body-patch': 1 },
      { body: Buffer.of(0, 255) },
    ],
    ['base64 with foreign characters', { 'body-bin': 'A P\n8' }, { body: Buffer.of(0, 255) }],
    ['body before body-patch', { body: 'b', 'body-patch': 1 }, { body: Buffer.from('b') }],
    [
      'a patch',
      { 'body-patch': [{ op: 'test', path: '/', value: null }] },
      { body: undefined, patch: [{ op: 'test', path: '/', value: null }] },
    ],
    ['a code and its reason', { body: 'b', code: 404 }, { code: 404, reason: 'Not Found' }],
    ['a code and an empty reason', { body: 'b', code: 404, reason: '' }, { code: 404, reason: 'Not Found' }],
    ['a code without a known reason', { body: 'b', code: 299 }, { code: 299, reason: 'Undefined Reason' }],
    ['a code in a string', { body: 'b', code: '404' }, { code: 404 }],
    ['a code in a string that is no number', { body: 'b', code: 'gone' }, { code: 0 }],
    ['a code that is rounded', { body: 'b', code: 200.6 }, { code: 201 }],
    ['the largest code', { body: 'b', code: 999 }, { code: 999 }],
    ['a reason of its own', { body: 'b', code: 200, reason: 'Fine' }, { reason: 'Fine' }],
    ['a reason as UTF-8 bytes', { body: 'b', reason: 'é' }, { reason: '\xc3\xa9' }],
    [
      'headers of an object sorted by name',
      { body: 'b', headers: { b: '2', B: '1', a: '3' } },
      {
        headers: [
          ['B', '1'],
          ['a', '3'],
          ['b', '2'],
        ],
      },
    ],
    [
      'headers of a list in their order',
      {
        body: 'b',
        headers: [
          ['b', '2'],
          ['a', '1'],
          ['b', '3'],
        ],
      },
      {
        headers: [
          ['b', '2'],
          ['a', '1'],
          ['b', '3'],
        ],
      },
    ],
    [
      'header values without the blanks around them',
      { body: 'b', headers: { a: ' \t1 2 ' } },
      { headers: [['a', '1 2']] },
    ],
    ['header values as UTF-8 bytes', { body: 'b', headers: { a: 'č' } }, { headers: [['a', '\xc4\x8d']] }],
    ['content filters', { body: 'b', 'content-filters': ['skip-self'] }, { contentFilters: ['skip-self'] }],
  ])('reads an http-response with %s', (_name, format, expected) => {
    const { formats } = parseItemJson({ channel: 'c', 'http-response': format });
    expect(formats.response).toMatchObject({ action: 'send', ...expected });
  });

  it.each<[string, object, object]>([
    ['content', { content: 'é' }, streamSend(Buffer.from('é'))],
    ['content-bin before content', { 'content-bin': 'AP8=', content: 1 }, streamSend(Buffer.of(0, 255))],
    ['content filters', { content: '', 'content-filters': [] }, streamSend(Buffer.alloc(0), [])],
    ['a lone surrogate', { content: '\ud800' }, streamSend(Buffer.from('\ufffd'))],
    ['an explicit action', { action: 'send', content: 'a' }, streamSend(Buffer.from('a'))],
    [
      'a close whose content is not looked at',
      { action: 'close', content: 1, 'content-filters': 1 },
      { action: 'close' },
    ],
    ['a hint', { action: 'hint' }, { action: 'hint' }],
    ['a refresh', { action: 'refresh' }, { action: 'refresh' }],
  ])('reads an http-stream with %s', (_name, format, expected) => {
    expect(parseItemJson({ channel: 'c', 'http-stream': format }).formats.stream).toEqual(expected);
  });

  it.each(['hint', 'close', 'refresh'])('reads an http-response whose action is %s', (action) => {
    const format = { action, code: [], reason: 1, headers: 1, body: 1 };
    expect(parseItemJson({ channel: 'c', 'http-response': format }).formats.response).toEqual({ action });
  });

  it.each<[string, object, object]>([
    ['text content', { content: 'é' }, wsSend('text', Buffer.from('é'))],
    ['binary content', { 'content-bin': 'AP8=', content: 1 }, wsSend('binary', Buffer.of(0, 255))],
    ['text from base64', { type: 'text', 'content-bin': 'YQ==' }, wsSend('text', Buffer.from('a'))],
    ['binary from text', { type: 'binary', content: 'a' }, wsSend('binary', Buffer.from('a'))],
    ['a ping without content', { type: 'ping' }, wsSend('ping', Buffer.alloc(0))],
    ['a pong with content', { type: 'pong', content: 'a' }, wsSend('pong', Buffer.from('a'))],
    ['the largest ping', { type: 'ping', content: 'a'.repeat(125) }, wsSend('ping', Buffer.alloc(125, 'a'))],
    [
      'content filters',
      { content: 'a', 'content-filters': ['f'] },
      { ...wsSend('text', Buffer.from('a')), contentFilters: ['f'] },
    ],
    ['a close', { action: 'close', content: 1 }, { action: 'close', code: undefined, reason: '' }],
    [
      'a close with a code and reason',
      { action: 'close', code: 4001, reason: 'bye' },
      { action: 'close', code: 4001, reason: 'bye' },
    ],
    ['a close with code 0', { action: 'close', code: 0 }, { action: 'close', code: undefined, reason: '' }],
    ['a close with a code in a string', { action: 'close', code: '4001' }, { action: 'close', code: 4001, reason: '' }],
    ['a refresh', { action: 'refresh' }, { action: 'refresh' }],
    ['a hint', { action: 'hint', code: -1 }, { action: 'hint' }],
  ])('reads a ws-message with %s', (_name, format, expected) => {
    expect(parseItemJson({ channel: 'c', 'ws-message': format }).formats.websocket).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['publish item object is not an object', null],
    ['publish item object is not an object', []],
    ['publish item object is not an object', 'item'],
    ["publish item object does not contain 'channel'", STREAM],
    ["publish item object does not contain 'channel'", Object.create({ channel: 'c', ...STREAM })],
    ["publish item object contains 'channel' with wrong type", { channel: null, ...STREAM }],
    ["publish item object contains 'id' with wrong type", { channel: 'c', id: 1, ...STREAM }],
    ["publish item object contains 'prev-id' with wrong type", { channel: 'c', 'prev-id': null, ...STREAM }],
    ["publish item object contains 'formats' with wrong type", { channel: 'c', formats: [] }],
    ["publish item object contains 'formats' with wrong type", { channel: 'c', formats: null, ...STREAM }],
    ["publish item object contains 'meta' with wrong type", { channel: 'c', ...STREAM, meta: [] }],
    ["publish item object contains 'size' with wrong type", { channel: 'c', ...STREAM, size: {} }],
    ["publish item object contains 'size' with invalid value", { channel: 'c', ...STREAM, size: -1 }],
    ["publish item object contains 'size' with invalid value", { channel: 'c', ...STREAM, size: 1e300 }],
    ["publish item object contains 'no-seq' with wrong type", { channel: 'c', ...STREAM, 'no-seq': 1 }],
    ['no formats specified', { channel: 'c' }],
    ['no formats specified', { channel: 'c', formats: {} }],
    ['no formats specified', { channel: 'c', formats: {}, ...STREAM }],
    ["'meta' contains 'K' with wrong type", { channel: 'c', ...STREAM, meta: { K: 1 } }],
  ])('refuses with "%s" item %#', (text, value) => {
    expect(refusal(() => parseItemJson(value))).toBe(text);
  });

  describe.each(['http-response', 'http-stream', 'ws-message'])('for %s', (name) => {
    it.each<[string, unknown]>([
      [`'${name}' is not an object`, null],
      [`'${name}' is not an object`, 'x'],
      [`'${name}' is not an object`, []],
      [`'${name}' contains 'action' with wrong type`, { action: null }],
      ['', { action: 'retry' }],
      [`'${name}' contains 'content-filters' with wrong type`, { 'content-filters': 'f', body: '', content: '' }],
      ['content-filters contains element with wrong type', { 'content-filters': [1], body: '', content: '' }],
    ])('refuses with "%s" format %#', (text, format) => {
      expect(refusal(() => parseItemJson({ channel: 'c', [name]: format }))).toBe(text);
      expect(refusal(() => parseItemJson({ channel: 'c', formats: { [name]: format } }))).toBe(text);
    });
  });

  it.each<[string, object]>([
    ["contains 'code' with wrong type", { code: null }],
    ["contains 'code' with wrong type", { code: [] }],
    ["contains 'code' with invalid value", { code: -1 }],
    ["contains 'code' with invalid value", { code: 1000 }],
    ["contains 'reason' with wrong type", { reason: 1 }],
    ["contains 'reason' with invalid value", { reason: 'OK\r\nSet-Cookie: a=b' }],
    ["contains 'headers' with wrong type", { headers: 'a: b' }],
    ["contains 'headers' with wrong type", { headers: null }],
    ["contains 'headers' with invalid name or value", { headers: { 'a b': '1' } }],
    ["contains 'headers' with invalid name or value", { headers: { '': '1' } }],
    ["contains 'headers' with invalid name or value", { headers: { 'a\r\nb': '1' } }],
    ["contains 'headers' with invalid name or value", { headers: { é: '1' } }],
    ["contains 'headers' with invalid name or value", { headers: { a: '1\r\nSet-Cookie: a=b' } }],
    ["contains 'headers' with invalid name or value", { headers: { a: '1\n' } }],
    ["contains 'headers' with invalid name or value", { headers: [['a', '1\0']] }],
    ["contains 'headers' with invalid name or value", { headers: [['a:', '1']] }],
    ["contains 'body-bin' with wrong type", { 'body-bin': 1, body: 'b' }],
    ["contains 'body' with wrong type", { body: {} }],
    ["contains 'body-patch' with wrong type", { body: undefined, 'body-patch': {} }],
    ["contains 'body-patch' with wrong type", { body: undefined, 'body-patch': ['remove'] }],
    ["does not contain 'body', 'body-bin', or 'body-patch'", { body: undefined }],
  ])('refuses with "\'http-response\' %s" format %#', (text, format) => {
    expect(refusal(() => parseItemJson({ channel: 'c', 'http-response': { body: 'b', ...format } }))).toBe(
      `'http-response' ${text}`,
    );
  });

  it.each<[string, object]>([
    ['headers contains element with wrong type', { headers: ['a'] }],
    ['headers contains list with wrong number of elements', { headers: [['a']] }],
    ['headers contains list with wrong number of elements', { headers: [['a', 'b', 'c']] }],
    ['header contains name element with wrong type', { headers: [[1, 'b']] }],
    ['header contains value element with wrong type', { headers: [['a', null]] }],
    ["headers contains 'K' with wrong type", { headers: { K: 1 } }],
  ])('refuses with "%s" header %#', (text, format) => {
    expect(refusal(() => parseItemJson({ channel: 'c', 'http-response': { ...format, body: 'b' } }))).toBe(text);
  });

  it.each<[string, string, object]>([
    ["'http-stream' contains 'content-bin' with wrong type", 'http-stream', { 'content-bin': 1, content: 'a' }],
    ["'http-stream' contains 'content' with wrong type", 'http-stream', { content: null }],
    ["'http-stream' does not contain 'content' or 'content-bin'", 'http-stream', {}],
    ["'ws-message' contains 'type' with wrong type", 'ws-message', { type: 1, content: 'a' }],
    ["'ws-message' contains 'type' with unknown value", 'ws-message', { type: 'close', content: 'a' }],
    ["'ws-message' contains 'content-bin' with wrong type", 'ws-message', { 'content-bin': 1 }],
    ["'ws-message' contains 'content' with wrong type", 'ws-message', { content: [] }],
    ["'ws-message' does not contain 'content' or 'content-bin'", 'ws-message', {}],
    ["'ws-message' does not contain 'content' or 'content-bin'", 'ws-message', { type: 'text' }],
    ["'ws-message' contains 'content' with invalid value", 'ws-message', { type: 'ping', content: 'a'.repeat(126) }],
    ["'ws-message' contains 'code' with wrong type", 'ws-message', { action: 'close', code: null }],
    ["'ws-message' contains 'code' with invalid value", 'ws-message', { action: 'close', code: -1 }],
    ["'ws-message' contains 'code' with invalid value", 'ws-message', { action: 'close', code: 65_536 }],
    ["'ws-message' contains 'reason' with wrong type", 'ws-message', { action: 'close', reason: 1 }],
  ])('refuses with "%s" format %#', (text, name, format) => {
    expect(refusal(() => parseItemJson({ channel: 'c', [name]: format }))).toBe(text);
  });

  it('names the first fault in the order channel, ids, formats, meta, size, no-seq', () => {
    const faults: Array<[string, unknown, string]> = [
      ['no-seq', 1, "publish item object contains 'no-seq' with wrong type"],
      ['size', {}, "publish item object contains 'size' with wrong type"],
      ['meta', 1, "publish item object contains 'meta' with wrong type"],
      ['ws-message', 1, "'ws-message' is not an object"],
      ['http-stream', 1, "'http-stream' is not an object"],
      ['http-response', 1, "'http-response' is not an object"],
      ['prev-id', 1, "publish item object contains 'prev-id' with wrong type"],
      ['id', 1, "publish item object contains 'id' with wrong type"],
      ['channel', 1, "publish item object contains 'channel' with wrong type"],
    ];
    const members: Record<string, unknown> = { channel: 'c', ...STREAM };
    for (const [name, value, text] of faults) {
      members[name] = value;
      expect(refusal(() => parseItemJson(members))).toBe(text);
    }
  });

  it('throws only HoldfastError, whatever it is given', () => {
    const name = fc.constantFrom('channel', 'id', 'formats', 'meta', 'size', 'no-seq', 'http-stream', 'ws-message');
    const member = fc.constantFrom('action', 'code', 'headers', 'body', 'content', 'content-bin', 'type', 'body-patch');
    const format = fc.dictionary(member, fc.oneof(fc.jsonValue(), fc.constantFrom('close', 'ping', [['a', 'b']])));
    const object = fc
      .tuple(fc.dictionary(name, fc.oneof(fc.jsonValue(), format)), format)
      .map(([members, response]) => ({ channel: 'c', 'http-response': response, ...members }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), object), (value) => {
        try {
          parseItemJson(value);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });

  it('takes header values and reasons as bytes, and none that could end its line', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ':', 'č', '\u010a', '\u{1f60a}', '\r', '\n', '\0') });
    fc.assert(
      fc.property(text, text, (value, reason) => {
        const json = { channel: 'c', 'http-response': { body: '', reason, headers: [['A', value]] } };
        if (/[\r\n\0]/.test(value + reason)) {
          expect(refusal(() => parseItemJson(json))).toMatch(
            /^'http-response' contains '(?:headers|reason)' with invalid /,
          );
        } else {
          expect(parseItemJson(json).formats.response).toMatchObject({
            reason: reason === '' ? 'OK' : Buffer.from(reason).toString('latin1'),
            headers: [['A', Buffer.from(value.trim()).toString('latin1')]],
          });
        }
      }),
    );
  });
});

describe('parsePublishBody', () => {
  it.each<[string, string, string[]]>([
    ['one item', '{"items":[{"channel":"test","http-stream":{"content":"hello there\\n"}}]}', ['test']],
    ['several items', '{"items":[{"channel":"a","formats":{"x":1}},{"channel":"b","formats":{"x":1}}]}', ['a', 'b']],
    ['an empty list', '{"items":[]}', []],
    ['white space around the text', ' {"items":[]}\n', []],
    ['characters beyond ASCII', '{"items":[{"channel":"é","formats":{"x":1}}]}', ['é']],
    ['a lone surrogate', '{"items":[{"channel":"\\ud800","formats":{"x":1}}]}', ['\ud800']],
  ])('reads %s', (_name, body, channels) => {
    expect(parsePublishBody(Buffer.from(body)).items.map(({ channel }) => channel)).toEqual(channels);
  });

  it.each([
    ['', 'Body is not valid JSON.'],
    ['{', 'Body is not valid JSON.'],
    ['{"items":[],}', 'Body is not valid JSON.'],
    ['7', 'Body is not valid JSON.'],
    ['"items"', 'Body is not valid JSON.'],
    ['null', 'Body is not valid JSON.'],
    ['[]', 'Invalid format.'],
    ['{}', "Invalid format: object does not contain 'items'"],
    ['{"__proto__":{"items":[]}}', "Invalid format: object does not contain 'items'"],
    ['{"items":{}}', "Invalid format: object contains 'items' with wrong type"],
    ['{"items":null}', "Invalid format: object contains 'items' with wrong type"],
    ['{"items":[1]}', 'Invalid format: publish item object is not an object'],
    [
      '{"items":[{"channel":"a","formats":{"x":1}},{}]}',
      "Invalid format: publish item object does not contain 'channel'",
    ],
    ['{"items":[{"channel":"a","http-stream":{"action":"x"}}]}', 'Invalid format: '],
  ])('refuses %s', (body, text) => {
    expect(refusal(() => parsePublishBody(Buffer.from(body)))).toBe(text);
  });

  it('refuses bytes that are not UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"items":[],"x":"'), Buffer.of(0xc3), Buffer.from('"}')]);
    expect(refusal(() => parsePublishBody(body))).toBe('Body is not valid JSON.');
  });

  it('refuses nesting of any depth without running out of stack', () => {
    const depth = 200_000;
    const body = Buffer.from(`{"items":[${'['.repeat(depth)}${']'.repeat(depth)}]}`);
    expect(refusal(() => parsePublishBody(body))).toMatch(/^(Body is not valid JSON\.|Invalid format: .*)$/);
  });

  it('throws only HoldfastError, whatever the body is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (body) => {
          try {
            parsePublishBody(Buffer.from(body));
          } catch (error) {
            expect(error).toBeInstanceOf(HoldfastError);
          }
        },
      ),
    );
  });
});

function streamSend(content: Buffer, contentFilters?: string[]): object {
  return { action: 'send', content, contentFilters };
}

function wsSend(type: string, content: Buffer): object {
  return { action: 'send', type, content, contentFilters: undefined };
}

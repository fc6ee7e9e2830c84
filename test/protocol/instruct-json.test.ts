import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import { hasInstructBody, parseInstructJson } from '../../src/protocol/instruct-json.js';

function parse(instruct: unknown) {
  return parseInstructJson(Buffer.from(JSON.stringify(instruct)));
}

function parseHold(hold: Record<string, unknown>) {
  return parse({ hold: { channels: [], ...hold } }).hold;
}

function parseResponse(response: unknown) {
  return parse({ response }).response;
}

function failure(body: Buffer): HoldfastError {
  try {
    parseInstructJson(body);
  } catch (error) {
    if (error instanceof HoldfastError) {
      return error;
    }
    throw error;
  }
  throw new Error('the body was taken');
}

describe('hasInstructBody', () => {
  it.each<[HeaderList, boolean]>([
    [[], false],
    [[['Content-Type', 'application/grip-instruct']], true],
    [[['content-type', 'application/grip-instruct ; charset=utf-8']], true],
    [[['Content-Type', 'Application/Grip-Instruct']], false],
    [[['Content-Type', 'application/grip-instructions']], false],
    [[['Content-Type', 'application/grip-instruct, text/plain']], false],
    [[['Content-Type', 'application/grip-instruct; charset="utf-8']], false],
    [
      [
        ['Content-Type', 'text/plain'],
        ['Content-Type', 'application/grip-instruct'],
      ],
      false,
    ],
    [[['X-Content-Type', 'application/grip-instruct']], false],
  ])('%j: %j', (headers, expected) => {
    expect(hasInstructBody(headers)).toBe(expected);
  });
});

describe('the hold of a JSON instruct', () => {
  it('is absent when the object has none', () => {
    expect(parse({})).toEqual({
      hold: undefined,
      response: { code: undefined, reason: undefined, headers: [], body: Buffer.alloc(0) },
    });
  });

  it('is a response hold without anything else by default', () => {
    expect(parseHold({})).toEqual({
      mode: 'response',
      channels: [],
      timeout: undefined,
      keepAlive: undefined,
      meta: new Map(),
    });
  });

  it.each(['response', 'stream'])('has the mode %s', (mode) => {
    expect(parseHold({ mode })?.mode).toBe(mode);
  });

  it('has channels in order, with ids and filters', () => {
    const filters = ['skip-self', 'b', 'c', 'd', 'e'];
    expect(
      parseHold({
        channels: [
          { name: 'ü', 'prev-id': '1', filters },
          { name: '', 'prev-id': '', filters: [], more: 1 },
          { name: 'ü' },
        ],
      })?.channels,
    ).toEqual([
      { name: 'ü', prevId: '1', filters },
      { name: '', prevId: '', filters: [] },
      { name: 'ü', prevId: undefined, filters: [] },
    ]);
  });

  it.each([
    [30, 30],
    [30.5, 31],
    ['30', 30],
    [' 7 ', 7],
    [true, 1],
    [false, 0],
    [2147483647, 2147483647],
  ])('has the timeout %j', (timeout, expected) => {
    expect(parseHold({ timeout })?.timeout).toBe(expected);
    expect(parseHold({ 'keep-alive': { timeout } })?.keepAlive?.timeout).toBe(expected);
  });

  it.each([
    [{}, undefined],
    [{ content: 'é\n' }, 'é\n'],
    [{ content: '' }, ''],
    [{ 'content-bin': 'aGVsbG8=' }, 'hello'],
    [{ 'content-bin': 'aGVsbG8=', content: 'x' }, 'hello'],
    [{ 'content-bin': '', content: 5 }, ''],
  ])('has the keep-alive content of %j', (keepAlive, expected) => {
    expect(parseHold({ 'keep-alive': keepAlive })?.keepAlive?.content?.toString()).toBe(expected);
  });

  it('has meta entries, whatever their names', () => {
    const body = '{"hold":{"channels":[],"meta":{"user":"bob","__proto__":"x","":"y"}}}';
    expect([...(parseInstructJson(Buffer.from(body)).hold?.meta ?? [])]).toEqual([
      ['', 'y'],
      ['__proto__', 'x'],
      ['user', 'bob'],
    ]);
  });
});

describe('the response of a JSON instruct', () => {
  it('is read whole', () => {
    expect(parseResponse({ code: 201, reason: 'Made', headers: { 'X-A': 'b' }, body: 'ü' })).toEqual({
      code: 201,
      reason: 'Made',
      headers: [['X-A', 'b']],
      body: Buffer.from('ü'),
    });
  });

  it.each([
    [0, 0],
    [999, 999],
    ['404', 404],
    [true, 1],
  ])('has the code %j', (code, expected) => {
    expect(parseResponse({ code }).code).toBe(expected);
  });

  it('treats an empty reason as none and encodes others as bytes', () => {
    expect(parseResponse({ reason: '' }).reason).toBeUndefined();
    expect(parseResponse({ reason: 'é' }).reason).toBe('\u00c3\u00a9');
  });

  it.each([
    [
      { b: '1', a: '2', B: '3' },
      [
        ['B', '3'],
        ['a', '2'],
        ['b', '1'],
      ],
    ],
    [
      [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
      [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    ],
    [{}, []],
    [[], []],
    [{ a: ' é ' }, [['a', '\u00c3\u00a9']]],
    [{ a: '' }, [['a', '']]],
    [[['__proto__', 'x']], [['__proto__', 'x']]],
  ])('sends the headers %j as %j', (headers, expected) => {
    expect(parseResponse({ headers }).headers).toEqual(expected);
  });

  it.each([
    [{ body: 'text' }, 'text'],
    [{ body: '' }, ''],
    [{ 'body-bin': 'aGVs bG8' }, 'hello'],
    [{ 'body-bin': 'aGVsbG8=', body: 'text' }, 'hello'],
    [{ 'body-bin': 'aGVsbG8=', body: 5 }, 'hello'],
    [{}, ''],
  ])('has the body of %j', (response, expected) => {
    expect(parseResponse(response).body.toString()).toBe(expected);
  });
});

describe('JSON instructs that cannot be taken', () => {
  const syntax = 'failed to parse application/grip-instruct content as JSON';

  it.each([
    ['', syntax],
    ['{', syntax],
    ['"x"', syntax],
    ['5', syntax],
    ['true', syntax],
    ['null', syntax],
    ['[]', 'instruct must be an object'],
    ['{"hold":{"__proto__":{"channels":[]}}}', "hold does not contain 'channels'"],
    ['{"hold":{"channels":[{"__proto__":{"name":"a"}}]}}', "channel does not contain 'name'"],
  ])('%s: %s', (body, message) => {
    expect(failure(Buffer.from(body)).message).toBe(message);
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(failure(Buffer.from('{"a":"é"}', 'latin1')).message).toBe(syntax);
  });

  it.each([
    [{ hold: [] }, "instruct contains 'hold' with wrong type"],
    [{ hold: null }, "instruct contains 'hold' with wrong type"],
    [{ hold: { mode: 1, channels: [] } }, "hold contains 'mode' with wrong type"],
    [{ hold: { mode: null, channels: [] } }, "hold contains 'mode' with wrong type"],
    [{ hold: { mode: 'none', channels: [] } }, "hold 'mode' must be set to either 'response' or 'stream'"],
    [{ hold: { mode: '', channels: [] } }, "hold 'mode' must be set to either 'response' or 'stream'"],
    [{ hold: {} }, "hold does not contain 'channels'"],
    [{ hold: { channels: {} } }, "hold contains 'channels' with wrong type"],
    [{ hold: { channels: null } }, "hold contains 'channels' with wrong type"],
    [{ hold: { channels: ['a'] } }, 'channel is not an object'],
    [{ hold: { channels: [{}] } }, "channel does not contain 'name'"],
    [{ hold: { channels: [{ name: 1 }] } }, "channel contains 'name' with wrong type"],
    [{ hold: { channels: [{ name: 'a', 'prev-id': 1 }] } }, "channel contains 'prev-id' with wrong type"],
    [{ hold: { channels: [{ name: 'a', 'prev-id': null }] } }, "channel contains 'prev-id' with wrong type"],
    [{ hold: { channels: [{ name: 'a', filters: 'b' }] } }, "channel contains 'filters' with wrong type"],
    [{ hold: { channels: [{ name: 'a', filters: null }] } }, "channel contains 'filters' with wrong type"],
    [{ hold: { channels: [{ name: 'a', filters: [1] }] } }, 'filters contains value with wrong type'],
    [
      { hold: { channels: [{ name: 'N', filters: ['1', '2', '3', '4', '5', '6'] }] } },
      "too many filters for channel 'N'",
    ],
    [{ hold: { channels: [], timeout: [] } }, "hold contains 'timeout' with wrong type"],
    [{ hold: { channels: [], timeout: null } }, "hold contains 'timeout' with wrong type"],
    [{ hold: { channels: [], timeout: 'soon' } }, "hold contains 'timeout' with wrong type"],
    [{ hold: { channels: [], timeout: -1 } }, "hold contains 'timeout' with invalid value"],
    [{ hold: { channels: [], timeout: 1e12 } }, "hold contains 'timeout' with invalid value"],
    [{ hold: { channels: [], 'keep-alive': 'x' } }, "hold contains 'keep-alive' with wrong type"],
    [
      { hold: { channels: [], 'keep-alive': { 'content-bin': 1 } } },
      "keep-alive contains 'content-bin' with wrong type",
    ],
    [{ hold: { channels: [], 'keep-alive': { content: {} } } }, "keep-alive contains 'content' with wrong type"],
    [{ hold: { channels: [], 'keep-alive': { timeout: {} } } }, "keep-alive contains 'timeout' with wrong type"],
    [{ hold: { channels: [], 'keep-alive': { timeout: '-1' } } }, "keep-alive contains 'timeout' with invalid value"],
    [{ hold: { channels: [], meta: [] } }, "hold contains 'meta' with wrong type"],
    [{ hold: { channels: [], meta: { K: 1 } } }, "'meta' contains 'K' with wrong type"],
    [{ response: 'x' }, ''],
    [{ response: null }, ''],
    [{ response: { code: {} } }, "response contains 'code' with wrong type"],
    [{ response: { code: null } }, "response contains 'code' with wrong type"],
    [{ response: { code: 1000 } }, "response contains 'code' with invalid value"],
    [{ response: { code: -1 } }, "response contains 'code' with invalid value"],
    [{ response: { reason: 1 } }, "response contains 'reason' with wrong type"],
    [{ response: { reason: 'OK\r\nX: y' } }, "response contains 'reason' with invalid value"],
    [{ response: { headers: ['a'] } }, 'headers contains element with wrong type'],
    [{ response: { headers: [['a']] } }, 'headers contains list with wrong number of elements'],
    [{ response: { headers: [['a', 'b', 'c']] } }, 'headers contains list with wrong number of elements'],
    [{ response: { headers: [[1, 'b']] } }, 'header contains name element with wrong type'],
    [{ response: { headers: [['a', 1]] } }, 'header contains value element with wrong type'],
    [{ response: { headers: { K: 1 } } }, "headers contains 'K' with wrong type"],
    [{ response: { headers: 'x' } }, "response contains 'headers' with wrong type"],
    [{ response: { headers: { a: 'b\r\nX: y' } } }, "response contains 'headers' with invalid name or value"],
    [{ response: { headers: { 'a\r\nX': 'y' } } }, "response contains 'headers' with invalid name or value"],
    [{ response: { headers: [['', 'y']] } }, "response contains 'headers' with invalid name or value"],
    [{ response: { 'body-bin': 1 } }, "response contains 'body-bin' with wrong type"],
    [{ response: { body: ['x'] } }, "response contains 'body' with wrong type"],
    [{ hold: {}, response: 'x' }, "hold does not contain 'channels'"],
  ])('%j: %s', (instruct, message) => {
    const error = failure(Buffer.from(JSON.stringify(instruct)));
    expect(error.message).toBe(message);
    expect(error.code).toBe('HOLDFAST_INSTRUCT_INVALID');
  });
});

describe('properties of JSON instructs', () => {
  const any = fc.jsonValue({ maxDepth: 2 });
  const partly = (shape: Record<string, fc.Arbitrary<unknown>>) =>
    fc.oneof(fc.record(shape, { requiredKeys: [] }), any);
  const instruct = partly({
    hold: partly({
      mode: fc.oneof(fc.constantFrom('response', 'stream'), any),
      channels: fc.oneof(
        fc.array(partly({ name: fc.string(), 'prev-id': fc.string(), filters: fc.array(fc.string()) })),
        any,
      ),
      timeout: fc.oneof(fc.integer(), any),
      'keep-alive': partly({ content: fc.string(), 'content-bin': fc.string(), timeout: any }),
      meta: fc.oneof(fc.dictionary(fc.string(), fc.string()), any),
    }),
    response: partly({
      code: fc.oneof(fc.nat(1100), any),
      reason: fc.string({ unit: 'binary' }),
      headers: fc.oneof(
        fc.dictionary(fc.string(), fc.string({ unit: 'binary' })),
        fc.array(fc.array(fc.string())),
        any,
      ),
      body: fc.string({ unit: 'binary' }),
    }),
  });

  it('are taken within their limits or refused as an invalid instruct', () => {
    fc.assert(
      fc.property(instruct, (value) => {
        try {
          const { hold, response } = parse(value);
          expect(response.code ?? 0).toBeLessThanOrEqual(999);
          expect(response.headers.flat().join('')).not.toMatch(/[\r\n\0]/);
          expect(response.reason ?? '').not.toMatch(/[\r\n\0]/);
          expect(hold?.timeout ?? 0).toBeGreaterThanOrEqual(0);
          expect(Math.max(0, ...(hold?.channels ?? []).map(({ filters }) => filters.length))).toBeLessThanOrEqual(5);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
          expect(error).toMatchObject({ code: 'HOLDFAST_INSTRUCT_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });

  it('give back channels, meta and body', () => {
    const text = fc.string({ unit: 'binary' });
    const hold = fc.record({
      channels: fc.array(fc.record({ name: text, 'prev-id': text, filters: fc.array(text, { maxLength: 5 }) })),
      meta: fc.dictionary(text, text),
    });
    fc.assert(
      fc.property(hold, fc.uint8Array(), ({ channels, meta }, bytes) => {
        const parsed = parse({
          hold: { channels, meta },
          response: { 'body-bin': Buffer.from(bytes).toString('base64') },
        });
        expect(parsed.hold?.channels).toEqual(
          channels.map((channel) => ({ name: channel.name, prevId: channel['prev-id'], filters: channel.filters })),
        );
        expect(parsed.hold?.meta).toEqual(new Map(Object.entries(meta)));
        expect([...parsed.response.body]).toEqual([...bytes]);
      }),
    );
  });
});

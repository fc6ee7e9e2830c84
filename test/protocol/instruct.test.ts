import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import { type CompleteResponse, isGripResponse, parseGripLast, parseInstruct } from '../../src/protocol/instruct.js';

const JSON_TYPE: [string, string] = ['Content-Type', 'application/grip-instruct'];

function answer(headers: HeaderList, rest: Partial<CompleteResponse> = {}): CompleteResponse {
  return { code: 200, reason: 'Fine', headers, body: Buffer.from('origin'), ...rest };
}

function jsonAnswer(instruct: unknown, headers: HeaderList = [], rest: Partial<CompleteResponse> = {}) {
  return answer([JSON_TYPE, ...headers], { body: Buffer.from(JSON.stringify(instruct)), ...rest });
}

describe('isGripResponse', () => {
  it.each<[HeaderList, boolean]>([
    [[], false],
    [
      [
        ['Content-Type', 'text/plain'],
        ['X-Grip-Hold', 'stream'],
      ],
      false,
    ],
    [
      [
        ['Content-Type', 'text/plain'],
        ['Grip-Foo', '1'],
      ],
      true,
    ],
    [[['gRIP-', '']], true],
    [[['Grip', 'x']], false],
    [[JSON_TYPE], true],
    [[['content-type', 'application/grip-instruct; charset=utf-8']], true],
    [[['Content-Type', 'APPLICATION/grip-instruct']], false],
    [[['Content-Type', 'application/json']], false],
  ])('%j: %j', (headers, expected) => {
    expect(isGripResponse(headers)).toBe(expected);
  });
});

describe('an instruct from headers', () => {
  it('has the defaults when it says nothing', () => {
    expect(parseInstruct(answer([['X-A', '1']]))).toEqual({
      hold: undefined,
      channels: [],
      timeout: 55,
      keepAlive: undefined,
      meta: new Map(),
      exposeHeaders: [],
      nextLink: undefined,
      goneLink: undefined,
      response: { code: 200, reason: 'Fine', headers: [['X-A', '1']], body: Buffer.from('origin') },
    });
  });

  it('has everything the headers say', () => {
    const headers: HeaderList = [
      ['Content-Type', 'text/plain'],
      ['Grip-Hold', 'stream'],
      ['Grip-Channel', 'a; prev-id=1; filter=skip-self, b'],
      ['Grip-Timeout', '30'],
      ['Grip-Keep-Alive', 'ping\\n; format=cstring; mode=interval; timeout=20'],
      ['Grip-Set-Meta', 'user="bob"'],
      ['Grip-Status', '404 Not Here'],
      ['Grip-Link', '</next>; rel=next; timeout=9, </gone>; rel=gone'],
    ];
    expect(parseInstruct(answer(headers))).toEqual({
      hold: 'stream',
      channels: [
        { name: 'a', prevId: '1', filters: ['skip-self'] },
        { name: 'b', prevId: undefined, filters: [] },
      ],
      timeout: 30,
      keepAlive: { content: Buffer.from('ping\n'), mode: 'interval', timeout: 20 },
      meta: new Map([['user', 'bob']]),
      exposeHeaders: [],
      nextLink: { uri: '/next', timeout: 9 },
      goneLink: '/gone',
      response: {
        code: 404,
        reason: 'Not Here',
        headers: [['Content-Type', 'text/plain']],
        body: Buffer.from('origin'),
      },
    });
  });

  it.each([
    ['0', 5],
    ['4', 5],
    ['5', 5],
    ['6', 6],
  ])('raises a timeout of %s to at least five seconds', (given, expected) => {
    expect(parseInstruct(answer([['Grip-Timeout', given]])).timeout).toBe(expected);
  });

  it('raises a keep-alive timeout of 0 to one second', () => {
    expect(parseInstruct(answer([['Grip-Keep-Alive', 'x; timeout=0']])).keepAlive?.timeout).toBe(1);
  });

  it('takes the last id and filters of a channel named twice, at its first place', () => {
    const headers: HeaderList = [
      ['Grip-Channel', 'a; prev-id=1; filter=x, b'],
      ['Grip-Channel', 'a; filter=y'],
    ];
    expect(parseInstruct(answer(headers)).channels).toEqual([
      { name: 'a', prevId: undefined, filters: ['y'] },
      { name: 'b', prevId: undefined, filters: [] },
    ]);
  });

  it.each([
    ['404', 404, 'Not Found'],
    ['200', 200, 'OK'],
    ['777', 777, 'Undefined Reason'],
    ['200 Okay', 200, 'Okay'],
  ])('answers with Grip-Status %j', (status, code, reason) => {
    expect(parseInstruct(answer([['Grip-Status', status]])).response).toMatchObject({ code, reason });
  });

  it('finds a reason when the origin sent none', () => {
    expect(parseInstruct(answer([], { code: 503, reason: '' })).response.reason).toBe('Service Unavailable');
  });

  it('gives the last ids of Grip-Last', () => {
    expect(parseGripLast([['Grip-Last', 'a; last-id=1']])).toEqual(new Map([['a', '1']]));
  });
});

describe('headers of the answer', () => {
  const headers: HeaderList = [
    ['Connection', 'close'],
    ['X-B', '1'],
    ['keep-alive', 'timeout=5'],
    ['Content-Encoding', 'gzip'],
    ['Transfer-Encoding', 'chunked'],
    ['CONTENT-LENGTH', '6'],
    ['x-b', '2'],
    ['GRIP-Unknown', 'x'],
    ['X-A', '3'],
    ['Content-Type', 'text/plain'],
  ];

  it('lose what is Grip, hop-by-hop or framing, and keep order, case and duplicates', () => {
    expect(parseInstruct(answer(headers)).response.headers).toEqual([
      ['X-B', '1'],
      ['x-b', '2'],
      ['X-A', '3'],
      ['Content-Type', 'text/plain'],
    ]);
  });

  it('are only those exposed, in their own order', () => {
    const instruct = parseInstruct(
      answer([...headers, ['Grip-Expose-Headers', 'x-a, X-b'], ['Grip-Expose-Headers', 'Connection, Grip-Unknown']]),
    );
    expect(instruct.exposeHeaders).toEqual(['x-a', 'X-b', 'Connection', 'Grip-Unknown']);
    expect(instruct.response.headers).toEqual([
      ['X-B', '1'],
      ['x-b', '2'],
      ['X-A', '3'],
    ]);
  });

  it('are all there when the list of exposed ones is empty', () => {
    expect(parseInstruct(answer([...headers, ['Grip-Expose-Headers', '']])).response.headers).toHaveLength(4);
  });

  it('are cleaned in a JSON response too, but not narrowed to those exposed', () => {
    const response = { headers: { 'Content-Length': '1', Connection: 'x', 'Grip-Hold': 'stream', B: '1', A: '2' } };
    expect(parseInstruct(jsonAnswer({ response }, [['Grip-Expose-Headers', 'Z']])).response.headers).toEqual([
      ['A', '2'],
      ['B', '1'],
    ]);
  });
});

describe('a JSON instruct laid over headers', () => {
  const headers: HeaderList = [
    ['Grip-Hold', 'stream'],
    ['Grip-Channel', 'a; prev-id=1, b'],
    ['Grip-Timeout', '100'],
    ['Grip-Keep-Alive', 'head; mode=idle; timeout=7'],
    ['Grip-Set-Meta', 'user=alice, room=1'],
    ['Grip-Status', '404 Gone Fishing'],
    ['Grip-Link', '</next>; rel=next'],
    ['X-Origin', 'yes'],
  ];

  it('overrides the mode, even when it only implies one', () => {
    expect(parseInstruct(jsonAnswer({ hold: { channels: [] } }, headers)).hold).toBe('response');
    expect(
      parseInstruct(jsonAnswer({ hold: { mode: 'stream', channels: [] } }, [['Grip-Hold', 'response']])).hold,
    ).toBe('stream');
  });

  it('leaves what the headers say when it has no hold, and replaces headers and body', () => {
    expect(parseInstruct(jsonAnswer({}, headers))).toEqual({
      hold: 'stream',
      channels: [
        { name: 'a', prevId: '1', filters: [] },
        { name: 'b', prevId: undefined, filters: [] },
      ],
      timeout: 100,
      keepAlive: { content: Buffer.from('head'), mode: 'idle', timeout: 7 },
      meta: new Map([
        ['user', 'alice'],
        ['room', '1'],
      ]),
      exposeHeaders: [],
      nextLink: { uri: '/next', timeout: 120 },
      goneLink: undefined,
      response: { code: 404, reason: 'Gone Fishing', headers: [], body: Buffer.alloc(0) },
    });
  });

  it('adds its channels to those of the headers', () => {
    const channels = [{ name: 'c' }, { name: 'a', filters: ['f'] }];
    expect(parseInstruct(jsonAnswer({ hold: { channels } }, headers)).channels).toEqual([
      { name: 'a', prevId: undefined, filters: ['f'] },
      { name: 'b', prevId: undefined, filters: [] },
      { name: 'c', prevId: undefined, filters: [] },
    ]);
  });

  it('overrides the timeout and meta entries of the same name', () => {
    const hold = { channels: [], timeout: 3, meta: { user: 'bob', more: '2' } };
    const instruct = parseInstruct(jsonAnswer({ hold }, headers));
    expect(instruct.timeout).toBe(5);
    expect([...instruct.meta]).toEqual([
      ['user', 'bob'],
      ['room', '1'],
      ['more', '2'],
    ]);
  });

  it.each([
    [{ content: 'body' }, headers, { content: 'body', mode: 'idle', timeout: 55 }],
    [{ timeout: 0 }, headers, { content: 'head', mode: 'idle', timeout: 1 }],
    [{ content: 'body', timeout: 20 }, [], { content: 'body', mode: 'none', timeout: 20 }],
    [{ 'content-bin': 'aGk=' }, [], { content: 'hi', mode: 'none', timeout: 55 }],
    [{}, [], { content: '', mode: 'none', timeout: 55 }],
  ])('makes a keep-alive of %j', (keepAlive, given, expected) => {
    const instruct = parseInstruct(
      jsonAnswer({ hold: { channels: [], 'keep-alive': keepAlive } }, given as HeaderList),
    );
    expect(instruct.keepAlive).toEqual({ ...expected, content: Buffer.from(expected.content) });
  });

  it.each([
    [{}, [], 200, 'Fine'],
    [{ code: 200 }, [], 200, 'OK'],
    [{ code: 404 }, [], 404, 'Not Found'],
    [{ code: 404, reason: '' }, [], 404, 'Not Found'],
    [{ code: 404, reason: 'Lost' }, [], 404, 'Lost'],
    [{ reason: 'Lost' }, [], 200, 'Lost'],
    [{ reason: '' }, [], 200, 'Fine'],
    [{}, headers, 404, 'Gone Fishing'],
    [{ code: 201 }, headers, 201, 'Created'],
    [{ reason: 'Lost' }, headers, 404, 'Lost'],
  ])('answers %j', (response, given, code, reason) => {
    expect(parseInstruct(jsonAnswer({ response }, given as HeaderList)).response).toMatchObject({ code, reason });
  });

  it('must come with code 200, whatever Grip-Status says', () => {
    const message = 'response code for application/grip-instruct content must be 200';
    const refused = () => parseInstruct(jsonAnswer({}, [['Grip-Status', '200']], { code: 201 }));
    expect(refused).toThrow(HoldfastError);
    expect(refused).toThrow(expect.objectContaining({ message, code: 'HOLDFAST_INSTRUCT_INVALID' }));
  });

  it('is only read when the type says so, and then must be there', () => {
    expect(parseInstruct(answer([['Grip-Hold', 'response']], { body: Buffer.from('{"hold":{}}') })).hold).toBe(
      'response',
    );
    expect(() => parseInstruct(answer([JSON_TYPE], { body: Buffer.alloc(0) }))).toThrow(
      'failed to parse application/grip-instruct content as JSON',
    );
  });

  it('is refused for a bad header before it is looked at', () => {
    expect(() => parseInstruct(jsonAnswer([], [['Grip-Hold', 'x']], { code: 500 }))).toThrow('Grip-Hold must be set');
  });
});

describe('properties of instructs', () => {
  const name = fc.constantFrom(
    'Grip-Hold',
    'Grip-Channel',
    'Grip-Timeout',
    'Grip-Keep-Alive',
    'Content-Type',
    'X-A',
    'Connection',
  );
  const value = fc.oneof(
    fc.constantFrom('stream', 'response', 'a, b, a; prev-id=1', '3', 'x; timeout=0', 'application/grip-instruct', ''),
    fc.string(),
  );
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc
      .record({
        hold: fc.record({
          channels: fc.array(fc.record({ name: fc.constantFrom('a', 'b', '__proto__') })),
          timeout: fc.integer(),
        }),
        response: fc.record({ code: fc.integer({ min: 0, max: 1000 }) }),
      })
      .map((instruct) => Buffer.from(JSON.stringify(instruct))),
  );

  it('are within their limits, with each channel once and a clean answer, or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), body, fc.constantFrom(200, 201), (headers, bytes, code) => {
        try {
          const instruct = parseInstruct(answer(headers, { body: bytes, code }));
          expect(instruct.timeout).toBeGreaterThanOrEqual(5);
          expect(instruct.keepAlive?.timeout ?? 1).toBeGreaterThanOrEqual(1);
          expect(new Set(instruct.channels.map((channel) => channel.name)).size).toBe(instruct.channels.length);
          expect(isGripResponse(instruct.response.headers.filter(([header]) => header !== 'Content-Type'))).toBe(false);
          expect(instruct.response.headers.some(([header]) => header === 'Connection')).toBe(false);
          expect(instruct.response.reason).not.toBe('');
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
          expect(error).toMatchObject({ code: 'HOLDFAST_INSTRUCT_INVALID' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

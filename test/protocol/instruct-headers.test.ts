import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { encodeHeaderText, type HeaderList } from '../../src/protocol/headers.js';
import { parseGripLast, parseInstructHeaders } from '../../src/protocol/instruct-headers.js';

/** Header lines from `Name: value` lines. */
function lines(...texts: string[]): HeaderList {
  return texts.map((text) => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
}

function failure(headers: HeaderList): HoldfastError {
  try {
    parseInstructHeaders(headers);
  } catch (error) {
    if (error instanceof HoldfastError) {
      return error;
    }
    throw error;
  }
  throw new Error('the headers were taken');
}

const five = 'filter=a; filter=b; filter=c; filter=d; filter=e';

describe('Grip-Hold', () => {
  it.each([
    [['Other: x'], undefined],
    [['Grip-Hold: response'], 'response'],
    [['grip-hold: stream'], 'stream'],
    [['Grip-Hold: stream', 'Grip-Hold: response'], 'stream'],
    [['Grip-Hold: stream', 'Grip-Hold: nonsense'], 'stream'],
  ])('%j asks for %j', (headers, expected) => {
    expect(parseInstructHeaders(lines(...headers)).hold).toBe(expected);
  });
});

describe('Grip-Channel', () => {
  it.each([
    [[], []],
    [['Grip-Channel:'], []],
    [['Grip-Channel: a'], [{ name: 'a', prevId: undefined, filters: [] }]],
    [
      ['Grip-Channel: a, b', 'GRIP-CHANNEL: c'],
      ['a', 'b', 'c'].map((name) => ({ name, prevId: undefined, filters: [] })),
    ],
    [['Grip-Channel: a; prev-id=1'], [{ name: 'a', prevId: '1', filters: [] }]],
    [['Grip-Channel: a; prev-id='], [{ name: 'a', prevId: '', filters: [] }]],
    [['Grip-Channel: a; prev-id'], [{ name: 'a', prevId: '', filters: [] }]],
    [['Grip-Channel: a; prev-id=""'], [{ name: 'a', prevId: '', filters: [] }]],
    [['Grip-Channel: a; Prev-Id="1,\\"2;3"'], [{ name: 'a', prevId: '1,"2;3', filters: [] }]],
    [['Grip-Channel: a; prev-id=1; prev-id=2'], [{ name: 'a', prevId: '1', filters: [] }]],
    [
      ['Grip-Channel: a; filter=skip-self; prev-id=1; FILTER="var-subst"'],
      [{ name: 'a', prevId: '1', filters: ['skip-self', 'var-subst'] }],
    ],
    [[`Grip-Channel: a; ${five}`], [{ name: 'a', prevId: undefined, filters: ['a', 'b', 'c', 'd', 'e'] }]],
    [['Grip-Channel: "a b"'], [{ name: '"a b"', prevId: undefined, filters: [] }]],
    [['Grip-Channel: a; other=1'], [{ name: 'a', prevId: undefined, filters: [] }]],
    [['Grip-Channel: a, b; prev-id="1'], [{ name: 'a', prevId: undefined, filters: [] }]],
    [
      ['Grip-Channel: a; prev-id=1, a; prev-id=2'],
      [
        { name: 'a', prevId: '1', filters: [] },
        { name: 'a', prevId: '2', filters: [] },
      ],
    ],
    [['Grip-Channel: __proto__'], [{ name: '__proto__', prevId: undefined, filters: [] }]],
  ])('%j names %j', (headers, expected) => {
    expect(parseInstructHeaders(lines(...headers)).channels).toEqual(expected);
  });

  it('reads names, ids and filters as UTF-8', () => {
    const value = encodeHeaderText('grüße; prev-id=№1; filter=ф');
    expect(parseInstructHeaders([['Grip-Channel', value]]).channels).toEqual([
      { name: 'grüße', prevId: '№1', filters: ['ф'] },
    ]);
  });
});

describe('Grip-Timeout', () => {
  it.each([
    [[], undefined],
    [['Grip-Timeout: 0'], 0],
    [['Grip-Timeout: +30'], 30],
    [['Grip-Timeout: 120', 'Grip-Timeout: x'], 120],
    [['Grip-Timeout: 2147483647'], 2147483647],
  ])('%j gives %j seconds', (headers, expected) => {
    expect(parseInstructHeaders(lines(...headers)).timeout).toBe(expected);
  });
});

describe('Grip-Expose-Headers', () => {
  it.each([
    [[], []],
    [['Grip-Expose-Headers:'], []],
    [
      ['Grip-Expose-Headers: Content-Type, X-A', 'grip-expose-headers: x-b'],
      ['Content-Type', 'X-A', 'x-b'],
    ],
  ])('%j names %j', (headers, expected) => {
    expect(parseInstructHeaders(lines(...headers)).exposeHeaders).toEqual(expected);
  });
});

describe('Grip-Keep-Alive', () => {
  it.each([
    ['ping', 'ping', 'idle', 55],
    ['a, b', 'a, b', 'idle', 55],
    ['\\n; format=raw', '\\n', 'idle', 55],
    ['x; format=; mode=', 'x', 'idle', 55],
    ['x; mode=idle', 'x', 'idle', 55],
    ['x; mode=interval; timeout=20', 'x', 'interval', 20],
    ['x; timeout=0', 'x', 'idle', 0],
    [':\\r\\n\\n; format=cstring', ':\r\n\n', 'idle', 55],
    ['a\\\\b\\x41\\x7e\\q; format=cstring', 'a\\bA~', 'idle', 55],
    ['\\xfFz; Format="cstring"', '\u00ffz', 'idle', 55],
    ['\\x5cn; format=cstring', '\\n', 'idle', 55],
    ['aGVsbG8=; format=base64; timeout=5', 'hello', 'idle', 5],
    ['aGVs*bG8; format=base64', 'hello', 'idle', 55],
    ['\u00c3\u00a9\u00ff', '\u00c3\u00a9\u00ff', 'idle', 55],
  ])('%j', (value, content, mode, timeout) => {
    expect(parseInstructHeaders([['Grip-Keep-Alive', value]]).keepAlive).toEqual({
      content: Buffer.from(content, 'latin1'),
      mode,
      timeout,
    });
  });

  it('sends text of a list that was not read from a connection as UTF-8', () => {
    expect(parseInstructHeaders([['Grip-Keep-Alive', '€']]).keepAlive?.content.toString()).toBe('€');
  });

  it.each([
    [[]],
    [['Grip-Keep-Alive:']],
    [['Grip-Keep-Alive: x; mode="idle']],
    [['Grip-Keep-Alive:', 'Grip-Keep-Alive: x']],
  ])('%j asks for none', (headers) => {
    expect(parseInstructHeaders(lines(...headers)).keepAlive).toBeUndefined();
  });
});

describe('Grip-Set-Meta', () => {
  it.each([
    [[], []],
    [['Grip-Set-Meta:'], []],
    [['Grip-Set-Meta: foo=bar'], [['foo', 'bar']]],
    [
      ['Grip-Set-Meta: Foo="a, \\"b\\""; ignored=1, user=bob'],
      [
        ['Foo', 'a, "b"'],
        ['user', 'bob'],
      ],
    ],
    [
      ['Grip-Set-Meta: a=1', 'grip-set-meta: a=2, b'],
      [
        ['a', '2'],
        ['b', ''],
      ],
    ],
    [['Grip-Set-Meta: a=1, b="2'], [['a', '1']]],
    [
      ['Grip-Set-Meta: __proto__=x, constructor=y'],
      [
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ],
    ],
    [['Grip-Set-Meta: k\u00c3\u00a9=v\u00c3\u00a9'], [['ké', 'vé']]],
  ])('%j sets %j', (headers, expected) => {
    expect([...parseInstructHeaders(lines(...headers)).meta]).toEqual(expected);
  });
});

describe('Grip-Status', () => {
  it.each([
    [[], undefined],
    [['Grip-Status:'], undefined],
    [['Grip-Status: 200 Okay'], { code: 200, reason: 'Okay' }],
    [['Grip-Status: 404'], { code: 404, reason: '' }],
    [['Grip-Status: 404  Nothing  here'], { code: 404, reason: 'Nothing  here' }],
    [['Grip-Status: 0', 'Grip-Status: 200'], { code: 0, reason: '' }],
    [['Grip-Status: 999 Last'], { code: 999, reason: 'Last' }],
  ])('%j gives %j', (headers, expected) => {
    expect(parseInstructHeaders(lines(...headers)).status).toEqual(expected);
  });
});

describe('Grip-Link', () => {
  it.each([
    [[], undefined, undefined],
    [['Grip-Link: </next>; rel=next'], { uri: '/next', timeout: 120 }, undefined],
    [['Grip-Link: <a?b=c&d>; rel="next"; timeout=0'], { uri: 'a?b=c&d', timeout: 0 }, undefined],
    [['Grip-Link: <https://h:8/x>; REL=gone; timeout=x'], undefined, 'https://h:8/x'],
    [
      ['Grip-Link: </1>; rel=next; timeout=7, </2>; rel=gone', 'Grip-Link: </3>; rel=next'],
      { uri: '/3', timeout: 120 },
      '/2',
    ],
    [['Grip-Link: nonsense, <>, </a>'], undefined, undefined],
    [['Grip-Link: </a>; rel=prev; timeout=x'], undefined, undefined],
    [['Grip-Link: </a>; rel=NEXT'], undefined, undefined],
    [['Grip-Link: </a>; rel="next'], undefined, undefined],
    [['Grip-Link: <\u00c3\u00a9>; rel=next'], { uri: 'é', timeout: 120 }, undefined],
  ])('%j links to %j and %j', (headers, nextLink, goneLink) => {
    const instruct = parseInstructHeaders(lines(...headers));
    expect(instruct.nextLink).toEqual(nextLink);
    expect(instruct.goneLink).toBe(goneLink);
  });
});

describe('instruction headers that cannot be taken', () => {
  it.each([
    ['Grip-Hold:', "Grip-Hold must be set to either 'response' or 'stream'"],
    ['Grip-Hold: Stream', "Grip-Hold must be set to either 'response' or 'stream'"],
    ['Grip-Hold: response, stream', "Grip-Hold must be set to either 'response' or 'stream'"],
    [`Grip-Channel: a, X; ${five}; filter=f`, "too many filters for channel 'X'"],
    ['Grip-Timeout:', 'failed to parse Grip-Timeout'],
    ['Grip-Timeout: 5.5', 'failed to parse Grip-Timeout'],
    ['Grip-Timeout: ten', 'failed to parse Grip-Timeout'],
    ['Grip-Timeout: 2147483648', 'failed to parse Grip-Timeout'],
    ['Grip-Timeout: -1', 'Grip-Timeout has invalid value'],
    ['Grip-Keep-Alive: ; format=raw', 'Grip-Keep-Alive cannot be empty'],
    ['Grip-Keep-Alive: x; mode=X', "no such Grip-Keep-Alive mode 'X'"],
    ['Grip-Keep-Alive: x; mode=none', "no such Grip-Keep-Alive mode 'none'"],
    ['Grip-Keep-Alive: x; timeout=', 'failed to parse Grip-Keep-Alive timeout value'],
    ['Grip-Keep-Alive: x; timeout=1s', 'failed to parse Grip-Keep-Alive timeout value'],
    ['Grip-Keep-Alive: x; timeout=-1', 'Grip-Keep-Alive timeout has invalid value'],
    ['Grip-Keep-Alive: a\\; format=cstring', 'failed to parse Grip-Keep-Alive cstring format'],
    ['Grip-Keep-Alive: \\x4; format=cstring', 'failed to parse Grip-Keep-Alive cstring format'],
    ['Grip-Keep-Alive: \\x; format=cstring', 'failed to parse Grip-Keep-Alive cstring format'],
    ['Grip-Keep-Alive: \\x4g; format=cstring', 'failed to parse Grip-Keep-Alive cstring format'],
    ['Grip-Keep-Alive: \\q; format=cstring', 'failed to parse Grip-Keep-Alive cstring format'],
    ['Grip-Keep-Alive: x; format=Y', "no such Grip-Keep-Alive format 'Y'"],
    ['Grip-Set-Meta: a=1,,b=2', 'Grip-Set-Meta cannot be empty'],
    ['Grip-Status: OK', 'Grip-Status contains invalid status code'],
    ['Grip-Status: -1', 'Grip-Status contains invalid status code'],
    ['Grip-Status: 1000 Big', 'Grip-Status contains invalid status code'],
    ['Grip-Link: /next; rel=next', 'failed to parse Grip-Link value'],
    ['Grip-Link: <>; rel=next', 'failed to parse Grip-Link value'],
    ['Grip-Link: </next; rel=next', 'failed to parse Grip-Link value'],
    ['Grip-Link: /next>; rel=other', 'failed to parse Grip-Link value'],
    ['Grip-Link: <http://h:99999/>; rel=next', 'Grip-Link contains invalid link'],
    ['Grip-Link: <http://[::1/>; rel=gone', 'Grip-Link contains invalid link'],
    ['Grip-Link: </n>; rel=next; timeout=soon', 'failed to parse Grip-Link timeout value'],
    ['Grip-Link: </n>; rel=next; timeout=-1', 'Grip-Link timeout has invalid value'],
  ])('%j', (line, message) => {
    const error = failure(lines(line));
    expect(error.message).toBe(message);
    expect(error.code).toBe('HOLDFAST_INSTRUCT_INVALID');
  });
});

describe('Grip-Last', () => {
  it.each<[string[], Array<[string, string]>]>([
    [[], []],
    [['Grip-Last: a; last-id=1'], [['a', '1']]],
    [
      ['Grip-Last: a; last-id="1,2", b; LAST-ID=3', 'grip-last: c; last-id='],
      [
        ['a', '1,2'],
        ['b', '3'],
        ['c', ''],
      ],
    ],
    [['Grip-Last: a; last-id=1, b, c; other=1'], [['a', '1']]],
    [['Grip-Last: a; last-id=1', 'Grip-Last: a; last-id=2'], [['a', '2']]],
    [['Grip-Last: a; last-id="1'], []],
    [['Grip-Last: \u00c3\u00a9; last-id=\u00c3\u00a8'], [['é', 'è']]],
  ])('%j', (headers, expected) => {
    expect([...parseGripLast(lines(...headers))]).toEqual(expected);
  });
});

describe('properties of the instruction headers', () => {
  const name = fc.constantFrom(
    'Grip-Hold',
    'Grip-Channel',
    'Grip-Timeout',
    'Grip-Expose-Headers',
    'Grip-Keep-Alive',
    'Grip-Set-Meta',
    'Grip-Status',
    'Grip-Link',
    'Grip-Last',
  );
  const word = fc.constantFrom(
    ...[
      'response',
      'stream',
      'a',
      'rel=next',
      'rel=gone',
      '</x>',
      '<//>',
      'prev-id',
      'filter=f',
      'timeout=9',
      'mode=idle',
    ],
    ...[
      'format=cstring',
      'format=base64',
      '\\x41',
      '\\',
      '"',
      ';',
      ',',
      '=',
      ' ',
      '200',
      '-1',
      '\u00e9',
      '\u0000',
      '__proto__',
    ],
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word).map((words) => words.join('')),
  );
  const list: fc.Arbitrary<HeaderList> = fc.array(fc.tuple(name, value));

  it('are either taken within their limits or refused as an invalid instruct', () => {
    fc.assert(
      fc.property(list, (headers) => {
        expect(parseGripLast(headers)).toBeInstanceOf(Map);
        try {
          const instruct = parseInstructHeaders(headers);
          expect(instruct.timeout ?? 0).toBeGreaterThanOrEqual(0);
          expect(instruct.keepAlive?.timeout ?? 0).toBeGreaterThanOrEqual(0);
          expect(instruct.nextLink?.timeout ?? 0).toBeGreaterThanOrEqual(0);
          expect(Math.max(0, ...instruct.channels.map(({ filters }) => filters.length))).toBeLessThanOrEqual(5);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
          expect(error).toMatchObject({ code: 'HOLDFAST_INSTRUCT_INVALID' });
        }
      }),
    );
  });

  it('give back channels that were written with quoted values', () => {
    const text = fc.string({ unit: 'grapheme-composite' });
    const channel = fc.record({
      name: fc.stringMatching(/^[^\s;,"]{1,8}$/),
      prevId: fc.option(text, { nil: undefined }),
      filters: fc.array(text, { maxLength: 5 }),
    });
    const quote = (content: string) => `"${content.replace(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(channel), (channels) => {
        const headers = channels.map(({ name: channelName, prevId, filters }): [string, string] => {
          const parameters = filters.map((filter) => `; filter=${quote(filter)}`).join('');
          const id = prevId === undefined ? '' : `; prev-id=${quote(prevId)}`;
          return ['Grip-Channel', encodeHeaderText(`${channelName}${id}${parameters}`)];
        });
        expect(parseInstructHeaders(headers).channels).toEqual(channels);
      }),
    );
  });

  it('give back any bytes that were written as cstring or base64 keep-alive', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const content = Buffer.from(bytes);
        const escaped = [...content].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
        for (const header of [`${escaped}; format=cstring`, `${content.toString('base64')}; format=base64`]) {
          expect(parseInstructHeaders([['Grip-Keep-Alive', header]]).keepAlive?.content).toEqual(content);
        }
      }),
    );
  });
});

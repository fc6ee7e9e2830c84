import { describe, expect, it } from 'vitest';
import {
  acceptedBytes,
  gripOf,
  isEventsResponse,
  keepAliveInterval,
  openingHeaders,
  storeMeta,
} from '../../src/backend/websocket-over-http/response-headers.js';
import type { HeaderList } from '../../src/protocol/headers.js';

function one(name: string, value: string | undefined): HeaderList {
  return value === undefined ? [] : [[name, value]];
}

describe('an answer with events', () => {
  it.each([
    [200, 'application/websocket-events', true],
    [200, 'application/websocket-events; charset=utf-8', false],
    [200, 'Application/WebSocket-Events', false],
    [200, 'text/plain', false],
    [200, undefined, false],
    [201, 'application/websocket-events', false],
    [404, 'application/websocket-events', false],
  ])('has code 200 and exactly that type: %i, %s: %s', (code, type, events) => {
    const headers = one('content-type', type);
    expect(isEventsResponse({ code, reason: '', headers, body: Buffer.alloc(0) })).toBe(events);
  });
});

describe('Keep-Alive-Interval', () => {
  it.each([
    [undefined, undefined],
    ['120', 120],
    [' 20 ', 20],
    ['19', 20],
    ['1', 20],
    ['0', 0],
    ['-5', 0],
    ['', 0],
    ['soon', 0],
    ['30s', 0],
    ['30.5', 0],
    ['99999999999', 0],
  ])('of %j is %s seconds', (value, seconds) => {
    expect(keepAliveInterval(one('Keep-Alive-Interval', value))).toBe(seconds);
  });
});

describe('Content-Bytes-Accepted', () => {
  it.each([
    [undefined, undefined],
    ['0', 0],
    ['17', 17],
    [' 17 ', 17],
    ['-1', undefined],
    ['', undefined],
    ['all', undefined],
    ['1.5', undefined],
    ['0x10', undefined],
  ])('of %j is %s bytes', (value, bytes) => {
    expect(acceptedBytes(one('content-bytes-accepted', value))).toBe(bytes);
  });
});

describe('Set-Meta', () => {
  function stored(before: readonly [string, string][], headers: HeaderList): [string, string][] {
    const meta = new Map(before);
    storeMeta(headers, meta);
    return [...meta];
  }

  it.each<[string, [string, string][], HeaderList, [string, string][]]>([
    ['stores a value under the rest of the name, case kept', [], [['Set-Meta-User-Id', 'x']], [['User-Id', 'x']]],
    ['is known in any case', [], [['SET-META-a', '1']], [['a', '1']]],
    ['takes nothing without a name', [], [['Set-Meta-', '1']], []],
    ['replaces a value', [['a', '1']], [['Set-Meta-a', '2']], [['a', '2']]],
    ['replaces a value whose name is written differently', [['User', '1']], [['set-meta-user', '2']], [['user', '2']]],
    [
      'deletes with an empty value',
      [
        ['a', '1'],
        ['b', '2'],
      ],
      [['Set-Meta-A', '']],
      [['b', '2']],
    ],
    [
      'takes several in order, the last of a name counting',
      [],
      [
        ['Set-Meta-a', '1'],
        ['Set-Meta-b', '2'],
        ['Set-Meta-a', '3'],
      ],
      [
        ['b', '2'],
        ['a', '3'],
      ],
    ],
    [
      'leaves other headers alone',
      [['a', '1']],
      [
        ['Meta-a', '2'],
        ['X-Set-Meta-a', '3'],
      ],
      [['a', '1']],
    ],
  ])('%s', (_, before, headers, after) => {
    expect(stored(before, headers)).toEqual(after);
  });
});

describe('Sec-WebSocket-Extensions', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['permessage-deflate', undefined],
    ['grip', 'm:'],
    ['grip; message-prefix=""', ''],
    ['grip; message-prefix="say "', 'say '],
    ['grip; message-prefix=x', 'x'],
    ['grip; other=1', 'm:'],
    ['permessage-deflate; x=1, grip; message-prefix="a,b;c"', 'a,b;c'],
    ['gripped', undefined],
  ])('%j asks for GRIP with the prefix %j', (value, prefix) => {
    expect(gripOf(one('sec-websocket-extensions', value))).toEqual(prefix === undefined ? undefined : { prefix });
  });
});

describe('the headers of the 101', () => {
  it('are those of the answer without what is meant for the proxy or for one hop', () => {
    const dropped = [
      'Content-Length',
      'Content-Type',
      'Keep-Alive-Interval',
      'Content-Bytes-Accepted',
      'Sec-WebSocket-Extensions',
      'Set-Meta-User',
      'SET-META-x',
      'Connection',
      'Keep-Alive',
      'Content-Encoding',
      'Transfer-Encoding',
      'Upgrade',
    ];
    const headers: HeaderList = [
      ['Set-Cookie', 'a'],
      ...dropped.map((name): [string, string] => [name, 'x']),
      ['Sec-WebSocket-Protocol', 'chat'],
      ['Set-Cookie', 'b'],
    ];
    expect(openingHeaders(headers)).toEqual([
      ['Set-Cookie', 'a'],
      ['Sec-WebSocket-Protocol', 'chat'],
      ['Set-Cookie', 'b'],
    ]);
  });
});

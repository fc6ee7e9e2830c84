/** Request heads that are too large, of another protocol, or made of characters that have no place in them. */
import { describe, expect, it } from 'vitest';
import { AttackStage, early, INVALID_TOKEN, OK_ANSWER } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';

const TOO_LARGE = early('Request header size exceeded limit of 8192 bytes.');
const BAD_VERSION = early('Failed to parse request: invalid HTTP version');
const MANY_HOSTS = early('Failed to parse request: more than one host');
const BAD_HOST = early('Failed to parse request: invalid host');
const NO_TUNNEL = early('CONNECT is not supported.', '1.1', '501 Not Implemented');
const TOO_MANY = 'Failed to parse request: too many headers';

function get(line: string, headers = 'Host: example.com\r\n'): string {
  return `${line}\r\n${headers}\r\n`;
}

const REFUSED: readonly (readonly [what: string, request: string, answer: string])[] = [
  ['a value that makes the head too large', get('GET / HTTP/1.1', `X: ${'y'.repeat(8_200)}\r\n`), TOO_LARGE],
  ['a name that makes the head too large', get('GET / HTTP/1.1', `${'X'.repeat(8_200)}: y\r\n`), TOO_LARGE],
  ['a URI longer than the head may be', get(`GET /${'y'.repeat(8_200)} HTTP/1.1`), TOO_LARGE],
  ['a URI that never ends', `GET /${'y'.repeat(200_000)}`, TOO_LARGE],
  ['large headers one after the other', get('GET / HTTP/1.1', `X: ${'y'.repeat(900)}\r\n`.repeat(10)), TOO_LARGE],
  ['65 headers', get('GET / HTTP/1.1', 'X: y\r\n'.repeat(65)), early(TOO_MANY)],
  ['65 headers in HTTP/1.0', get('GET / HTTP/1.0', 'X: y\r\n'.repeat(65)), early(TOO_MANY)],
  [
    '65 headers with an upgrade',
    get('GET / HTTP/1.1', `Upgrade: x\r\nConnection: upgrade\r\n${'X: y\r\n'.repeat(65)}`),
    early(TOO_MANY),
  ],
  [
    '65 headers with a WebSocket handshake',
    get('GET / HTTP/1.1', `Upgrade: websocket\r\nConnection: upgrade\r\n${'X: y\r\n'.repeat(63)}`),
    early(TOO_MANY),
  ],
  ['no version', 'GET /\r\n\r\n', BAD_VERSION],
  ['HTTP/0.9', get('GET / HTTP/0.9'), BAD_VERSION],
  ['HTTP/2.0', get('GET / HTTP/2.0'), BAD_VERSION],
  ['HTTP/1.2', get('GET / HTTP/1.2'), INVALID_TOKEN],
  ['HTTP/1.10', get('GET / HTTP/1.10'), INVALID_TOKEN],
  ['a version in small letters', get('GET / http/1.1'), INVALID_TOKEN],
  ['a blank behind the version', get('GET / HTTP/1.1 '), INVALID_TOKEN],
  ['another protocol', get('GET / SIP/2.0'), INVALID_TOKEN],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', INVALID_TOKEN],
  ['the hello of TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', INVALID_TOKEN],
  ['a WebSocket frame', '\x81\x85\x01\x02\x03\x04hello', INVALID_TOKEN],
  ['a NUL', '\0', INVALID_TOKEN],
  ['a NUL in the target', get('GET /a\0b HTTP/1.1'), INVALID_TOKEN],
  ['a tab in the target', get('GET /a\tb HTTP/1.1'), INVALID_TOKEN],
  ['a blank in the target', get('GET /a b HTTP/1.1'), INVALID_TOKEN],
  ['a DEL in the target', get('GET /a\x7fb HTTP/1.1'), INVALID_TOKEN],
  ['a byte above ASCII in the target', get('GET /a\xe4b HTTP/1.1'), INVALID_TOKEN],
  ['a CR in the target', get('GET /a\rb HTTP/1.1'), INVALID_TOKEN],
  ['a NUL in a name', get('GET / HTTP/1.1', 'X\0: a\r\n'), INVALID_TOKEN],
  ['a control character in a name', get('GET / HTTP/1.1', 'X\x01: a\r\n'), INVALID_TOKEN],
  ['a byte above ASCII in a name', get('GET / HTTP/1.1', 'X\xe4: a\r\n'), INVALID_TOKEN],
  ['a blank in a name', get('GET / HTTP/1.1', 'X Y: a\r\n'), INVALID_TOKEN],
  ['no name', get('GET / HTTP/1.1', ': a\r\n'), INVALID_TOKEN],
  ['no colon', get('GET / HTTP/1.1', 'abc\r\n'), INVALID_TOKEN],
  ['a NUL in a value', get('GET / HTTP/1.1', 'X: a\0b\r\n'), INVALID_TOKEN],
  ['a control character in a value', get('GET / HTTP/1.1', 'X: a\x1bb\r\n'), INVALID_TOKEN],
  ['a DEL in a value', get('GET / HTTP/1.1', 'X: a\x7fb\r\n'), INVALID_TOKEN],
  ['a method that is no token', get('G@T / HTTP/1.1'), INVALID_TOKEN],
  ['no method', get(' / HTTP/1.1'), INVALID_TOKEN],
  ['no target', get('GET HTTP/1.1'), INVALID_TOKEN],
  ['a target that is no path', get('GET secret HTTP/1.1'), INVALID_TOKEN],
  ['a target in authority form', get('GET victim.example:80 HTTP/1.1'), INVALID_TOKEN],
  ['a tunnel', get('CONNECT victim.example:80 HTTP/1.1'), NO_TUNNEL],
  ['two hosts', get('GET / HTTP/1.1', 'Host: a.example\r\nHost: b.example\r\n'), MANY_HOSTS],
  ['the same host twice', get('GET / HTTP/1.1', 'Host: a.example\r\nhOST: a.example\r\n'), MANY_HOSTS],
  ['a host with a path', get('GET / HTTP/1.1', 'Host: a.example/b\r\n'), BAD_HOST],
  ['a host with a user', get('GET / HTTP/1.1', 'Host: user@a.example\r\n'), BAD_HOST],
  ['a host with a blank', get('GET / HTTP/1.1', 'Host: a.example b.example\r\n'), BAD_HOST],
  ['a host with a query', get('GET / HTTP/1.1', 'Host: a.example?b\r\n'), BAD_HOST],
  ['a target with a user', get('GET http://known.example:pw@evil.example/x HTTP/1.1'), BAD_HOST],
  ['a target with nothing but a user', get('GET http://known.example@/x HTTP/1.1'), BAD_HOST],
  ['a target with a backslash in its host', get('GET http://known.example\\@evil.example/x HTTP/1.1'), INVALID_TOKEN],
  ['a target of another scheme', get('GET ftp://example.com/x HTTP/1.1'), BAD_HOST],
  ['a target of a script', get('GET javascript://example.com/x HTTP/1.1'), BAD_HOST],
  [
    'a target with a user in a WebSocket handshake',
    get(
      'GET ws://known.example:pw@evil.example/x HTTP/1.1',
      'Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
    BAD_HOST,
  ],
  ['a host with a byte above ASCII', get('GET / HTTP/1.1', 'Host: \xe4.example\r\n'), BAD_HOST],
];

describe.each(PARSERS)('a head that cannot be taken (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it.each(REFUSED)('is refused and closes the connection: %s', async (_what, request, answer) => {
    const stage = await AttackStage.start(opened);
    expect(await stage.untilEnd(request)).toEqual({ text: answer, how: 'fin' });
    expect(stage.forwarded).toEqual([]);
    expect(stage.holdfast.counters.badRequests).toBe(1);
    await stage.onlyNeighbourLeft();
    await stage.undisturbed();
  });
});

describe.each(PARSERS)('a head at the edge of what is taken (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  const TAKEN: readonly (readonly [what: string, request: string, sent: string, host: string])[] = [
    ['64 headers', get('GET /a HTTP/1.1', `Host: example.com\r\n${'X: y\r\n'.repeat(63)}`), 'GET /a', 'example.com'],
    [
      'a head of 8,100 bytes',
      get('GET /a HTTP/1.1', `Host: example.com\r\nX: ${'y'.repeat(8_058)}\r\n`),
      'GET /a',
      'example.com',
    ],
    ['a URI of 7,000 bytes', get(`GET /${'a'.repeat(6_999)} HTTP/1.1`), `GET /${'a'.repeat(6_999)}`, 'example.com'],
    ['empty lines before the request', `\r\n\r\n${get('GET /a HTTP/1.1')}`, 'GET /a', 'example.com'],
    ['no host', get('GET /a HTTP/1.1', ''), 'GET /a', 'localhost'],
    ['a host with a port, in capitals', get('GET /a HTTP/1.1', 'Host: EXAMPLE.com:80\r\n'), 'GET /a', 'example.com:80'],
    ['an IPv6 host', get('GET /a HTTP/1.1', 'Host: [::1]:80\r\n'), 'GET /a', '[::1]:80'],
    [
      'a target in absolute form',
      get('GET http://B.example/a?b HTTP/1.1', 'Host: a.example\r\n'),
      'GET /a?b',
      'b.example',
    ],
    ['a target in absolute form without a path', get('GET http://b.example HTTP/1.1'), 'GET /', 'b.example'],
    ['a target with a port', get('GET HTTP://b.example:81/a HTTP/1.1'), 'GET /a', 'b.example:81'],
    ['a target of IPv6', get('GET http://[::1]:81/a HTTP/1.1'), 'GET /a', '[::1]:81'],
    ['a target with a query and no path', get('GET http://b.example?c HTTP/1.1'), 'GET /?c', 'b.example'],
    ['a target of a WebSocket', get('GET ws://b.example/a HTTP/1.1'), 'GET /a', 'b.example'],
    [
      'dots and escapes in the path',
      get('GET /a/../%2e%2e/%00%0d%0a HTTP/1.1'),
      'GET /a/../%2e%2e/%00%0d%0a',
      'example.com',
    ],
    [
      'an upgrade that nobody offers',
      get('GET /a HTTP/1.1', 'Host: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n'),
      'GET /a',
      'example.com',
    ],
    [
      'bytes above ASCII in a value',
      get('GET /a HTTP/1.1', 'Host: example.com\r\nX: \xe4\xff\r\n'),
      'GET /a',
      'example.com',
    ],
  ];

  it.each(TAKEN)('reaches the origin, and the connection stays open: %s', async (_what, request, sent, host) => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    for (let time = 1; time <= 2; time += 1) {
      client.write(Buffer.from(request, 'latin1'));
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    }
    expect(stage.forwarded).toEqual([sent, sent]);
    expect(stage.origin.requests.at(-1)?.head.match(/^host: (.*)\r$/im)?.[1]).toBe(host);
    await stage.undisturbed();
  });

  it('may ask for upgrades ten thousand times on one connection', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    const request = get('GET /a HTTP/1.1', 'Host: example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n');
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): number => warnings.push(warning);
    process.on('warning', onWarning);
    for (let time = 1; time <= 10_000; time += 1) {
      client.write(request);
      await client.read(OK_ANSWER.length);
    }
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    expect(stage.forwarded).toHaveLength(10_000);
  });

  it('may ask for the server itself, which no route stands for', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    const answer =
      'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\nRoute not found\n';
    for (const target of ['*', '*x']) {
      client.write(get(`OPTIONS ${target} HTTP/1.1`));
      expect(await client.readAsLongAs(answer)).toBe(answer);
    }
    expect(stage.forwarded).toEqual([]);
    await stage.undisturbed();
  });

  it('loses its wish to close the connection to no upgrade', async () => {
    const stage = await AttackStage.start(opened);
    const { text } = await stage.untilEnd(get('GET /a HTTP/1.1', 'Upgrade: h2c\r\nConnection: Upgrade, close\r\n'));
    expect(text).toBe(OK_ANSWER.replace('\r\n', '\r\nConnection: close\r\n'));
  });
});

describe('a method that is registered nowhere', () => {
  const METHODS = [
    ['in small letters', 'get'],
    ['of another protocol', 'BREW'],
    ['of signs', "!#$%&'*+-.^_`|~"],
  ] as const;

  describe('parser: holdfast', () => {
    const opened = new Opened('holdfast');

    it.each(METHODS)('reaches the origin as it is: %s', async (_what, method) => {
      const stage = await AttackStage.start(opened);
      const client = await stage.client();
      client.write(get(`${method} /a HTTP/1.1`));
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
      expect(stage.forwarded).toEqual([`${method} /a`]);
      await stage.undisturbed();
    });
  });

  describe('parser: node', () => {
    const opened = new Opened('node');

    it.each(METHODS)('is refused: %s', async (_what, method) => {
      const stage = await AttackStage.start(opened);
      const ended = await stage.untilEnd(get(`${method} /a HTTP/1.1`));
      expect(ended).toEqual({ text: INVALID_TOKEN, how: 'fin' });
      expect(stage.forwarded).toEqual([]);
      await stage.undisturbed();
    });
  });
});

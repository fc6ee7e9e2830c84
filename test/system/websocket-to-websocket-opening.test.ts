/** The handshake with an origin that speaks WebSocket itself: what it is asked, and what becomes of its answer (11.1). */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { LineLog } from '../support/events.js';
import { REFUSING_TARGET } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';
import { RawOrigin, type RawReply } from '../support/raw-origin.js';
import { frame, knock } from '../support/websocket-client.js';
import { accepting, framesAt, said, switching, WebSocketOriginServer } from '../support/websocket-origin.js';

const ACCEPTED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

/** A message of an origin, as a raw client reads it. */
function text(content: string): string {
  return said('text', content).toString('latin1');
}

const opened = new Opened();

/** A Holdfast with raw origins behind it; `ORIGIN` in a route stands for the first, `SPARE` for the second. */
async function stage(route = '* ORIGIN', options: HoldfastOptions = {}) {
  const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
  const spare = opened.add(await RawOrigin.start(), (one) => one.stop());
  spare.reply('/chat', accepting(said('text', 'spare')));
  const line = route.replaceAll('ORIGIN', origin.target).replaceAll('SPARE', spare.target);
  const holdfast = await opened.holdfast({ routes: [line], ...options });
  // End before Holdfast does, which would wait for them.
  for (const one of [origin, spare]) opened.add(one, (raw) => raw.stop());
  const ask = async (...headers: readonly string[]): Promise<RawClient> =>
    opened.add(await knock(clientPort(holdfast), '/chat', ...headers), (client) => client.close());
  return { origin, spare, holdfast, ask };
}

/** The head of the origin's first request with what is different each time replaced. */
function steady(head: string): string {
  return head
    .replace(/(Sec-WebSocket-Key: ).*/, '$1KEY')
    .replace(/(Grip-Sig: ).*/, '$1TOKEN')
    .replace(/(Grip-Feature: ).*/, '$1LIST');
}

describe('the handshake with a WebSocket origin', () => {
  it('says its own part first, then what the client said, then what we add', async () => {
    const { origin, ask } = await stage('* ORIGIN', { settings: { proxy: { xForwardedFor: ['append'] } } });
    origin.reply('/chat', accepting());
    const client = await ask(
      'Sec-WebSocket-Protocol: chat, other',
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      'Cookie: a=b',
      'Trailer: X-Later',
      'Grip-Sig: forged',
    );
    await client.readUntil('\r\n\r\n');
    const { head, method } = await origin.request('/chat');
    expect(method).toBe('GET');
    expect(steady(head)).toBe(
      [
        'GET /chat HTTP/1.1',
        'Host: example.com',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: KEY',
        'Sec-WebSocket-Protocol: chat, other',
        'Cookie: a=b',
        'Grip-Sig: TOKEN',
        'Grip-Feature: LIST',
        'X-Forwarded-For: 127.0.0.1',
        'Sec-WebSocket-Extensions: grip',
        '',
        '',
      ].join('\r\n'),
    );
    const key = /Sec-WebSocket-Key: (.*)\r/.exec(head)?.[1] ?? '';
    expect(Buffer.from(key, 'base64')).toHaveLength(16);
    expect(key).not.toBe('dGhlIHNhbXBsZSBub25jZQ==');
  });

  it('has a key of its own for each connection', async () => {
    const { origin, ask } = await stage();
    origin.reply('/chat', accepting());
    for (let count = 0; count < 2; count += 1) await (await ask()).readUntil('\r\n\r\n');
    const keys = origin.requests.map(({ head }) => /Sec-WebSocket-Key: (.*)\r/.exec(head)?.[1]);
    expect(new Set(keys).size).toBe(2);
  });

  it('goes where the route rewrites it to', async () => {
    const { origin, ask } = await stage('*,path_beg=/chat,replace_beg=/other ORIGIN,host=inner.example:81');
    const answered = accepting();
    origin.reply('/other', answered);
    const client = await ask();
    await client.readUntil('\r\n\r\n');
    expect((await origin.request('/other')).head).toMatch(/^GET \/other HTTP\/1\.1\r\nHost: inner\.example:81\r\n/);
  });

  it('gives the client the origin’s headers and reason, then our own part', async () => {
    const { origin, ask } = await stage();
    origin.reply('/chat', (request) => {
      const text = switching(
        request,
        'Sec-WebSocket-Protocol: chat',
        'Sec-WebSocket-Extensions: grip',
        'X-Own: 1',
        'Keep-Alive: 5',
      );
      request.connection.write(text.replace('101 Switching Protocols', '101 Here We Go'));
    });
    const client = await ask('Sec-WebSocket-Protocol: chat');
    expect(await client.readUntil('\r\n\r\n')).toBe(
      ACCEPTED.replace('101 Switching Protocols\r\n', '101 Here We Go\r\nSec-WebSocket-Protocol: chat\r\nX-Own: 1\r\n'),
    );
  });

  it('loses nothing that either side says at once', async () => {
    const { origin, ask } = await stage();
    origin.reply('/chat', accepting(Buffer.concat([said('text', 'first'), said('text', 'second')])));
    const client = await ask();
    client.write(frame('text', 'early'));
    expect(await client.readUntil('second')).toBe(ACCEPTED + text('first') + text('second'));
    const [connection] = origin.connections;
    if (connection === undefined) throw new Error('there is no connection');
    await origin.until('the early message', () => framesAt(connection).includes('text early'));
  });

  it('is answered only when the origin has answered, whatever it says of its progress', async () => {
    const { origin, ask } = await stage();
    origin.reply('/chat', (request) => {
      request.connection.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${switching(request)}`);
    });
    expect(await (await ask()).readUntil('\r\n\r\n')).toBe(ACCEPTED);
  });

  it('is logged with its target', async () => {
    const log = new LineLog();
    const { origin, holdfast, ask } = await stage('* ORIGIN', { logger: log });
    origin.reply('/chat', accepting());
    await (await ask()).readUntil('\r\n\r\n');
    await log.until(`info: GET ws://example.com/chat -> ${origin.target} code=101 0`);
    expect(holdfast.counters).toMatchObject({ requests: 1, originRequests: 1, holds: { ws: 1 } });
  });

  it('is given up when the client goes', async () => {
    const log = new LineLog();
    const { origin, ask } = await stage('* ORIGIN', { logger: log });
    origin.reply('/chat', () => {});
    const client = await ask();
    await origin.request('/chat');
    client.close();
    await log.until(`info: GET ws://example.com/chat -> ${origin.target} error`);
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
    expect(origin.connections).toHaveLength(1);
  });
});

describe('an answer that is no WebSocket', () => {
  const UNFIT = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 32\r\n\r\nError while proxying to origin.\n';

  const wrong: readonly (readonly [what: string, answer: (good: string) => string])[] = [
    ['is for another key', (good) => good.replace(/Accept: .{4}/, 'Accept: AAAA')],
    ['has no key', (good) => good.replace(/Sec-WebSocket-Accept: .*\r\n/, '')],
    ['has two keys', (good) => good.replace(/(Sec-WebSocket-Accept: .*\r\n)/, '$1$1')],
    ['is for another protocol', (good) => good.replace('Upgrade: websocket', 'Upgrade: other')],
    ['does not say Upgrade', (good) => good.replace('Upgrade: websocket\r\n', '')],
    ['does not say Connection', (good) => good.replace('Connection: Upgrade\r\n', '')],
    ['is of HTTP/1.0', (good) => good.replace('HTTP/1.1', 'HTTP/1.0')],
    ['announces a body', (good) => good.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc')],
    ['announces chunks', (good) => good.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n')],
    ['is longer than a head may be', (good) => good.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`)],
    ['is not HTTP', () => 'hello\r\n\r\n'],
    ['breaks off', (good) => good.slice(0, 40)],
  ];

  it.each(wrong)('is answered 502 when it %s', async (what, answer) => {
    const { origin, ask, holdfast } = await stage();
    origin.reply('/chat', (request) => {
      request.connection.write(answer(switching(request)));
      if (what === 'breaks off') request.connection.socket.end();
    });
    const client = await ask();
    expect(await client.readAsLongAs(UNFIT)).toBe(UNFIT);
    await client.untilClosed();
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
    expect(holdfast.counters).toMatchObject({ originFailures: 1, requestErrors: 1, holds: { ws: 0 } });
  });

  const refusals: readonly (readonly [what: string, answer: string, seen: string])[] = [
    [
      'with a length',
      'HTTP/1.1 403 Not You\r\nX-Why: because\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nno!',
      'HTTP/1.1 403 Not You\r\nX-Why: because\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nno!',
    ],
    [
      'in chunks',
      'HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n',
      'HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno!',
    ],
    ['without a body', 'HTTP/1.1 204 Nothing\r\n\r\n', 'HTTP/1.1 204 Nothing\r\n\r\n'],
    [
      'that would lead elsewhere',
      'HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'longer than websocket.max_reject_bytes, cut off there',
      `HTTP/1.1 400 Bad\r\nContent-Length: 20\r\n\r\n${'0123456789'.repeat(2)}`,
      'HTTP/1.1 400 Bad\r\nContent-Length: 10\r\n\r\n0123456789',
    ],
    [
      'that is 200 and pretends to upgrade',
      'HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    ],
  ];

  it.each(refusals)('goes to the client when it is a refusal %s', async (_what, answer, seen) => {
    const log = new LineLog();
    const { origin, ask } = await stage('* ORIGIN SPARE', {
      logger: log,
      settings: { websocket: { maxRejectBytes: 10 } },
    });
    origin.reply('/chat', answer);
    const client = await ask();
    expect(await client.readAsLongAs(seen)).toBe(seen);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
    const [, code] = seen.split(' ');
    expect(log.count(`-> ${origin.target} code=${code} ${seen.split('\r\n\r\n')[1]?.length}`)).toBe(1);
  });

  it.each([
    ['breaks off in its body', 'HTTP/1.1 403 No\r\nContent-Length: 20\r\n\r\nno'],
    ['uses a coding that is not chunked', 'HTTP/1.1 403 No\r\nTransfer-Encoding: gzip\r\n\r\nno'],
  ])('is answered 502 when it %s', async (_what, answer) => {
    const { origin, ask } = await stage();
    origin.reply('/chat', (request) => {
      request.connection.write(answer);
      request.connection.socket.end();
    });
    expect(await (await ask()).readAsLongAs(UNFIT)).toBe(UNFIT);
  });
});

describe('the targets of a route for WebSockets', () => {
  it('are tried in order while nobody can be connected to', async () => {
    const { spare, ask, holdfast } = await stage(`* ${REFUSING_TARGET} SPARE`);
    expect(await (await ask()).readUntil('spare')).toBe(ACCEPTED + text('spare'));
    expect(spare.requests).toHaveLength(1);
    expect(holdfast.counters.originFailures).toBe(1);
  });

  it('are tried in order when there is no TLS at the other end', async () => {
    const plain = await opened.origin();
    const { ask } = await stage(`* ${plain.target},ssl SPARE`);
    expect(await (await ask()).readUntil('spare')).toBe(ACCEPTED + text('spare'));
    expect(plain.requests).toEqual([]);
  });

  it('are not tried any more once one of them has been asked', async () => {
    const { origin, spare, ask } = await stage('* ORIGIN SPARE');
    origin.reply('/chat', (request) => request.connection.socket.destroy());
    expect(await (await ask()).readUntil('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
    expect(spare.requests).toEqual([]);
  });

  it('are named when none could be connected to, with debug', async () => {
    const { ask } = await stage(`*,debug ${REFUSING_TARGET}`);
    const client = await ask();
    const { head, status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, `Unable to connect to any targets. Tried: ${REFUSING_TARGET}\n`]);
    expect(head).not.toContain('Content-Type');
  });

  it('are not on this host when they are not trusted', async () => {
    const { origin, spare, ask } = await stage('*,debug ORIGIN,untrusted SPARE');
    const { status, body } = await (await ask()).readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error: Origin host/IP blocked.\n']);
    expect([...origin.connections, ...spare.connections]).toEqual([]);
  });

  it('that are ZeroMQ workers take no WebSockets', async () => {
    const { ask } = await stage('*,debug zhttpreq/tcp://127.0.0.1:*');
    expect((await (await ask()).readAnswer()).body.toString()).toBe('WebSockets cannot be used with zhttpreq target\n');
  });
});

describe('silence', () => {
  it.each([
    ['the handshake is answered 502', () => {}, /^HTTP\/1\.1 502 /],
    ['an open connection is broken off', accepting(), /^HTTP\/1\.1 101 /],
  ] as const)('of an origin is borne for proxy.origin_idle_timeout: %s', async (_what, reply: RawReply, head) => {
    const { origin, ask } = await stage('* ORIGIN', { settings: { proxy: { originIdleTimeout: 0.1 } } });
    origin.reply('/chat', reply);
    const client = await ask();
    expect(await client.readUntil('\r\n\r\n')).toMatch(head);
    await client.untilClosed();
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
  });
});

describe('a WebSocket origin of the package ws', () => {
  it('is asked through us, and the subprotocol it chooses is the client’s', async () => {
    const origin = opened.add(await WebSocketOriginServer.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`] });
    const client = new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/chat?x=1`, ['chat', 'other']);
    opened.add(client, (socket) => socket.terminate());
    await within('the opening', once(client, 'open'));
    const { request } = await origin.side();
    expect([request.url, request.headers['sec-websocket-protocol']]).toEqual(['/chat?x=1', 'chat,other']);
    expect(client.protocol).toBe('chat');
  });
});

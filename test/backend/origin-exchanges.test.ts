/** What both HTTP clients write to an origin, how long they wait for it, and how they slow it down. */
import { describe, expect, it } from 'vitest';
import type { HttpOrigin, HttpOriginOptions } from '../../src/backend/http-origin.js';
import type { OriginRequest } from '../../src/backend/verdict.js';
import { Wheel } from '../../src/time/wheel.js';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { ManualClock } from '../support/manual-clock.js';
import { httpOrigin, ORIGIN_CLIENTS, type OriginClientName } from '../support/origin-clients.js';
import { originRequest, target } from '../support/origin-requests.js';
import { OK, RawOrigin } from '../support/raw-origin.js';
import { RecordingReceiver } from '../support/recording-receiver.js';
import { socketPair } from '../support/socket-pair.js';

/** A body that can be read by each client anew. */
function parts(...texts: readonly string[]): AsyncIterable<Buffer> {
  return {
    async *[Symbol.asyncIterator]() {
      for (const text of texts) yield Buffer.from(text);
    },
  };
}

function request(changes: Partial<OriginRequest> = {}): OriginRequest {
  return originRequest({ authority: 'Example.com:81', ...changes });
}

class Stage {
  readonly clock = new ManualClock();

  private constructor(
    private readonly opened: Opened,
    readonly raw: RawOrigin,
  ) {}

  static async start(opened: Opened): Promise<Stage> {
    return new Stage(
      opened,
      opened.add(await RawOrigin.start(), (origin) => origin.stop()),
    );
  }

  client(client: OriginClientName, options: Partial<HttpOriginOptions> = {}): HttpOrigin {
    return httpOrigin(this.opened, client, options);
  }

  send(origin: HttpOrigin, asked: OriginRequest, receiver = new RecordingReceiver()) {
    return { receiver, call: origin.send(asked, target(this.raw.target), receiver) };
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const HEAD = 'host: Example.com:81\r\nconnection: keep-alive\r\n';
const LARGE = 'x'.repeat(100_000);

const REQUESTS: readonly (readonly [what: string, asked: Partial<OriginRequest>, bytes: string])[] = [
  ['nothing but a line', {}, `GET / HTTP/1.1\r\n${HEAD}\r\n`],
  [
    'headers as they are',
    {
      path: '/a%20b?c=%2F&\xe9',
      headers: [
        ['X-B', '1'],
        ['x-b', ''],
        ['Set', '\xe9\t"'],
        ['Upgrade', 'h2c'],
      ],
    },
    `GET /a%20b?c=%2F&\xe9 HTTP/1.1\r\n${HEAD}X-B: 1\r\nx-b: \r\nSet: \xe9\t"\r\n\r\n`,
  ],
  ['HEAD', { method: 'HEAD' }, `HEAD / HTTP/1.1\r\n${HEAD.replace('keep-alive', 'close')}\r\n`],
  ['POST without a body', { method: 'POST' }, `POST / HTTP/1.1\r\n${HEAD}content-length: 0\r\n\r\n`],
  ['DELETE without a body', { method: 'DELETE' }, `DELETE / HTTP/1.1\r\n${HEAD}\r\n`],
  ['a method of one’s own', { method: 'PURGE' }, `PURGE / HTTP/1.1\r\n${HEAD}\r\n`],
  [
    'a body behind the head',
    { method: 'POST', body: Buffer.from('b\xe9dy') },
    `POST / HTTP/1.1\r\n${HEAD}content-length: 5\r\n\r\nb\xc3\xa9dy`,
  ],
  ['a body of a GET', { body: Buffer.from('body') }, `GET / HTTP/1.1\r\n${HEAD}content-length: 4\r\n\r\nbody`],
  [
    'a large body',
    { method: 'PUT', body: Buffer.from(LARGE) },
    `PUT / HTTP/1.1\r\n${HEAD}content-length: 100000\r\n\r\n${LARGE}`,
  ],
  [
    'parts with a length',
    { method: 'PUT', body: { parts: parts('', 'ab', '', 'c'), length: 3 } },
    `PUT / HTTP/1.1\r\n${HEAD}content-length: 3\r\n\r\nabc`,
  ],
  [
    'parts without a length',
    { method: 'PUT', body: { parts: parts('ab', '', LARGE), length: undefined } },
    `PUT / HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\n2\r\nab\r\n186a0\r\n${LARGE}\r\n0\r\n\r\n`,
  ],
  [
    'no parts',
    { method: 'PUT', body: { parts: parts(), length: undefined } },
    `PUT / HTTP/1.1\r\n${HEAD}content-length: 0\r\n\r\n`,
  ],
  ['no parts of a GET', { body: { parts: parts(), length: undefined } }, `GET / HTTP/1.1\r\n${HEAD}\r\n`],
];

describe.each(ORIGIN_CLIENTS)('an exchange with an origin, with the client %s,', (client) => {
  const opened = new Opened();

  it.each(REQUESTS)('is begun with these bytes: %s', async (_what, asked, bytes) => {
    const stage = await Stage.start(opened);
    const { receiver } = stage.send(stage.client(client), request(asked));
    await receiver.over();
    expect(stage.raw.received === bytes, stage.raw.received.slice(0, 500)).toBe(true);
    expect(receiver.ended).toBe(true);
  });

  it.each([
    ['is shorter than announced', parts('ab'), 3],
    ['is longer than announced', parts('ab', 'cd'), 3],
  ])('fails when the body %s', async (_what, body, length) => {
    const stage = await Stage.start(opened);
    const origin = stage.client(client);
    const { receiver } = stage.send(origin, request({ method: 'POST', body: { parts: body, length } }));
    await receiver.over();
    expect(receiver.failure?.kind).toBe('other');
    expect(origin.servers).toBe(0);
  });

  it('fails when the body breaks off, and the origin sees that it is not whole', async () => {
    const stage = await Stage.start(opened);
    async function* broken(): AsyncIterable<Buffer> {
      yield Buffer.from('ab');
      throw new Error('the client has gone');
    }
    const body = { parts: broken(), length: undefined };
    const { receiver } = stage.send(stage.client(client), request({ method: 'POST', body }));
    await receiver.over();
    expect(receiver.failure).toMatchObject({ kind: 'other', detail: 'the client has gone' });
    await stage.raw.until('the end of the connection', () => stage.raw.connections[0]?.closed === true);
    expect(stage.raw.received).not.toContain('\r\n0\r\n');
  });

  it.each([
    ['before the answer', ''],
    ['in the middle of the head', 'HTTP/1.1 200 OK\r\nX-A'],
    ['after an interim answer', 'HTTP/1.1 103 Early\r\n\r\n'],
    ['in the middle of the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'],
  ])('is given up when the origin falls silent %s', async (_what, bytes) => {
    const stage = await Stage.start(opened);
    stage.raw.reply('/', bytes);
    const { receiver } = stage.send(stage.client(client, { idleTimeout: 0.1 }), request());
    await receiver.over();
    expect(receiver.failure).toMatchObject({ kind: 'other', disconnected: false });
  });

  it('waits for a client that is slower than that with its body', async () => {
    const stage = await Stage.start(opened);
    async function* slow(): AsyncIterable<Buffer> {
      yield Buffer.from('ab');
      await new Promise((resolve) => setTimeout(resolve, 400));
      yield Buffer.from('cd');
    }
    const body = { parts: slow(), length: 4 };
    const { receiver } = stage.send(stage.client(client, { idleTimeout: 0.1 }), request({ method: 'POST', body }));
    await receiver.over();
    expect(receiver.ended).toBe(true);
  });

  it('is not answered by what was there before it was asked', async () => {
    const stage = await Stage.start(opened);
    const origin = stage.client(client);
    const first = stage.send(origin, request()).receiver;
    await first.over();
    const [connection] = stage.raw.connections;
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
    // The client's packet and the origin's lie there at the same moment, and the client's is read first.
    const [near, far] = await socketPair(opened);
    const sent = new Promise<RecordingReceiver>((resolve) => {
      near.once('data', () => resolve(stage.send(origin, request({ method: 'POST' })).receiver));
    });
    await turns(2);
    far.write('a request');
    connection?.socket.write(poison);
    const second = await sent;
    await second.over();
    expect([second.ended, second.size]).toEqual([true, 2]);
    expect(stage.raw.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(stage.raw.connections).toHaveLength(2);
  });

  it.each(['head', 'data'] as const)('fails by itself when its receiver does in `%s`', async (member) => {
    const stage = await Stage.start(opened);
    const origin = stage.client(client);
    const receiver = new RecordingReceiver();
    receiver[member] = () => {
      throw new Error('a fault of ours');
    };
    stage.send(origin, request(), receiver);
    await receiver.over();
    expect(receiver.failure).toMatchObject({ kind: 'other', detail: 'a fault of ours' });
    const other = stage.send(origin, request()).receiver;
    await other.over();
    expect(other.ended).toBe(true);
  });

  it('lets an origin wait while nobody takes its answer, for longer than it may be silent', async () => {
    const size = 30_000_000;
    const stage = await Stage.start(opened);
    stage.raw.reply('/', ({ connection }) => {
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      connection.write(Buffer.alloc(size));
    });
    const receiver = new RecordingReceiver();
    receiver.hungry = false;
    const { call } = stage.send(stage.client(client, { idleTimeout: 0.5 }), request(), receiver);
    await receiver.until('the first piece', () => receiver.size > 0);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(receiver.failure).toBeUndefined();
    expect(receiver.size).toBeLessThan(1_000_000);
    receiver.hungry = true;
    call.resume();
    await receiver.over();
    expect([receiver.ended, receiver.size]).toEqual([true, size]);
  });
});

describe('the one timer of a connection', () => {
  const opened = new Opened();

  /** An exchange on a clock that is moved by hand, and its connection at the origin. */
  async function exchanged(answer: string, options: Partial<HttpOriginOptions> = {}) {
    const stage = await Stage.start(opened);
    stage.raw.reply('/', answer);
    const origin = stage.client('holdfast', { wheel: new Wheel(stage.clock), ...options });
    const { receiver } = stage.send(origin, request());
    await receiver.over();
    return { stage, origin, clock: stage.clock };
  }

  const hinted = (seconds: number): string => OK.replace('\r\n\r\n', `\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`);

  it.each([
    ['the time of the setting', OK, 60],
    ['two seconds less than the origin waits', hinted(10), 8],
    ['no longer than the setting where the origin waits longer', hinted(100), 60],
  ])('closes it when it was not used for %s', async (_what, answer, seconds) => {
    const { origin, clock } = await exchanged(answer);
    clock.advance(seconds * 1_000 - 200);
    expect(origin.idleConnections).toBe(1);
    clock.advance(400);
    expect([origin.idleConnections, origin.servers]).toEqual([0, 0]);
  });

  it('counts from the last use', async () => {
    const { stage, origin, clock } = await exchanged(OK);
    clock.advance(50_000);
    const { receiver } = stage.send(origin, request());
    await receiver.over();
    clock.advance(50_000);
    expect(origin.idleConnections).toBe(1);
    clock.advance(10_200);
    expect(origin.idleConnections).toBe(0);
  });

  it('lets an exchange take longer than an unused connection would be kept', async () => {
    const { stage, origin, clock } = await exchanged(OK, { idleTimeout: 600, keepAlive: 1 });
    stage.raw.reply('/', () => {});
    const { receiver } = stage.send(origin, request());
    await stage.raw.request('/', 2);
    clock.advance(599_000);
    expect(receiver.failure).toBeUndefined();
    clock.advance(1_200);
    expect(receiver.failure).toMatchObject({ kind: 'other', detail: 'the origin was silent for too long' });
    await turnUntil('the end of the connection', () => origin.servers === 0);
  });
});

/** How sessions with ZHTTP workers end: in order, by errors, by silence, and by workers that do not keep to the protocol. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { encodeZhttpRequest } from '../../../src/protocol/zhttp.js';
import { Opened } from '../../support/closing.js';
import { turnUntil, within } from '../../support/deadline.js';
import { ZhttpStage } from '../../support/zhttp-stage.js';
import { packetOf } from '../../support/zhttp-worker.js';

const GENERIC = 'Error while proxying to origin.\n';
const UNREACHABLE = 'Error: zhttp service for route is unreachable.\n';

function warnings(stage: ZhttpStage): string[] {
  return stage.log.lines.filter((line) => line.startsWith('warn'));
}

/** Connections to an address that end as soon as they are there, until it is told to end. */
class Churn {
  count = 0;
  private going = true;
  private readonly over: Promise<void>;

  constructor(private readonly address: string) {
    this.over = this.run();
  }

  end(): Promise<void> {
    this.going = false;
    return this.over;
  }

  private async run(): Promise<void> {
    while (this.going) {
      const socket = new Dealer({ linger: 0 });
      const met = new Promise<void>((resolve) => socket.events.on('handshake', () => resolve()));
      socket.connect(this.address);
      await within('the connection', met);
      socket.close();
      this.count += 1;
      // Far more often than Holdfast asks who is still there.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('a session with a worker', () => {
  const opened = new Opened();

  it('is not begun when there is no worker: the client is told at once', async () => {
    const stage = await ZhttpStage.start(opened);
    const client = await stage.get('/x');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, GENERIC]);
    await stage.empty();
    // Nobody gets what nobody waits for.
    const worker = await stage.worker();
    await stage.get('/y');
    expect((await worker.session()).first.uri).toBe('http://example.com/y');
  });

  it.each([
    ['policy-violation', 502, 'Error: Origin host/IP blocked.\n'],
    ['length-required', 411, 'Must provide Content-Length header.\n'],
    ['disconnected', 502, GENERIC],
    ['bad-request', 502, GENERIC],
    ['remote-connection-failed', 502, 'Unable to connect to any targets. Tried: zhttp/SPEC\n'],
    ['connection-timeout', 502, 'Unable to connect to any targets. Tried: zhttp/SPEC\n'],
    ['tls-error', 502, 'Unable to connect to any targets. Tried: zhttp/SPEC\n'],
  ])('that ends with the error %s is answered %i', async (condition, code, text) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.send({ type: 'error', condition });
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([code, text.replace('SPEC', stage.spec)]);
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('that cannot connect goes to the next target', async () => {
    const stage = await ZhttpStage.start(opened, { properties: ' test' });
    const worker = await stage.worker();
    const client = await stage.get('/');
    await (await worker.session()).send({ type: 'error', condition: 'remote-connection-failed' });
    expect((await client.readAnswer()).status).toBe(200);
  });

  it('that cannot connect goes nowhere else when the body has been read from the client', async () => {
    const stage = await ZhttpStage.start(opened, { properties: ' test' });
    const worker = await stage.worker();
    const client = await stage.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(50_000)}`);
    await (await worker.session()).send({ type: 'error', condition: 'remote-connection-failed' });
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, GENERIC]);
  });

  it.each(['error', 'cancel'])('that ends with %s in the middle breaks the answer off', async (type) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'half' });
    await client.readUntil('half\r\n');
    await session.send({ type });
    await client.untilClosed();
    expect(client.pending).toBe('');
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('that is cancelled before its answer is answered 502', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    await (await worker.session()).send({ type: 'cancel' });
    expect((await client.readAnswer()).status).toBe(502);
    await stage.empty();
  });

  it.each([
    ['skips a number', 5, 'packet 5 came where 1 was due'],
    ['repeats a number', 0, 'packet 0 came where 1 was due'],
    ['has none', undefined, 'packet without a number came where 1 was due'],
  ])('whose packet %s is cancelled, with a line in the log', async (_what, seq, text) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.send({ type: 'keep-alive' });
    await session.gets('keep-alive');
    await session.say({ code: 200, headers: [], body: 'x', ...(seq === undefined ? {} : { seq }) });
    expect((await client.readAnswer()).status).toBe(502);
    expect(await session.gets('cancel')).toMatchObject({ seq: 2, from: 'proxy_1-test' });
    await stage.empty();
    expect(warnings(stage)).toEqual([`warn zhttp/${stage.spec}: session ${session.id}: ${text}`]);
  });

  it('is cancelled when the client goes, and what still comes is passed over', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'begun' });
    await client.readUntil('begun\r\n');
    client.close();
    await session.gets('cancel');
    await session.send({ body: 'late', more: true });
    const second = await stage.get('/y');
    await (await worker.session()).send({ code: 200, headers: [], body: 'fine' });
    expect((await second.readAnswer()).body.toString()).toBe('fine');
    await stage.empty();
    expect(warnings(stage)).toEqual([]);
  });

  it('whose client goes before the worker has spoken is cancelled as soon as it does', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    client.close();
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
    expect(stage.sockets.sessions(stage.spec)).toBe(1);
    await session.head([], { body: 'begun' });
    expect(await session.gets('cancel')).toMatchObject({ seq: 1 });
    await stage.empty();
  });

  it('that is given up while ten thousand others wait to be cancelled is not, which is counted and told', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const link = stage.sockets.link(stage.sessions);
    const giveUp = (): void => {
      const id = randomUUID();
      link.begin(stage.spec, id, encodeZhttpRequest({ from: worker.instanceId, id, seq: 0 }));
      link.end(stage.spec, id, true);
    };
    const waiting = (): number => stage.sockets.sessions(stage.spec);
    while (waiting() < 10_000) {
      // No more at a time than wait for a worker.
      for (let left = Math.min(50, 10_000 - waiting()); left > 0; left -= 1) giveUp();
      await turnUntil('the sessions', () => worker.count === waiting());
    }
    expect(stage.counters.dropped['queue-full']).toBe(0);
    giveUp();
    giveUp();
    expect(waiting()).toBe(10_000);
    expect(stage.counters.dropped['queue-full']).toBe(2);
    expect(warnings(stage)).toEqual([
      'warn zhttp: 10000 sessions that were given up wait for their handler, others are not cancelled',
    ]);
  });

  it('in which the worker is silent for a minute is over, and the worker hears of it', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.send({ type: 'keep-alive' });
    await session.gets('keep-alive');
    stage.clock.advance(59_000);
    await session.send({ type: 'keep-alive' });
    await session.until('a sign of life', () => session.packets.length > 1);
    // The packets of one worker come in their order: another session's answer tells that this one's has come.
    const other = await stage.get('/y');
    await (await worker.session()).send({ code: 200, headers: [], body: '' });
    await other.readAnswer();
    stage.clock.advance(59_000);
    expect(client.receivedBytes).toBe(0);
    stage.clock.advance(2_000);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, UNREACHABLE]);
    expect(stage.counters.originResults).toMatchObject({ timeout: 1, unreachable: 0 });
    await session.gets('cancel');
    await stage.empty();
  });

  it('breaks its answer off when the silence comes in the middle of it', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'half' });
    await client.readUntil('half\r\n');
    stage.clock.advance(61_000);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await session.gets('cancel');
    await stage.empty();
  });

  it('whose worker closes its sockets in the middle is over at once', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'half' });
    await client.readUntil('half\r\n');
    await session.until('the credits', () => session.credits === 4);
    worker.die();
    await client.untilClosed();
    expect(client.pending).toBe('');
    await stage.empty();
  });

  it('whose worker closes its sockets is over, however often others come and go', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'half' });
    await client.readUntil('half\r\n');
    await session.until('the credits', () => session.credits === 4);
    const others = new Churn(`${stage.spec}-out-stream`);
    worker.die();
    try {
      await client.untilClosed();
    } finally {
      await others.end();
    }
    expect(client.pending).toBe('');
    expect(others.count).toBeGreaterThan(1);
    await stage.empty();
  });

  it('with a packet that does not say whom it is from is over, unless it is the last', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const whole = await stage.get('/whole');
    const first = await worker.session();
    await worker.publish(packetOf({ id: first.id, seq: 0, code: 200, headers: [], body: 'whole' }));
    expect((await whole.readAnswer()).body.toString()).toBe('whole');
    const client = await stage.get('/x');
    const second = await worker.session();
    await worker.publish(packetOf({ id: second.id, seq: 0, code: 200, headers: [], more: true }));
    await client.untilClosed();
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
  });
});

describe('signs of life', () => {
  const opened = new Opened();

  it('go to each session in a packet of its own, at least every 45 seconds', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    await stage.get('/x');
    const session = await worker.session();
    await session.send({ type: 'keep-alive' });
    await session.gets('keep-alive');
    for (let count = 2; count < 6; count += 1) {
      stage.clock.advance(45_000);
      await session.send({ type: 'keep-alive' });
      await session.until('a sign of life', () => session.of('keep-alive').length >= count);
      // What Holdfast hears keeps the session for another minute.
      const other = await stage.get('/y');
      await (await worker.session()).send({ code: 200, headers: [], body: '' });
      await other.readAnswer();
    }
    expect(session.packets.map(({ seq }) => seq)).toEqual(session.packets.map((_, at) => at + 1));
    expect(worker.batches).toEqual([]);
  });

  it('go to up to 128 sessions of one worker in one packet, where it takes that', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const count = 130;
    const sessions = [];
    for (let at = 0; at < count; at += 1) {
      await stage.get(`/${at}`);
      const session = await worker.session();
      await session.head([], { ext: new Map([['multi', true]]) });
      await session.gets('keep-alive');
      sessions.push(session);
    }
    stage.clock.advance(45_000);
    await worker.until('two packets', () => worker.batches.length === 2);
    expect(worker.batches.map(({ id }) => (id as unknown[]).length)).toEqual([128, 2]);
    for (const batch of worker.batches) {
      expect(batch).toMatchObject({ from: 'proxy_1-test', type: 'keep-alive' });
      expect(batch).not.toHaveProperty('seq');
    }
    const all = worker.batches.flatMap(({ id }) => id);
    expect(all).toEqual(sessions.map(({ id }) => ({ id, seq: 2 })));
    // The numbers go on behind them.
    const [first] = sessions;
    await first?.send({ body: 'x', more: true });
    expect(await first?.gets('credit')).toMatchObject({ seq: 3 });
  });

  it('of a worker for several sessions at once keep all of them', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const clients = [await stage.get('/1'), await stage.get('/2')];
    const sessions = [await worker.session(), await worker.session()];
    for (const session of sessions) await session.head();
    for (const client of clients) await client.readUntil('\r\n\r\n');
    stage.clock.advance(50_000);
    const ids = sessions.map(
      ({ id }) =>
        new Map<string, string | number>([
          ['id', id],
          ['seq', 1],
        ]),
    );
    await worker.publish(packetOf({ from: worker.name, id: ids, type: 'keep-alive' }));
    const other = await stage.get('/y');
    await (await worker.session()).send({ code: 200, headers: [], body: '' });
    await other.readAnswer();
    stage.clock.advance(50_000);
    for (const [at, session] of sessions.entries()) {
      await session.say({ seq: 2, body: 'still here' });
      expect(await clients[at]?.readUntil('0\r\n\r\n')).toContain('still here');
    }
    await stage.empty();
  });
});

/** Clients that take their time: with a head, with a body, with leaving. Only silence that means something is ended. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AttackStage, chunk, early, INVALID_TOKEN, OK_ANSWER } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import { keptBytes } from '../support/memory.js';
import { responseHold } from '../support/raw-origin.js';

const LATE = early('Request was not received in time.', '1.0', '408 Request Timeout');

/** Milliseconds; waits for time itself, where that is what is tested. */
function pass(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

describe.each(PARSERS)('a slow head (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it.each([
    ['nothing at all', ''],
    ['a part of the request line', 'GET /a HT'],
    ['everything but the empty line', 'GET /a HTTP/1.1\r\nHost: example.com\r\n'],
  ])('is refused when its time is up: %s', async (_what, bytes) => {
    const stage = await AttackStage.start(opened, { settings: { http: { headTimeout: 0.2 } } });
    expect(await stage.untilEnd(bytes)).toEqual({ text: LATE, how: 'fin' });
    await stage.onlyNeighbourLeft();
    await stage.undisturbed();
  });

  it('is refused also when it comes byte by byte', async () => {
    const stage = await AttackStage.start(opened, { settings: { http: { headTimeout: 0.3 } } });
    const client = await stage.client();
    client.write('GET /');
    const drip = setInterval(() => client.write('a'), 20);
    expect(await client.readAsLongAs(LATE)).toBe(LATE);
    await client.untilClosed();
    clearInterval(drip);
    expect(stage.forwarded).toEqual([]);
  });

  it('behind a held stream is refused after the stream, which it does not touch', async () => {
    const stage = await AttackStage.start(opened, { settings: { http: { headTimeout: 0.2 } } });
    const client = await stage.stream('GET /half');
    while (stage.holdfast.counters.badRequests === 0) await pass(20);
    stage.say('news', 'one\n');
    expect(await client.readAsLongAs(chunk('one\n'))).toBe(chunk('one\n'));
    stage.endStream('news');
    expect(await client.readAsLongAs(`0\r\n\r\n${LATE}`)).toBe(`0\r\n\r\n${LATE}`);
  });

  it('of a client that does not read ends the connection: its rest is no request', async () => {
    const stage = await AttackStage.start(opened, { settings: { http: { headTimeout: 0.2 } } });
    const large = 'x'.repeat(8_000_000);
    stage.origin.reply('/large', `HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n${large}`);
    const client = await stage.client();
    client.socket.pause();
    client.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    while (!stage.forwarded.includes('GET /large')) await pass(20);
    await pass(100);
    client.write('POST /half HTTP/1.1\r\nHost: a\r\nX-Note: ');
    await pass(500);
    client.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
    client.socket.resume();
    await client.untilClosed();
    expect(stage.forwarded).toEqual(['GET /large']);
    await stage.undisturbed();
  });

  it('says nothing about holds and connections that wait between requests', async () => {
    const stage = await AttackStage.start(opened, { settings: { http: { headTimeout: 0.1 } } });
    stage.origin.reply('/poll', responseHold('news'));
    const idle = await stage.client();
    idle.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.readAsLongAs(OK_ANSWER);
    const held = await stage.client();
    held.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(stage.holdfast, 'subscribe');
    await pass(500);
    expect([idle.closed, held.closed]).toEqual([false, false]);
    expect(stage.holdfast.counters.badRequests).toBe(0);
  });
});

describe.each(PARSERS)('silence (parser: %s)', (parser) => {
  const opened = new Opened(parser);
  const settings = { http: { idleTimeout: 0.3 } };

  it('in the middle of a body ends the connection', async () => {
    const stage = await AttackStage.start(opened, { settings });
    const { text } = await stage.untilEnd('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
    expect(text).toBe('');
    expect(stage.forwarded).toEqual([]);
  });

  it('is not what a slow body is', async () => {
    const stage = await AttackStage.start(opened, { settings });
    const client = await stage.client();
    client.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
    for (let byte = 0; byte < 10; byte += 1) {
      await pass(60);
      client.write('x');
    }
    expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    expect((await stage.origin.request('/up')).body).toBe('x'.repeat(10));
  });

  it('between requests ends the connection', async () => {
    const stage = await AttackStage.start(opened, { settings });
    expect(await stage.untilEnd('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')).toEqual({ text: OK_ANSWER, how: 'fin' });
  });

  it('of an origin ends the connection', async () => {
    const stage = await AttackStage.start(opened, { settings });
    stage.origin.reply('/slow', () => {});
    expect((await stage.untilEnd('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')).text).toBe('');
    const { connection } = await stage.origin.request('/slow');
    await stage.origin.until('the end of the request', () => connection.closed);
  });

  it('of a hold is not ended, and the connection counts as idle again after it', async () => {
    const stage = await AttackStage.start(opened, { settings });
    const client = await stage.stream();
    await pass(800);
    stage.say('news', 'one\n');
    expect(await client.readAsLongAs(chunk('one\n'))).toBe(chunk('one\n'));
    stage.endStream('news');
    await client.readAsLongAs('0\r\n\r\n');
    await client.untilClosed();
  });

  it('of a hold with requests waiting behind it is ended: the client could have gone unseen', async () => {
    const stage = await AttackStage.start(opened, { settings });
    const client = await stage.stream();
    client.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100));
    await client.untilClosed();
    await stage.onlyNeighbourLeft();
    expect(stage.forwarded).toEqual(['GET /stream']);
    expect(stage.holdfast.counters.holds.stream).toBe(1);
  });
});

/** A client that never closes its side, whatever the other side does. */
class Stubborn {
  received = '';
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
    });
    this.socket.on('error', () => {});
  }

  /** Sends the same bytes over and over, as fast as they are taken, until the connection breaks. */
  async flood(first: string, bytes: Buffer): Promise<void> {
    this.socket.write(first);
    while (!this.socket.destroyed) {
      const room = this.socket.write(bytes);
      await new Promise<void>((resolve) => {
        if (room) setImmediate(resolve);
        else for (const event of ['drain', 'close']) this.socket.once(event, resolve);
      });
      this.socket.removeAllListeners('drain').removeAllListeners('close');
    }
  }
}

describe.each(PARSERS)('a client that was refused and goes on sending (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  function stubborn(stage: AttackStage): Stubborn {
    return opened.add(new Stubborn(stage.port), ({ socket }) => socket.destroy());
  }

  it.each([
    ['garbage', '\0', 'garbage'.repeat(1_000), INVALID_TOKEN],
    [
      'requests',
      'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET /b HTTP/1.1\r\nHost: a\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 1\r\n\r\nx'.repeat(500),
      OK_ANSWER.replace('\r\n', '\r\nConnection: close\r\n'),
    ],
    [
      'a body',
      `POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n${'X: y\r\n'.repeat(64)}\r\n`,
      'x'.repeat(100_000),
      early('Failed to parse request: too many headers'),
    ],
  ])('has its answer, makes nothing grow, and is cut off a moment later: %s', async (_what, first, more, answer) => {
    const stage = await AttackStage.start(opened);
    const client = stubborn(stage);
    const before = keptBytes();
    await client.flood(first, Buffer.from(more, 'latin1'));
    expect(client.received).toBe(answer);
    expect(keptBytes() - before).toBeLessThan(60_000_000);
    expect(stage.forwarded.filter((line) => line !== 'GET /a')).toEqual([]);
    await stage.onlyNeighbourLeft();
    await stage.undisturbed();
  });

  it('nothing, and reads nothing either, is cut off', async () => {
    const stage = await AttackStage.start(opened);
    const { socket } = stubborn(stage);
    socket.pause();
    socket.write('GET / HTTP/9.9\r\n\r\n');
    while (stage.holdfast.counters.badRequests === 0) await pass(5);
    await stage.onlyNeighbourLeft();
  });
});

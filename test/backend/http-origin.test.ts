/** The connections behind `HttpOrigin`: how many are kept, for how long, and what calls leave behind. */
import { describe, expect, it } from 'vitest';
import type { HttpOrigin, HttpOriginOptions } from '../../src/backend/http-origin.js';
import type { OriginRequest } from '../../src/backend/verdict.js';
import type { Target } from '../../src/routes/route.js';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { REFUSING_TARGET } from '../support/origin.js';
import { httpOrigin, ORIGIN_CLIENTS } from '../support/origin-clients.js';
import { originRequest, target } from '../support/origin-requests.js';
import { OK, RawOrigin } from '../support/raw-origin.js';
import { RecordingReceiver } from '../support/recording-receiver.js';

function request(path: string, changes: Partial<OriginRequest> = {}): OriginRequest {
  return originRequest({ path, ...changes });
}

describe.each(ORIGIN_CLIENTS)('the connections of HttpOrigin, with the client %s,', (client) => {
  const opened = new Opened();

  function start(options: Partial<HttpOriginOptions> = {}): HttpOrigin {
    return httpOrigin(opened, client, options);
  }

  async function rawOrigin(): Promise<RawOrigin> {
    return opened.add(await RawOrigin.start(), (origin) => origin.stop());
  }

  async function exchange(origin: HttpOrigin, to: Target, asked: OriginRequest): Promise<RecordingReceiver> {
    const outcome = new RecordingReceiver();
    origin.send(asked, to, outcome);
    await outcome.over();
    return outcome;
  }

  it('are shared by targets that say the same, as after a reload', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    await exchange(origin, target(raw.target), request('/'));
    await exchange(origin, target(`${raw.target},sub=x,over_http`), request('/', { authority: 'other.example' }));
    expect([raw.connections.length, origin.servers, origin.idleConnections]).toEqual([1, 1, 1]);
  });

  it('are not shared by trusted and untrusted targets', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    await exchange(origin, target(raw.target), request('/'));
    const blocked = await exchange(origin, target(`${raw.target},untrusted`), request('/'));
    expect(blocked.failure).toEqual({ kind: 'blocked' });
    expect(raw.requests).toHaveLength(1);
  });

  it('are forgotten with their server when their time is over', async () => {
    const [origin, raw] = [start({ keepAlive: 0.02 }), await rawOrigin()];
    await exchange(origin, target(raw.target), request('/'));
    expect(origin.servers).toBe(1);
    await turnUntil('the end of the connection', () => origin.servers === 0);
    expect(origin.idleConnections).toBe(0);
    expect((await exchange(origin, target(raw.target), request('/'))).told).toEqual(['200', 'ok', 'end']);
  });

  it('are forgotten when the origin closes them', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    raw.reply('/close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
    await exchange(origin, target(raw.target), request('/close'));
    await turnUntil('the end of the connection', () => origin.servers === 0);
    await exchange(origin, target(raw.target), request('/'));
    expect(origin.idleConnections).toBe(1);
    raw.connections[1]?.socket.end();
    await turnUntil('the end of the connection', () => origin.servers === 0);
  });

  it('are no more than allowed: the one that waited longest is closed', async () => {
    const origin = start({ maxIdle: 2 });
    const raws = [await rawOrigin(), await rawOrigin(), await rawOrigin()];
    for (const raw of raws) await exchange(origin, target(raw.target), request('/'));
    const [first, second, third] = raws;
    await first?.until('the end of the connection', () => first.connections[0]?.closed === true);
    expect([origin.servers, origin.idleConnections]).toEqual([2, 2]);
    for (const raw of [second, third]) await exchange(origin, target(raw?.target ?? ''), request('/'));
    expect(raws.map(({ connections }) => connections.length)).toEqual([1, 1, 1]);
  });

  it('are as many as there are requests at once, and the one used last is used next', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    raw.reply('/hold', () => {});
    const outcomes = [new RecordingReceiver(), new RecordingReceiver(), new RecordingReceiver()];
    for (const outcome of outcomes) origin.send(request('/hold'), target(raw.target), outcome);
    await raw.request('/hold', 3);
    for (const [index, { connection }] of raw.requests.entries()) {
      connection.write(OK);
      await outcomes[index]?.over();
    }
    expect(origin.idleConnections).toBe(3);
    await exchange(origin, target(raw.target), request('/'));
    expect(raw.requests[3]?.connection).toBe(raw.requests[2]?.connection);
    expect(raw.connections).toHaveLength(3);
  });

  it('are given up with the calls that are called off, before and after the answer began', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    raw.reply('/half', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    const half = new RecordingReceiver();
    const begun = origin.send(request('/half'), target(raw.target), half);
    await turnUntil('the beginning of the answer', () => half.told.includes('half'));
    begun.cancel();
    const early = new RecordingReceiver();
    origin.send(request('/'), target(raw.target), early).cancel();
    expect([origin.servers, origin.idleConnections]).toEqual([0, 0]);
    await raw.until('the end of the connection', () => raw.connections[0]?.closed === true);
    await origin.close(1_000);
    expect([half.told, early.told]).toEqual([['200', 'half'], []]);
    expect(raw.requests.map(({ target: path }) => path)).toEqual(['/half']);
  });

  it('are given up with calls that fail', async () => {
    const origin = start();
    const outcome = await exchange(origin, target(REFUSING_TARGET), request('/'));
    expect(outcome.failure?.kind).toBe('connect');
    expect([origin.servers, origin.idleConnections]).toEqual([0, 0]);
  });

  it.each<[string, Partial<OriginRequest>]>([
    ['a method that is none', { method: 'G T' }],
    ['a path that is none', { path: 'no slash' }],
    ['a header that cannot be sent', { headers: [['X', 'a\r\nb']] }],
  ])('are not needed for %s, which fails after `send` has returned', async (_what, changes) => {
    const [origin, raw] = [start(), await rawOrigin()];
    const outcome = new RecordingReceiver();
    origin.send(request('/', changes), target(raw.target), outcome);
    expect(outcome.told).toEqual([]);
    await outcome.over();
    expect(outcome.failure?.kind).toBe('other');
    expect([raw.connections.length, origin.servers]).toEqual([0, 0]);
  });

  it('are there no more once all is closed', async () => {
    const [origin, raw] = [start(), await rawOrigin()];
    await exchange(origin, target(raw.target), request('/'));
    await origin.close(1_000);
    const outcome = await exchange(origin, target(raw.target), request('/late'));
    expect(outcome.failure?.kind).toBe('other');
    expect([raw.connections.length, origin.servers]).toEqual([1, 0]);
    await raw.until('the end of the connection', () => raw.connections[0]?.closed === true);
  });
});

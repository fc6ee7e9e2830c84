/** Failures once the connection is open: retries with back-off, dropped clients, clients that vanish (spec 10.7, 10.10). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { opensOnly } from '../support/events-origin.js';
import { frame } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

describe('an origin that cannot be reached once the connection is open', () => {
  const opened = new Opened();

  /** A client has sent a message, and the connection for it was refused. */
  async function cutOff() {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    await stage.origin.stop();
    client.write(frame('text', 'hello'));
    await stage.clock.awaited();
    return { stage, client };
  }

  it('is tried again with the same body, and the client notices nothing', async () => {
    const { stage, client } = await cutOff();
    client.write(frame('text', 'later'));
    await stage.origin.listen();
    stage.clock.advance(900);
    expect(stage.holdfast.counters.originRequests).toBe(2);
    stage.clock.advance(200);
    const retried = await stage.origin.request(1);
    expect([retried.events, retried.header('Content-Bytes-Replayed')]).toEqual([['TEXT hello'], '']);
    retried.answer(['TEXT back']);
    await client.readUntil('back');
    expect((await stage.origin.request(2)).events).toEqual(['TEXT later']);
  });

  it('is tried five times, each time after twice as long, and then the client is dropped', async () => {
    const { stage, client } = await cutOff();
    for (const [at, delay] of [1_000, 2_000, 4_000, 8_000, 16_000].entries()) {
      stage.clock.advance(delay - 100);
      expect(stage.holdfast.counters.originRequests).toBe(2 + at);
      expect(client.closed).toBe(false);
      stage.clock.advance(200);
      expect(stage.holdfast.counters.originRequests).toBe(3 + at);
      if (at < 4) await stage.clock.awaited();
    }
    await client.untilClosed();
    expect(client.pending).toBe('');
    // The DISCONNECT is tried as often, and reaches the origin when that is there again.
    await stage.clock.awaited();
    await stage.origin.listen();
    stage.clock.advance(1_100);
    const last = await stage.origin.request(1);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    await stage.settled(() => stage.holdfast.counters.openConnections === 0);
    stage.clock.advance(60_000);
    expect([stage.clock.pending, await stage.farewells()]).toEqual([0, 1]);
  });

  it('is told of a client that vanishes meanwhile, instead of what it said', async () => {
    const { stage, client } = await cutOff();
    await stage.origin.listen();
    client.close();
    const last = await stage.origin.request(1);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    stage.clock.advance(60_000);
    expect([stage.clock.pending, await stage.farewells()]).toEqual([0, 1]);
  });

  it('is told of a close, also when the client has hung up meanwhile', async () => {
    const { stage, client } = await cutOff();
    client.write(frame('close'));
    client.socket.end();
    await stage.abandoned();
    await stage.origin.listen();
    stage.clock.advance(1_100);
    (await stage.origin.request(1)).answer();
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['CLOSE']);
    last.answer();
    stage.clock.advance(60_000);
    expect([stage.clock.pending, await stage.farewells()]).toEqual([0, 1]);
  });

  it('does not get a message twice that it may have read', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'hello'));
    (await stage.origin.request(1)).reset();
    await client.untilClosed();
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    expect(await stage.farewells()).toBe(1);
  });

  it.each([
    [500, 'application/websocket-events'],
    [200, 'text/plain'],
    [204, 'application/websocket-events'],
  ])('has its client dropped by an answer of %i with type %s', async (status, type) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'hello'));
    (await stage.origin.request(1)).reply(status, { 'Content-Type': type });
    await client.untilClosed();
    expect(client.pending).toBe('');
    (await stage.origin.request(2)).answer();
    expect(await stage.farewells()).toBe(1);
  });
});

describe('a client that vanishes', () => {
  const opened = new Opened();

  it.each(['breaks off', 'ends'])('is reported with one DISCONNECT: it %s', async (how) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    if (how === 'ends') client.socket.end();
    else client.socket.resetAndDestroy();
    const last = await stage.origin.request(1);
    expect(last.body.toString()).toBe('DISCONNECT\r\n');
    last.reply(500, {});
    await client.untilClosed();
    expect(await stage.farewells()).toBe(1);
  });

  it('is reported after the request under way', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    const request = await stage.origin.request(1);
    client.write(frame('text', 'never sent'));
    client.close();
    await stage.abandoned();
    expect(stage.holdfast.counters.originRequests).toBe(2);
    request.answer(['TEXT for nobody', 'CLOSE 1000']);
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    expect(await stage.farewells()).toBe(1);
  });
});

/**
 * Every way a WebSocket-over-HTTP connection ends (spec 10.7). Whatever the order of closes, losses and requests under
 * way, the origin hears of the end once, by CLOSE or by DISCONNECT, and nothing is left behind.
 */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { type EventsScript, GRIP, opensOnly, subscribe } from '../support/events-origin.js';
import { closeFrame, closing, frame } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

const POLLED = { 'Keep-Alive-Interval': '20' };
/** Opens with keep-alives; everything later waits for the test. */
const polled: EventsScript = (request) => {
  if (request.events[0] === 'OPEN') request.answer(['OPEN'], POLLED);
};
const subscribing: EventsScript = (request) => {
  if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe('a')], GRIP);
};
const publishedClose = { channel: 'a', formats: { 'ws-message': { action: 'close', code: 4009, reason: 'over' } } };

/** Nothing is held, nothing waits for the time, and the origin was told as often as it says. */
async function expectOver(stage: Stage, farewells = 1): Promise<void> {
  await stage.abandoned();
  await stage.settled(() => stage.holdfast.counters.openConnections === 0);
  stage.clock.advance(60_000);
  const requests = stage.holdfast.counters.originRequests;
  stage.clock.advance(600_000);
  expect(stage.clock.pending).toBe(0);
  expect(stage.holdfast.counters.originRequests).toBe(requests);
  expect(await stage.farewells()).toBe(farewells);
}

describe('a close by the client', () => {
  const opened = new Opened();

  it.each([
    ['a code and a reason', closing(4002, 'bye'), 'CLOSE 5\r\n\x0f\xa2bye\r\n', 'CLOSE 4003 so long'],
    ['a code', closing(1000), 'CLOSE 2\r\n\x03\xe8\r\n', 'CLOSE 4003 so long'],
    ['nothing', Buffer.alloc(0), 'CLOSE\r\n', 'CLOSE'],
  ])("goes to the origin with %s, and the origin's close comes back", async (_what, content, body, answer) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('close', content));
    const request = await stage.origin.request(1);
    expect(request.body.toString('latin1')).toBe(body);
    request.answer([answer]);
    const expected = answer === 'CLOSE' ? '\x88\x00' : closeFrame(4003, 'so long');
    expect(await client.readAsLongAs(expected)).toBe(expected);
    await client.untilClosed();
    client.close();
    await expectOver(stage);
  });

  it('goes behind the messages that wait', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.send('1');
    const first = await stage.origin.request(1);
    client.socket.send('2');
    client.socket.close(1000, 'done');
    // What the client has written has been read when a later connection's message has.
    (await stage.open()).socket.send('barrier');
    await stage.origin.request(3);
    first.answer();
    const last = await stage.origin.request(4);
    expect(last.events).toEqual(['TEXT 2', 'CLOSE 1000 done']);
    last.answer(['CLOSE 1000']);
    expect(await client.ended()).toBe('close 1000');
  });

  it('drops the client when the origin does not answer it with a CLOSE', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.close(1000);
    (await stage.origin.request(1)).answer(['TEXT not yet']);
    expect(await client.ended()).toBe('close 1006');
    expect(client.heard).toEqual(['text not yet', 'close 1006']);
    await expectOver(stage);
  });

  it.each([
    [500, 'application/websocket-events', ''],
    [200, 'text/plain', ''],
    [200, 'application/websocket-events', 'CLOSE zz\r\n'],
  ])('drops the client when it is answered with %i, %s, %j, and is not told again', async (status, type, body) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.close(1000);
    (await stage.origin.request(1)).reply(status, { 'Content-Type': type }, body);
    expect(await client.ended()).toBe('close 1006');
    await expectOver(stage);
  });

  it('is asked for again with keep-alives until the origin answers with a CLOSE', async () => {
    const stage = await Stage.set(opened, polled);
    const client = await stage.open();
    client.socket.close(1000);
    const answers = [[], [], ['CLOSE 4001']];
    for (const [at, answer] of answers.entries()) {
      const request = await stage.origin.request(at + 1);
      expect(request.events).toEqual(at === 0 ? ['CLOSE 1000'] : []);
      stage.clock.rest();
      request.answer(answer);
      if (answer.length > 0) break;
      await stage.clock.awaited();
      stage.clock.advance(20_100);
    }
    expect(await client.ended()).toBe('close 4001');
    await expectOver(stage);
  });

  it.each([
    ['hangs up at once', false],
    ['hangs up at once and is polled', true],
  ])('is told once when the client %s', async (_what, polls) => {
    const stage = await Stage.set(opened, polls ? polled : opensOnly);
    const client = await stage.openRaw();
    client.write(Buffer.concat([frame('text', 'last words'), frame('close', closing(1001))]));
    const request = await stage.origin.request(1);
    expect(request.events).toEqual(['TEXT last words', 'CLOSE 1001']);
    client.close();
    await stage.abandoned();
    request.answer([]);
    await expectOver(stage);
  });

  it('is told when the client hangs up while another request is under way', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', '1'));
    const first = await stage.origin.request(1);
    client.write(Buffer.concat([frame('text', '2'), frame('close', closing(1001))]));
    client.socket.end();
    await stage.abandoned();
    first.answer();
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['TEXT 2', 'CLOSE 1001']);
    last.answer();
    await expectOver(stage);
  });

  it('makes what the client sends after it meaningless', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('close', closing(1000)));
    const request = await stage.origin.request(1);
    client.write(frame('text', 'too late'));
    client.write(frame('text', 'unmasked', { masked: false }));
    await stage.settled(() => client.socket.writableLength === 0);
    (await stage.open()).socket.send('barrier');
    await stage.origin.request(3);
    request.answer(['CLOSE 1000']);
    expect(await client.readAsLongAs(closeFrame(1000))).toBe(closeFrame(1000));
    await client.untilClosed();
    expect(stage.origin.story[1]).toEqual(['CLOSE 1000']);
    expect(stage.origin.story.flat()).not.toContain('DISCONNECT');
  });

  it('is followed by DISCONNECT when its request breaks off, because nobody knows whether it arrived', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.close(1000);
    (await stage.origin.request(1)).reset();
    expect(await client.ended()).toBe('close 1006');
    (await stage.origin.request(2)).answer();
    await expectOver(stage, 2);
    expect(stage.origin.story.slice(1)).toEqual([['CLOSE 1000'], ['DISCONNECT']]);
  });
});

describe('a close by the origin', () => {
  const opened = new Opened();

  it.each([
    ['a code and a reason', 'CLOSE 4001 go', closeFrame(4001, 'go')],
    ['nothing', 'CLOSE', '\x88\x00'],
    ['half a code', Buffer.from('CLOSE 1\r\n\x03\r\n'), '\x88\x00'],
  ])('reaches the client with %s, whose answer is the last request', async (_what, event, seen) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    (await stage.origin.request(1)).answer([event, 'TEXT never seen']);
    expect(await client.readAsLongAs(seen)).toBe(seen);
    client.write(frame('close', closing(4001, 'gone')));
    await client.untilClosed();
    expect(client.pending).toBe('');
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['CLOSE 4001 gone']);
    client.close();
    last.reply(500, {});
    await expectOver(stage);
  });

  it('may come with the first answer', async () => {
    const stage = await Stage.set(opened, (request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN', 'CLOSE 4001 go'], POLLED);
      else request.answer();
    });
    const client = await stage.open();
    expect(await client.ended()).toBe('close 4001 go');
    expect((await stage.origin.request(1)).events).toEqual(['CLOSE 4001 go']);
    await expectOver(stage);
  });

  it('drops a client that does not answer it, which is a DISCONNECT', async () => {
    const stage = await Stage.set(opened, polled);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    (await stage.origin.request(1)).answer(['CLOSE 4001']);
    await client.readUntil(closeFrame(4001));
    await stage.clock.awaited();
    stage.clock.advance(5_100);
    await client.untilClosed();
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    await expectOver(stage);
  });

  it('crosses one of the client, and each side hears of it once', async () => {
    const stage = await Stage.set(opened, polled);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    const request = await stage.origin.request(1);
    client.write(frame('close', closing(4002, 'mine')));
    (await stage.open()).socket.send('barrier');
    const barrier = await stage.origin.request(3);
    request.answer(['CLOSE 4001 yours']);
    expect(await client.readAsLongAs(closeFrame(4001, 'yours'))).toBe(closeFrame(4001, 'yours'));
    await client.untilClosed();
    const last = await stage.origin.request(4);
    expect(last.events).toEqual(['CLOSE 4002 mine']);
    client.close();
    last.answer(['CLOSE 4002']);
    barrier.answer(['DISCONNECT']);
    await expectOver(stage);
  });

  it.each(['DISCONNECT', 'OPEN'])('may be abrupt: %s drops the client, and the origin knows already', async (event) => {
    const stage = await Stage.set(opened, polled);
    const client = await stage.open();
    client.socket.send('x');
    (await stage.origin.request(1)).answer(['TEXT last', event, 'TEXT never seen']);
    expect(await client.ended()).toBe('close 1006');
    expect(client.heard).toEqual(['text last', 'close 1006']);
    await expectOver(stage, 0);
  });
});

describe('a close by a publish', () => {
  const opened = new Opened();

  it('reaches the client with its code, and the origin without', async () => {
    const stage = await Stage.set(opened, subscribing);
    const client = await stage.open();
    stage.holdfast.publish(publishedClose);
    expect(await client.ended()).toBe('close 4009 over');
    const last = await stage.origin.request(1);
    expect(last.body.toString()).toBe('CLOSE\r\n');
    last.answer();
    await expectOver(stage);
  });

  it.each(['answers', 'vanishes'])('waits for the request under way, whether its client %s', async (what) => {
    const stage = await Stage.set(opened, subscribing);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    const first = await stage.origin.request(1);
    stage.holdfast.publish(publishedClose);
    await client.readUntil(closeFrame(4009, 'over'));
    if (what === 'answers') client.write(frame('close', closing(4009)));
    client.socket.end();
    await stage.abandoned();
    first.answer(['TEXT m:never seen']);
    const last = await stage.origin.request(2);
    expect(last.events).toEqual(['CLOSE']);
    last.answer(['CLOSE']);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await expectOver(stage);
  });
});

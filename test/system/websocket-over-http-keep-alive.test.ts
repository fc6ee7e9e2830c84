/** Requests without news: keep-alives and refreshes (spec 10.8). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { GRIP, subscribe } from '../support/events-origin.js';
import { Stage } from '../support/websocket-stage.js';

describe('keep-alives', () => {
  const opened = new Opened();

  /** An open connection whose origin asked for keep-alives at its opening. */
  async function kept(interval: string) {
    const stage = await Stage.set(opened, (request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN'], { 'Keep-Alive-Interval': interval });
    });
    return { stage, client: await stage.open() };
  }

  it('are requests without a body, whose answers may carry events', async () => {
    const { stage, client } = await kept('30');
    stage.clock.advance(29_900);
    expect(stage.holdfast.counters.originRequests).toBe(1);
    stage.clock.advance(200);
    const request = await stage.origin.request(1);
    expect([request.body.length, request.header('Content-Length')]).toEqual([0, '0']);
    request.answer(['TEXT hello']);
    expect(await client.sees(1)).toBe('text hello');
  });

  it.each(['1', '19', '20'])('come every 20 seconds at most: %s', async (interval) => {
    const { stage } = await kept(interval);
    stage.clock.advance(19_900);
    expect(stage.holdfast.counters.originRequests).toBe(1);
    stage.clock.advance(200);
    expect((await stage.origin.request(1)).events).toEqual([]);
  });

  it.each(['0', '-1', 'soon', ''])('are off with %j', async (interval) => {
    const { stage } = await kept(interval);
    stage.clock.advance(600_000);
    expect(stage.holdfast.counters.originRequests).toBe(1);
  });

  it('count from the last answer, and go on when later answers do not mention them', async () => {
    const { stage, client } = await kept('30');
    stage.clock.advance(20_000);
    client.socket.send('x');
    const request = await stage.origin.request(1);
    stage.clock.rest();
    request.answer(['TEXT seen']);
    await client.sees(1);
    await stage.clock.awaited();
    stage.clock.advance(29_900);
    expect(stage.holdfast.counters.originRequests).toBe(2);
    stage.clock.advance(200);
    expect((await stage.origin.request(2)).events).toEqual([]);
  });

  it('end when an answer turns them off', async () => {
    const { stage, client } = await kept('30');
    client.socket.send('x');
    (await stage.origin.request(1)).answer(['TEXT off'], { 'Keep-Alive-Interval': '0' });
    await client.sees(1);
    stage.clock.advance(600_000);
    expect([stage.holdfast.counters.originRequests, stage.clock.pending]).toEqual([2, 0]);
  });

  it('bring again what the origin did not accept', async () => {
    const { stage, client } = await kept('30');
    client.socket.send('hello');
    const request = await stage.origin.request(1);
    stage.clock.rest();
    request.answer([], { 'Content-Bytes-Accepted': '0' });
    await stage.clock.awaited();
    stage.clock.advance(30_100);
    const again = await stage.origin.request(2);
    expect([again.events, again.header('Content-Bytes-Replayed')]).toEqual([['TEXT hello'], '5']);
  });
});

describe('a refresh', () => {
  const opened = new Opened();
  const refresh = { channel: 'a', formats: { 'ws-message': { action: 'refresh' } } };

  it('makes a request at once, and one more behind a request under way', async () => {
    const stage = await Stage.set(opened, (request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe('a')], GRIP);
    });
    const client = await stage.open();
    stage.holdfast.publish(refresh);
    const first = await stage.origin.request(1);
    expect(first.body.length).toBe(0);
    stage.holdfast.publish(refresh);
    stage.holdfast.publish(refresh);
    first.answer(['TEXT m:refreshed']);
    expect(await client.sees(1)).toBe('text refreshed');
    (await stage.origin.request(2)).answer(['TEXT m:again']);
    expect(await client.sees(2)).toBe('text again');
    expect(stage.origin.story.slice(1)).toEqual([[], []]);
    expect(stage.holdfast.counters.originRequests).toBe(3);
  });
});

/** GRIP with an origin that speaks WebSocket itself: enabling, control messages, publishing (specification 11.2 to 11.6). */
import { describe, expect, it } from 'vitest';
import type { HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed, unsubscribed } from '../support/events.js';
import { EventsClient } from '../support/websocket-client.js';
import { WebSocketOriginServer, type WebSocketServerOptions } from '../support/websocket-origin.js';

const opened = new Opened();
const GRIP = ['Sec-WebSocket-Extensions: grip'];

/** @param route - `ORIGIN` stands for the origin */
async function pair(server: WebSocketServerOptions, route = '* ORIGIN', options: HoldfastOptions = {}) {
  const origin = opened.add(await WebSocketOriginServer.start(server), (one) => one.stop());
  const holdfast = await opened.holdfast({ routes: [route.replace('ORIGIN', origin.target)], ...options });
  const client = opened.add(new EventsClient(clientPort(holdfast)), ({ socket }) => socket.terminate());
  await client.sees(0);
  const side = await origin.side();
  /** Says something to the client that comes behind everything said before. */
  const control = (message: object): void => side.socket.send(`c:${JSON.stringify(message)}`);
  return { holdfast, client, side, control };
}

function message(channel: string, format: object): { channel: string; formats: Record<string, object> } {
  return { channel, formats: { 'ws-message': format } };
}

describe('GRIP with a WebSocket origin', () => {
  it('subscribes the client, which then gets what is published', async () => {
    const { holdfast, client, side, control } = await pair({ headers: GRIP });
    const ready = subscribed(holdfast, 'room');
    control({ type: 'subscribe', channel: 'room' });
    await ready;
    expect(holdfast.publish(message('room', { content: 'hello' }))).toEqual({ kind: 'sent', receivers: 1 });
    expect(await client.sees(1)).toBe('text hello');
    holdfast.publish(message('room', { 'content-bin': 'AAE=' }));
    expect(await client.sees(2)).toBe('binary \u0000\u0001');
    const over = unsubscribed(holdfast, 'room');
    control({ type: 'unsubscribe', channel: 'room' });
    await over;
    expect(holdfast.publish(message('room', { content: 'hello' }))).toEqual({ kind: 'sent', receivers: 0 });
    // What is published is nothing that the origin hears of.
    expect(side.seen).toEqual([]);
  });

  it('prefixes channels as the route says', async () => {
    const { holdfast, client, control } = await pair({ headers: GRIP }, '*,prefix=mine- ORIGIN');
    const ready = subscribed(holdfast, 'mine-room');
    control({ type: 'subscribe', channel: 'room' });
    await ready;
    holdfast.publish(message('mine-room', { content: 'hello' }));
    expect(await client.sees(1)).toBe('text hello');
  });

  it.each([
    ['m: by default', GRIP, 'm:'],
    ['as the origin says', ['Sec-WebSocket-Extensions: grip; message-prefix="p;"'], 'p;'],
    ['none when it is empty', ['Sec-WebSocket-Extensions: grip; message-prefix=""'], ''],
  ])('takes the prefix off messages, which is %s', async (_what, headers, prefix) => {
    const { client, side } = await pair({ headers });
    side.socket.send(`${prefix}text`);
    side.socket.send(Buffer.from(`${prefix}bytes`));
    side.socket.ping('m:p');
    side.socket.send(Buffer.from('c:no control message'));
    side.socket.send('c:{"type":"nothing that is known"}');
    side.socket.send('other');
    side.socket.send(`${prefix}last`);
    const last = prefix === '' ? 6 : 4;
    expect(await client.sees(last)).toBe('text last');
    const unprefixed = prefix === '' ? ['binary c:no control message', 'text other'] : [];
    expect(client.heard).toEqual(['text text', 'binary bytes', 'ping m:p', ...unprefixed, 'text last']);
  });

  it('never touches what the client says', async () => {
    const { client, side } = await pair({ headers: GRIP });
    client.socket.send('c:{"type":"subscribe","channel":"room"}');
    client.socket.send('m:x');
    await side.sees(1);
    expect(side.seen).toEqual(['text c:{"type":"subscribe","channel":"room"}', 'text m:x']);
  });

  it('is not on without the extension in the answer', async () => {
    const { holdfast, client, control } = await pair({});
    control({ type: 'subscribe', channel: 'room' });
    expect(await client.sees(1)).toBe('text c:{"type":"subscribe","channel":"room"}');
    expect(holdfast.publish(message('room', { content: 'hello' }))).toEqual({ kind: 'sent', receivers: 0 });
  });

  it('hands the client of a published close to the origin as 1000', async () => {
    const { holdfast, client, side, control } = await pair({ headers: GRIP });
    const ready = subscribed(holdfast, 'room');
    control({ type: 'subscribe', channel: 'room' });
    await ready;
    holdfast.publish(message('room', { action: 'close', code: 4_005, reason: 'all out' }));
    expect(await client.ended()).toBe('close 4005 all out');
    expect(await side.ended()).toBe('close 1000');
    await turnUntil('the end of the hold', () => holdfast.counters.holds.ws === 0);
  });

  it('lets the origin leave its client to what is published', async () => {
    const { holdfast, client, side, control } = await pair({ headers: GRIP });
    const ready = subscribed(holdfast, 'room');
    control({ type: 'subscribe', channel: 'room' });
    await ready;
    control({ type: 'detach' });
    side.socket.send('m:too late');
    expect(await side.ended()).toBe('close 1000');
    client.socket.send('to nobody');
    holdfast.publish(message('room', { content: 'hello' }));
    expect(await client.sees(1)).toBe('text hello');
    client.socket.close(4_000);
    expect(await client.ended()).toBe('close 1000');
    expect(side.seen).toEqual(['close 1000']);
  });

  it('has nothing to refresh', async () => {
    const { holdfast, client, side, control } = await pair({ headers: GRIP });
    const ready = subscribed(holdfast, 'room');
    control({ type: 'subscribe', channel: 'room' });
    await ready;
    holdfast.publish(message('room', { action: 'refresh' }));
    holdfast.publish(message('room', { content: 'after' }));
    expect(await client.sees(1)).toBe('text after');
    expect(side.seen).toEqual([]);
  });
});

describe('sub= on a target', () => {
  it('subscribes without the extension, and every message goes through', async () => {
    const { holdfast, client, side } = await pair({}, '*,prefix=mine- ORIGIN,sub=news,sub=more');
    side.socket.send('c:{"type":"subscribe","channel":"room"}');
    side.socket.send('m:x');
    expect(await client.sees(2)).toBe('text m:x');
    expect(client.heard[0]).toBe('text c:{"type":"subscribe","channel":"room"}');
    holdfast.publish(message('news', { content: 'one' }));
    holdfast.publish(message('more', { content: 'two' }));
    expect([await client.sees(3), await client.sees(4)]).toEqual(['text one', 'text two']);
  });

  it('subscribes on a route without GRIP too, where the bytes cannot go through as they are', async () => {
    const { holdfast, client, side } = await pair({}, '*,no_grip ORIGIN,sub=news');
    expect(side.request.headers['sec-websocket-extensions']).toBeUndefined();
    side.socket.send('m:x');
    expect(await client.sees(1)).toBe('text m:x');
    holdfast.publish(message('news', { content: 'one' }));
    expect(await client.sees(2)).toBe('text one');
    client.socket.close(4_000);
    expect(await side.ended()).toBe('close 4000');
  });
});

describe('a closing Holdfast', () => {
  it('tells clients 1001, ends the connections to origins, and leaves none open', async () => {
    const { holdfast, client, side } = await pair({ headers: GRIP });
    await holdfast.close();
    expect(await client.ended()).toBe('close 1001');
    expect(await side.ended()).toMatch(/^close /);
    expect(holdfast.counters).toMatchObject({ holds: { ws: 0 }, openConnections: 0 });
  });
});

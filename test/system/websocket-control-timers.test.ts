/** Keep-alives and delayed messages on real sockets (spec 11.4); when exactly they come is tested beside the hold. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { GRIP, opening } from '../support/events-origin.js';
import { control } from '../support/recovery-stage.js';
import { closeFrame } from '../support/websocket-client.js';
import { Stage, type StageOptions } from '../support/websocket-stage.js';

const QUIET: StageOptions = { settings: { hold: { updateOnFirstSubscription: false } } };

async function saying(opened: Opened, messages: readonly object[], options: StageOptions = QUIET): Promise<Stage> {
  return Stage.set(opened, opening([...messages.map(control), 'TEXT m:ready'], GRIP), options);
}

const BEAT = { type: 'keep-alive', content: 'beat', timeout: 10 };

describe('a keep-alive', () => {
  const opened = new Opened();

  it.each([
    ['text', {}, 'text beat'],
    ['binary', { 'message-type': 'binary' }, 'binary beat'],
    ['a ping', { 'message-type': 'ping' }, 'ping beat'],
    ['a pong', { 'message-type': 'pong' }, 'pong beat'],
    ['bytes, which are text unless said otherwise', { 'content-bin': 'AGE=' }, 'text \x00a'],
    ['an empty ping', { content: '', 'message-type': 'ping' }, 'ping '],
  ])('reaches the client as it was given, again and again: %s', async (_what, members, seen) => {
    const stage = await saying(opened, [{ ...BEAT, ...members }]);
    const client = await stage.open();
    await client.sees(1);
    for (const round of [2, 3, 4]) {
      stage.clock.advance(10_100);
      expect(await client.sees(round)).toBe(seen);
    }
    expect(stage.holdfast.counters.originRequests).toBe(1);
  });

  it('goes to each client by itself and ends with it', async () => {
    const stage = await saying(opened, [BEAT]);
    const clients = await Promise.all([stage.open(), stage.open(), stage.open()]);
    await Promise.all(clients.map((client) => client.sees(1)));
    stage.clock.advance(10_100);
    for (const client of clients) expect(await client.sees(2)).toBe('text beat');
    for (const { socket } of clients) socket.terminate();
    await stage.abandoned();
    stage.clock.advance(60_000);
    expect(await stage.farewells()).toBe(3);
    expect(stage.clock.pending).toBe(0);
  });

  it('is one frame', async () => {
    const stage = await saying(opened, [{ ...BEAT, 'message-type': 'ping' }]);
    const client = await stage.openRaw();
    expect(await client.readAsLongAs('\x81\x05ready')).toBe('\x81\x05ready');
    stage.clock.advance(10_100);
    expect(await client.readAsLongAs('\x89\x04beat')).toBe('\x89\x04beat');
  });

  it.each([1013, 4008])('that a slow client has no room for closes it with %i', async (slowCloseCode) => {
    const options = {
      settings: { hold: { ...QUIET.settings?.hold, outboxBytes: 1_000 }, websocket: { slowCloseCode } },
    };
    const content = 'x'.repeat(60_000);
    const stage = await saying(opened, [{ ...BEAT, content, timeout: 1, mode: 'interval' }], options);
    const client = await stage.openRaw();
    client.pause();
    const { counters } = stage.holdfast;
    await stage.settled(() => {
      stage.clock.advance(1_000);
      return counters.dropped['outbox-full'] > 0;
    });
    client.resume();
    expect(await client.readUntil(closeFrame(slowCloseCode))).toContain(content);
    expect(counters.dropped['outbox-full']).toBe(1);
  });
});

describe('a delayed message', () => {
  const opened = new Opened();
  const later = (content: string, members: object = {}) => ({ type: 'send-delayed', content, ...members });

  it.each([
    ['text', {}, 'text late'],
    ['binary', { 'message-type': 'binary' }, 'binary late'],
    ['a ping', { 'message-type': 'ping' }, 'ping late'],
    ['bytes', { 'content-bin': '/wA=', 'message-type': 'binary' }, 'binary \xff\x00'],
  ])('reaches the client when its time has come: %s', async (_what, members, seen) => {
    const stage = await saying(opened, [later('late', members)]);
    const client = await stage.open();
    await client.sees(1);
    stage.clock.advance(1_100);
    expect(await client.sees(2)).toBe(seen);
  });

  it('is sent by another one, and that by a flush', async () => {
    const stage = await saying(opened, [later('one'), later('two'), { type: 'flush-delayed' }]);
    const client = await stage.open();
    await client.sees(3);
    expect(client.heard).toEqual(['text one', 'text two', 'text ready']);
    stage.clock.advance(60_000);
    stage.clock.rest();
    expect(stage.clock.pending).toBe(0);
  });
});

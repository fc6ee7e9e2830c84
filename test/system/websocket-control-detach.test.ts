/** An origin that leaves its client to what is published (spec 11.4, detach). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { type EventsScript, GRIP, subscribe } from '../support/events-origin.js';
import { control } from '../support/recovery-stage.js';
import type { EventsClient } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

const DETACH = control({ type: 'detach' });

function publish(stage: Stage, format: object): void {
  stage.holdfast.publish({ channel: 'a', formats: { 'ws-message': format } });
}

/** What an origin may make of the CLOSE it is sent. */
const ANSWERS: readonly (readonly [string, Record<string, string>, readonly string[]])[] = [
  ['with a close', {}, ['CLOSE 1000']],
  ['with another close', {}, ['CLOSE 4009 no']],
  ['with nothing', {}, []],
  ['with nothing, and wants keep-alives', { 'Keep-Alive-Interval': '20' }, []],
  ['with messages', {}, ['TEXT m:too late', subscribe('b')]],
  ['with an end', {}, ['DISCONNECT']],
];

function detaching(headers: Record<string, string> = {}, ...answer: readonly string[]): EventsScript {
  return (request) => {
    const opens = request.events[0] === 'OPEN';
    if (opens) request.answer(['OPEN', subscribe('a'), 'TEXT m:last word', DETACH], { ...GRIP, ...headers });
    else request.answer(answer);
  };
}

describe('a detached client', () => {
  const opened = new Opened();

  async function detached(script: EventsScript): Promise<{ stage: Stage; client: EventsClient }> {
    const settings = { hold: { updateOnFirstSubscription: false } };
    const stage = await Stage.set(opened, script, { settings });
    const client = await stage.open();
    await client.sees(1);
    expect((await stage.origin.request(1)).events).toEqual(['CLOSE 1000']);
    return { stage, client };
  }

  it.each(ANSWERS)('stays, whatever its origin says to the CLOSE it gets: %s', async (_what, headers, answer) => {
    const { stage, client } = await detached(detaching(headers, ...answer));
    stage.clock.advance(120_000);
    publish(stage, { content: 'published' });
    expect(await client.sees(2)).toBe('text published');
    expect(client.heard).toEqual(['text last word', 'text published']);
    expect([stage.origin.story, stage.holdfast.counters.holds.ws]).toEqual([[['OPEN'], ['CLOSE 1000']], 1]);
  });

  it.each([
    ['more messages', ['TEXT m:no', subscribe('b')]],
    ['a close', ['CLOSE 4000']],
    ['an end', ['DISCONNECT']],
    ['another detach', [DETACH]],
  ])('hears nothing of what its origin says behind that: %s', async (_what, more) => {
    const { stage, client } = await detached((request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe('a'), 'TEXT m:1', DETACH, ...more], GRIP);
      else request.answer();
    });
    publish(stage, { content: '2' });
    await client.sees(2);
    expect(client.heard).toEqual(['text 1', 'text 2']);
    expect(await stage.farewells()).toBe(1);
  });

  it('says nothing to its origin any more, and its close is answered with 1000', async () => {
    const { stage, client } = await detached(detaching());
    client.socket.send('hello');
    client.socket.ping('p');
    publish(stage, { content: 'still there' });
    expect(await client.sees(2)).toBe('text still there');
    client.socket.close(4002, 'bye');
    expect(await client.ended()).toBe('close 1000');
    await stage.abandoned();
    expect(await stage.farewells()).toBe(1);
    expect(stage.origin.story).toEqual([['OPEN'], ['CLOSE 1000']]);
  });

  it('is closed by a publish, and goes on getting keep-alives until then', async () => {
    const beat = control({ type: 'keep-alive', content: 'beat', timeout: 10 });
    const { stage, client } = await detached((request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN', beat, subscribe('a'), 'TEXT m:1', DETACH], GRIP);
      else request.answer();
    });
    stage.clock.advance(10_100);
    expect(await client.sees(2)).toBe('text beat');
    publish(stage, { action: 'refresh' });
    publish(stage, { action: 'close', code: 4001, reason: 'over' });
    expect(await client.ended()).toBe('close 4001 over');
    await stage.abandoned();
    expect(await stage.farewells()).toBe(1);
  });

  it('that goes without a word leaves nothing behind', async () => {
    const { stage, client } = await detached(detaching());
    client.socket.terminate();
    await stage.abandoned();
    expect(await stage.farewells()).toBe(1);
    expect(stage.clock.pending).toBe(0);
  });

  it('is closed with 1001 when Holdfast ends', async () => {
    const { stage, client } = await detached(detaching());
    await stage.holdfast.close();
    expect(await client.ended()).toBe('close 1001');
  });

  it('whose messages its origin has not taken is read on', async () => {
    const settings = { websocket: { maxBufferedBytes: 1_000 } };
    const stage = await Stage.set(
      opened,
      (request, index) => {
        if (index === 0) request.answer(['OPEN', subscribe('a')], GRIP);
        else if (index === 2) request.answer(['CLOSE 1000']);
      },
      { settings },
    );
    const client = await stage.open();
    client.socket.send('first');
    const request = await stage.origin.request(1);
    client.socket.send('x'.repeat(2_000));
    await stage.turns(20);
    request.answer([DETACH, 'TEXT m:gone']);
    const { events } = await stage.origin.request(2);
    expect(events.map((event) => event.slice(0, 10))).toEqual(['TEXT xxxxx', 'CLOSE 1000']);
    client.socket.send('unheard');
    client.socket.close();
    expect(await client.ended()).toBe('close 1000');
  });

  it('that closes at the same time is answered with 1000', async () => {
    const stage = await Stage.set(opened, (request, index) => {
      if (index === 0) request.answer(['OPEN'], GRIP);
      else request.answer([DETACH]);
    });
    const client = await stage.open();
    client.socket.close(4002);
    expect(await client.ended()).toBe('close 1000');
    expect(await stage.farewells()).toBe(1);
  });
});

/** Long-polling as a client sees it: answered by a publish, by the end of its time, or by asking the origin again. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed, unsubscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { answering, type Script } from '../support/origin.js';

function waiting(extra: Readonly<Record<string, string>> = {}): Script {
  return (_request, response) => {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'X-Held': 'yes',
      'Grip-Hold': 'response',
      'Grip-Channel': 'updates',
      ...extra,
    });
    response.end('{"nothing":"new"}');
  };
}

/** The origin is asked when a test says so, and not once more a second after the first subscription. */
const settings = { hold: { updateOnFirstSubscription: false } };

describe('a long poll', () => {
  const opened = new Opened();

  it('is answered by the first item, with its own status, the headers of both and a new length', async () => {
    const { holdfast, port } = await opened.proxied(waiting(), { settings });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.get(port, '/poll');
    await held;
    expect(client.receivedBytes).toBe(0);
    holdfast.publish({
      channel: 'updates',
      formats: { 'http-response': { code: 201, reason: 'Made', headers: { 'X-Item': '1' }, body: '{"value":1}' } },
    });
    holdfast.publish({ channel: 'updates', formats: { 'http-response': { body: 'too late' } } });
    const expected =
      'HTTP/1.1 201 Made\r\nContent-Type: application/json\r\nX-Held: yes\r\nX-Item: 1\r\nContent-Length: 11\r\n\r\n{"value":1}';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(holdfast.counters.holds.response).toBe(0);
  });

  it('leaves its connection ready for the next one', async () => {
    const { holdfast, origin, port } = await opened.proxied(waiting(), { settings });
    const client = await opened.client(port);
    for (const turn of ['one', 'two', 'three']) {
      client.write(`GET /${turn} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await turnUntil('the change of holds', () => holdfast.counters.holds.response === 1);
      holdfast.publish({ channel: 'updates', formats: { 'http-response': { body: turn } } });
      expect((await client.readAnswer()).body.toString()).toBe(turn);
    }
    expect([holdfast.counters.openConnections, origin.connections, origin.requests.length]).toEqual([1, 1, 3]);
  });

  it('is answered with the origin’s own answer when its time is up, and not before', async () => {
    const clock = new ManualClock();
    const { holdfast, port } = await opened.proxied(waiting({ 'Grip-Timeout': '300' }), { clock, settings });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.get(port, '/poll');
    await held;
    clock.advance(299_900);
    expect(holdfast.counters.holds.response).toBe(1);
    clock.advance(200);
    expect(holdfast.counters.holds.response).toBe(0);
    const expected =
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Held: yes\r\nContent-Length: 17\r\n\r\n{"nothing":"new"}';
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('waits 55 seconds when the origin names no time', async () => {
    const clock = new ManualClock();
    const { holdfast, port } = await opened.proxied(waiting(), { clock, settings });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.get(port, '/poll');
    await held;
    clock.advance(54_900);
    expect(holdfast.counters.holds.response).toBe(1);
    clock.advance(200);
    expect((await client.readAnswer()).body.toString()).toBe('{"nothing":"new"}');
  });

  it('asks the origin again after a hint, with the request as the client sent it', async () => {
    const log = new LineLog();
    const { holdfast, origin, port } = await opened.proxied(waiting({ 'Grip-Channel': 'updates; prev-id=a' }), {
      logger: log,
      settings,
    });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.client(port);
    client.write('POST /poll?since=1 HTTP/1.1\r\nHost: a\r\nX-Mine: 1\r\nContent-Length: 5\r\n\r\nquery');
    await held;
    const first = await origin.request(0);
    const bodies: string[] = [];
    origin.script = async (request, response) => {
      bodies.push((await request.body()).toString());
      response.end('fresh');
    };
    holdfast.publish({ channel: 'updates', 'prev-id': 'a', id: 'b', formats: { 'http-response': { action: 'hint' } } });
    expect((await client.readAnswer()).body.toString()).toBe('fresh');
    const again = await origin.request(1);
    expect([again.method, again.url, again.headers['x-mine']]).toEqual([first.method, first.url, '1']);
    expect(first.headers['grip-last']).toBeUndefined();
    expect(bodies).toEqual(['query']);
  });

  it('may be held once more after a hint, and is answered then', async () => {
    const log = new LineLog();
    const { holdfast, origin, port } = await opened.proxied(waiting(), { logger: log, settings });
    const client = await opened.get(port, '/poll');
    await log.until('subscribe http://example.com/poll channel=updates');
    holdfast.publish({ channel: 'updates', formats: { 'http-response': { action: 'hint' } } });
    await log.until('channel=updates retry');
    holdfast.publish({ channel: 'updates', formats: { 'http-response': { body: 'at last' } } });
    expect((await client.readAnswer()).body.toString()).toBe('at last');
    expect(origin.requests.length).toBe(2);
  });

  it('asks the origin again a second after its channel got its first subscriber, when the setting is on', async () => {
    const clock = new ManualClock();
    const { holdfast, origin, port } = await opened.proxied(waiting(), { clock });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.get(port, '/poll?since=1');
    await held;
    origin.script = answering({}, 'what came in between');
    clock.advance(1_300);
    expect((await client.readAnswer()).body.toString()).toBe('what came in between');
    expect(origin.requests.map(({ url }) => url)).toEqual(['/poll?since=1', '/poll?since=1']);
  });

  it('ends when its client goes, and its channel stays open for a while', async () => {
    const clock = new ManualClock();
    const { holdfast, port } = await opened.proxied(waiting(), { clock, settings });
    const held = subscribed(holdfast, 'updates');
    const client = await opened.get(port, '/poll');
    await held;
    client.close();
    await turnUntil('the change of holds', () => holdfast.counters.holds.response === 0);
    const over = unsubscribed(holdfast, 'updates');
    clock.advance(62_000);
    await over;
  });
});

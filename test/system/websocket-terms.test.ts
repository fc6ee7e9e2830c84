/** What the settings hold every WebSocket to: pings of ours, and a limit on messages that wait. */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { clientPort, Opened } from '../support/closing.js';
import { EventsOrigin } from '../support/events-origin.js';
import { itemFor } from '../support/several.js';
import { StepListener } from '../support/step-listener.js';

describe('settings for all WebSockets', () => {
  const opened = new Opened();

  async function socket(port: number, options: object = {}): Promise<WebSocket> {
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${port}/ws?channel=room`, options), (one) =>
      one.terminate(),
    );
    await new Promise<void>((resolve, reject) => {
      client.once('open', resolve);
      client.once('error', reject);
    });
    return client;
  }

  it('websocket.ping_interval asks whether a client is there, and cuts it off when it is not', async () => {
    const settings = { websocket: { pingInterval: 0.5, pongTimeout: 1.5 } };
    const holdfast = await opened.holdfast({ routes: ['* test'], settings });
    const steps = StepListener.on(opened);
    const alive = await socket(clientPort(holdfast));
    const dead = await socket(clientPort(holdfast), { autoPong: false });
    const pings = new Promise<void>((resolve) => {
      let count = 0;
      alive.on('ping', () => {
        count += 1;
        if (count === 5) resolve();
      });
    });
    const code = await new Promise((resolve) => dead.once('close', resolve));
    expect(code).toBe(1006);
    await pings;
    expect(alive.readyState).toBe(WebSocket.OPEN);
    // Its own pings are answered meanwhile, and do not count as pongs.
    const pong = new Promise((resolve) => alive.once('pong', resolve));
    alive.ping();
    await pong;
    expect(steps.of('hold:end')).toHaveLength(1);
    expect(holdfast.counters.holds.ws).toBe(1);
  });

  it('keeps the answers to its pings from origins', async () => {
    const origin = opened.add(
      await EventsOrigin.start((request) => request.answer(request.events[0] === 'OPEN' ? ['OPEN'] : [])),
      (one) => one.stop(),
    );
    const settings = { websocket: { pingInterval: 0.3, pongTimeout: 5 } };
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},over_http`], settings });
    const client = await socket(clientPort(holdfast));
    for (let count = 0; count < 3; count += 1) await new Promise((resolve) => client.once('ping', resolve));
    // One that answers nothing is the origin's.
    client.pong('own');
    await origin.request(1);
    expect(origin.requests.map(({ events }) => events)).toEqual([['OPEN'], ['PONG own']]);
  });

  it.each([
    ['{"pingInterval":30,"pongTimeout":30}', { pingInterval: 30, pongTimeout: 30 }],
    ['{"pingInterval":60}', { pingInterval: 60 }],
  ])('refuses %s, by which everybody would be cut off', async (_name, websocket) => {
    await expect(opened.holdfast({ routes: ['* test'], settings: { websocket } })).rejects.toThrow(
      'must be longer than websocket.ping_interval',
    );
  });

  it('sends no pings by default', async () => {
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    const client = await opened.client(clientPort(holdfast));
    client.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('test', 'x'));
    expect(await client.readAsLongAs('\x81\x01x')).toBe('\x81\x01x');
  });

  it('websocket.outbox_messages bounds messages where bytes would not, and closes with the code for slow clients', async () => {
    const settings = { websocket: { outboxMessages: 3 }, hold: { outboxBytes: 1_000_000_000 } };
    const holdfast = await opened.holdfast({ routes: ['* test'], settings });
    const slow = await socket(clientPort(holdfast));
    slow.pause();
    const large = 'x'.repeat(500_000);
    let published = 0;
    while (holdfast.counters.dropped['outbox-full'] === 0) {
      holdfast.publish(itemFor('room', large));
      published += 1;
      expect(published).toBeLessThan(100);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    let messages = 0;
    slow.on('message', () => {
      messages += 1;
    });
    const code = new Promise((resolve) => slow.once('close', resolve));
    slow.resume();
    expect(await code).toBe(1013);
    expect(messages).toBe(published - 1);
  });
});

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FramedHold } from '../../../src/hold/sockjs-framed-hold.js';
import { DetachedOrigin } from '../../../src/hold/websocket-origin.js';
import { Opened } from '../../support/closing.js';
import { sampleHolds } from '../../support/sample-hold-parts.js';

describe('a held WebSocket with SockJS frames', () => {
  const opened = new Opened();

  it('has one timer while it lives, and none that would keep it afterwards', async () => {
    const server = opened.add(createServer().listen(0, '127.0.0.1'), (one) => one.close());
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await opened.client((server.address() as AddressInfo).port);
    const [socket] = await accepted;
    const { parts, wheel } = sampleHolds();
    const options = { messagePrefix: undefined, debug: false, rateBucket: '', channelPrefix: '', uri: 'ws://a/' };
    new FramedHold(parts, socket, new DetachedOrigin(undefined), options, 100);
    expect(await client.readUntil('o')).toBe('\x81\x01o');
    expect(wheel.size).toBe(1);
    client.close();
    await once(socket, 'close');
    expect(wheel.size).toBe(0);
    expect(parts.counters.holds.ws).toBe(0);
  });
});

/**
 * Backends that speak WebSocket-over-HTTP through the libraries people use, with clients of the package `ws`: everything a
 * connection is used for, once with each library.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast, type Holdfast } from '../../src/index.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { unsubscribed } from '../support/events.js';
import { type Backend, LIBRARIES, LIBRARY_KEY } from '../support/library-backends.js';
import { Relay } from '../support/relay.js';
import { EventsClient } from '../support/websocket-client.js';

describe.each(LIBRARIES)('a backend with %s', (_name, make) => {
  let relay: Relay;
  let holdfast: Holdfast;
  let backend: Backend;
  const opened = new Opened();

  // One for all tests: what `express-grip` publishes with is made once in a process.
  beforeAll(async () => {
    relay = await Relay.start();
    holdfast = await createHoldfast({
      routes: [`* 127.0.0.1:${relay.port},over_http`],
      settings: { proxy: { sigKey: LIBRARY_KEY } },
    });
    backend = await make(controlUri(holdfast));
    if (!backend.server.listening) await once(backend.server, 'listening');
    relay.targetPort = (backend.server.address() as AddressInfo).port;
  });

  afterAll(async () => {
    await holdfast.close();
    await relay.stop();
    backend.server.closeAllConnections();
    backend.server.close();
  });

  /** A client that has joined the channel: an answer came behind the one that accepted it. */
  async function joined(): Promise<EventsClient> {
    const client = opened.add(new EventsClient(clientPort(holdfast), '/socket'), ({ socket }) => socket.terminate());
    await client.sees(0);
    client.socket.send('there?');
    expect(await client.sees(1)).toBe('text echo there?');
    return client;
  }

  it('accepts a WebSocket and answers what it is told, in order', async () => {
    const client = await joined();
    for (const text of ['one', 'two', 'three', '']) client.socket.send(text);
    await client.sees(5);
    expect(client.heard.slice(1)).toEqual(['text echo one', 'text echo two', 'text echo three', 'text echo ']);
  });

  it('says to everybody what one of them says', async () => {
    const [one, two] = [await joined(), await joined()];
    one.socket.send('all:hello everybody');
    expect([await one.sees(2), await two.sees(2)]).toEqual(['text hello everybody', 'text hello everybody']);
    two.socket.send('all:für €');
    const said = `text ${Buffer.from('für €').toString('latin1')}`;
    expect([await one.sees(3), await two.sees(3)]).toEqual([said, said]);
  });

  it('sends bytes', async () => {
    const client = await joined();
    client.socket.send('bytes:0001fffe0d0a');
    expect(await client.sees(2)).toBe('binary \u0000\u0001\u00ff\u00fe\r\n');
  });

  it('notes something of a connection, which later requests have with them', async () => {
    const [one, two] = [await joined(), await joined()];
    one.socket.send('name:bob');
    one.socket.send('there?');
    expect(await one.sees(2)).toBe('text echo there?');
    one.socket.send('who');
    two.socket.send('who');
    expect([await one.sees(3), await two.sees(2)]).toEqual(['text bob', 'text ann']);
  });

  it('can tell that requests are from its proxy', async () => {
    const client = await joined();
    client.socket.send('signed');
    expect(await client.sees(2)).toBe('text true');
  });

  it('leaves the channel', async () => {
    await turnUntil('the end of all others', () => holdfast.counters.holds.ws === 0);
    const client = await joined();
    const left = unsubscribed(holdfast, 'all');
    client.socket.send('leave');
    await left;
    client.socket.send('all:not to be heard');
    client.socket.send('still there?');
    expect(await client.sees(2)).toBe('text echo still there?');
  });

  it('answers a close with its code', async () => {
    const client = await joined();
    client.socket.close(4_001);
    expect(await client.ended()).toBe('close 4001');
  });

  it('closes by itself', async () => {
    const client = await joined();
    client.socket.send('bye');
    expect(await client.ended()).toBe('close 4002');
  });

  it('hears of a client that goes without a word', async () => {
    const client = await joined();
    const before = backend.gone();
    client.socket.terminate();
    await turnUntil('word of it at the backend', () => backend.gone() === before + 1);
  });

  it('answers ordinary requests as before', async () => {
    const answer = await fetch(`http://127.0.0.1:${clientPort(holdfast)}/hello`);
    expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
  });
});

/**
 * WebSockets that are none of our business: of routes without GRIP and of proxies that we trust (specification 11.1, 12.3).
 */
import { once } from 'node:events';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { HoldfastOptions } from '../../src/index.js';
import { chainOf, itemFor, TRUSTING } from '../support/chain.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import { EventsOrigin, opening } from '../support/events-origin.js';
import { RawOrigin, type RawReply } from '../support/raw-origin.js';
import { EventsClient, frame, knock } from '../support/websocket-client.js';
import { accepting, reset, said, WebSocketOriginServer } from '../support/websocket-origin.js';
import { WatchedClock } from '../support/websocket-stage.js';

const KEY = 'the key of the proxy in front';
const SETTINGS = { proxy: { upstreamKey: KEY } };
const GRIP = 'Sec-WebSocket-Extensions: grip; message-prefix="p:"';

const PLAIN_GRIP = 'Sec-WebSocket-Extensions: grip';

const opened = new Opened();

function headerOf(line: string): Record<string, string> {
  const [name = '', value = ''] = line.split(/: (.*)/s);
  return { [name]: value };
}

async function token(): Promise<string> {
  return new SignJWT({ iss: 'any', exp: Math.floor(Date.now() / 1_000) + 3_600 })
    .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
    .sign(Buffer.from(KEY));
}

/** A raw client and a raw origin with a 101 between them. */
async function wires(reply: RawReply = accepting(), options: HoldfastOptions = {}, ...headers: readonly string[]) {
  const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
  origin.reply('/chat', reply);
  const holdfast = await opened.holdfast({ routes: [`*,no_grip ${origin.target}`], ...options });
  // Ends before Holdfast does, which would wait for it.
  opened.add(origin, (one) => one.stop());
  const client = opened.add(await knock(clientPort(holdfast), '/chat', ...headers), (one) => one.close());
  const head = await client.readUntil('\r\n\r\n');
  const [connection] = origin.connections;
  if (connection === undefined) throw new Error('there is no connection');
  const said = (): string => connection.received.slice(connection.received.indexOf('\r\n\r\n') + 4);
  return { holdfast, origin, connection, client, head, said };
}

describe('a WebSocket on a route without GRIP', () => {
  it('is agreed on by client and origin, extensions and all', async () => {
    const offers = ['Sec-WebSocket-Extensions: one; a=1, grip', 'Sec-WebSocket-Extensions: two'];
    const { origin, head } = await wires(accepting('', 'Sec-WebSocket-Extensions: two', GRIP), {}, ...offers);
    const asked = (await origin.request('/chat')).head;
    expect(asked).toContain(`\r\n${offers.join('\r\n')}\r\n`);
    expect(asked.match(/extensions/gi)).toHaveLength(2);
    expect(asked).not.toContain('Grip-');
    expect(head).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
        'Sec-WebSocket-Extensions: two, grip; message-prefix="p:"\r\n\r\n',
    );
  });

  it('is offered nothing that the client did not offer', async () => {
    const { origin, head } = await wires();
    expect((await origin.request('/chat')).head).not.toMatch(/extensions/i);
    expect(head).not.toMatch(/extensions/i);
  });

  it('carries every byte as it is, whatever it means', async () => {
    const nonsense = Buffer.from([0xff, 0x00, 0x7f, ...Array.from({ length: 256 }, (_none, byte) => byte)]);
    const { origin, client, connection, said } = await wires(accepting(nonsense));
    expect(await client.read(nonsense.length)).toEqual(nonsense);
    client.write(nonsense);
    await origin.until('all bytes', () => said().length >= nonsense.length);
    expect(Buffer.from(said(), 'latin1')).toEqual(nonsense);
    connection.write('c:{"type":"subscribe","channel":"room"}');
    expect(await client.readUntil('room"}')).toBe('c:{"type":"subscribe","channel":"room"}');
  });

  it('carries what the client said before it was answered', async () => {
    let request: Parameters<Extract<RawReply, (...args: never) => void>>[0] | undefined;
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    origin.reply('/chat', (one) => {
      request = one;
    });
    const holdfast = await opened.holdfast({ routes: [`*,no_grip ${origin.target}`] });
    opened.add(origin, (one) => one.stop());
    const client = opened.add(await knock(clientPort(holdfast)), (one) => one.close());
    client.write(frame('text', 'early'));
    await origin.request('/chat');
    if (request === undefined) throw new Error('unreachable');
    (accepting() as (one: typeof request) => void)(request);
    await origin.until(
      'the early bytes',
      () => request?.connection.received.endsWith(frame('text', 'early').toString('latin1')) === true,
    );
  });

  it('may be compressed from end to end', async () => {
    const origin = opened.add(await WebSocketOriginServer.start({ perMessageDeflate: true }), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`*,no_grip ${origin.target}`] });
    const client = new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/chat`, { perMessageDeflate: true });
    opened.add(client, (socket) => socket.terminate());
    await within('the opening', once(client, 'open'));
    expect(client.extensions).toMatch(/^permessage-deflate/);
    const text = 'again and '.repeat(10_000);
    client.send(text);
    const side = await origin.side();
    expect(await side.sees(0)).toBe(`text ${text}`);
    const answer = within('the answer', once(client, 'message'));
    side.socket.send(text);
    expect(String((await answer)[0])).toBe(text);
    client.close(4_000, 'bye');
    expect(await side.ended()).toBe('close 4000 bye');
    await turnUntil('the end of it', () => holdfast.counters.holds.ws === 0);
  });

  it('is logged and counted as any other', async () => {
    const log = new LineLog();
    const { origin, holdfast, client, connection } = await wires(accepting(), { logger: log });
    await log.until(`info: GET ws://example.com/chat -> ${origin.target} code=101 0`);
    expect(holdfast.counters.holds.ws).toBe(1);
    connection.socket.end();
    await client.untilClosed();
    client.socket.end();
    await turnUntil('the end of it', () => holdfast.counters.holds.ws === 0);
    expect(client.pending).toBe('');
  });

  it.each([
    ['the origin breaks off', 'origin'],
    ['the client breaks off', 'client'],
  ])('is broken off on the other side when %s', async (_what, who) => {
    const { holdfast, origin, client, connection } = await wires();
    reset(who === 'origin' ? connection.socket : client.socket);
    if (who === 'origin') await client.untilClosed();
    else await origin.until('the end of the connection', () => connection.closed);
    await turnUntil('the end of it', () => holdfast.counters.holds.ws === 0);
  });

  it('carries to a slow client what an origin said before it hung up', async () => {
    const { client, connection } = await wires();
    client.pause();
    const bytes = Buffer.alloc(8_000_000, 'v');
    connection.socket.end(bytes);
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    client.resume();
    expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
    await client.untilClosed();
  });

  it('ends by our patience when one side ends and the other does not', async () => {
    const clock = new WatchedClock();
    const { holdfast, client, connection } = await wires(accepting(), { clock });
    client.socket.end();
    await clock.awaited();
    clock.advance(4_800);
    expect(connection.socket.destroyed).toBe(false);
    clock.advance(300);
    await turnUntil('the end of it', () => holdfast.counters.holds.ws === 0);
  });

  it('ends in order when Holdfast closes', async () => {
    const { holdfast, client, connection } = await wires();
    connection.write(said('text', 'last'));
    await client.readUntil('last');
    connection.socket.on('end', () => connection.socket.end());
    await holdfast.close();
    await client.untilClosed();
    expect(holdfast.counters).toMatchObject({ holds: { ws: 0 }, openConnections: 0 });
  });
});

describe('a WebSocket of a proxy that we trust', () => {
  it('is offered GRIP, and hears the origin’s own answer to that', async () => {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    origin.reply('/chat', accepting(said('text', 'c:{"type":"subscribe","channel":"room"}'), GRIP));
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], settings: SETTINGS });
    opened.add(origin, (one) => one.stop());
    const signature = await token();
    const client = opened.add(
      await knock(clientPort(holdfast), '/chat', `Grip-Sig: ${signature}`, 'Sec-WebSocket-Extensions: grip'),
      (one) => one.close(),
    );
    expect(await client.readUntil('room"}')).toMatch(
      /\r\nSec-WebSocket-Extensions: grip; message-prefix="p:"\r\n\r\n..c:\{"type":"subscribe","channel":"room"\}$/,
    );
    const { head } = await origin.request('/chat');
    expect(head).toContain(`\r\nGrip-Sig: ${signature}\r\n`);
    expect(head.match(/^Sec-WebSocket-Extensions: .*$/gim)).toEqual(['Sec-WebSocket-Extensions: grip']);
    expect(holdfast.publish(itemFor('room', 'hello'))).toEqual({ kind: 'sent', receivers: 0 });
  });

  it('is offered GRIP over HTTP too, and hears of the origin’s prefix', async () => {
    const origin = opened.add(await EventsOrigin.start(opening(['TEXT p:hello'], headerOf(GRIP))), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},over_http`], settings: SETTINGS });
    opened.add(origin, (one) => one.stop());
    const offer = ['Sec-WebSocket-Extensions: grip', `Grip-Sig: ${await token()}`];
    const client = opened.add(await knock(clientPort(holdfast), '/chat', ...offer), (one) => one.close());
    const text = await client.readUntil('hello');
    expect(text).toContain('\r\nSec-WebSocket-Extensions: grip; message-prefix="p:"\r\n\r\n');
    expect(text).toMatch(/p:hello$/);
    expect((await origin.request(0)).header('sec-websocket-extensions')).toBe('grip');
  });

  it.each([
    ['WebSocket at both', ''],
    ['HTTP behind the inner one', ',over_http'],
  ])('is held by the outer one of two, with %s', async (_what, properties) => {
    const hello = ['m:hello', 'c:{"type":"subscribe","channel":"news"}'];
    const origin =
      properties === ''
        ? opened.add(
            await WebSocketOriginServer.start({
              headers: [PLAIN_GRIP],
              opened: (socket) => {
                for (const one of hello) socket.send(one);
              },
            }),
            (one) => one.stop(),
          )
        : opened.add(
            await EventsOrigin.start(
              opening(
                hello.map((one) => `TEXT ${one}`),
                headerOf(PLAIN_GRIP),
              ),
            ),
            (one) => one.stop(),
          );
    const inner = await opened.holdfast({ routes: [`* ${origin.target}${properties}`], settings: TRUSTING });
    const { outer, port } = await chainOf(opened, { target: `127.0.0.1:${clientPort(inner)}` });
    const ready = subscribed(outer, 'news');
    const client = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    expect(await client.sees(1)).toBe('text hello');
    await ready;
    expect(inner.publish(itemFor('news', 'from inside'))).toEqual({ kind: 'sent', receivers: 0 });
    outer.publish(itemFor('news', 'from outside'));
    expect(await client.sees(2)).toBe('text from outside');
  });
});

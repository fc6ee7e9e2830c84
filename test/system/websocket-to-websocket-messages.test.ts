/** What client and origin say to each other when both speak WebSocket, and how it ends (specification 11.1). */
import { describe, expect, it } from 'vitest';
import type { HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog } from '../support/events.js';
import type { RawClient } from '../support/raw-client.js';
import { type RawConnection, RawOrigin } from '../support/raw-origin.js';
import { closeFrame, closing, EventsClient, frame, knock } from '../support/websocket-client.js';
import {
  accepting,
  framesAt,
  reset,
  said,
  saidClose,
  WebSocketOriginServer,
  type WebSocketServerOptions,
} from '../support/websocket-origin.js';
import { WatchedClock } from '../support/websocket-stage.js';

const opened = new Opened();

/** Client, Holdfast and origin, each of the package `ws` but for the one in the middle. */
async function pair(options: HoldfastOptions = {}, server: WebSocketServerOptions = {}) {
  const origin = opened.add(await WebSocketOriginServer.start(server), (one) => one.stop());
  const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], ...options });
  const client = opened.add(new EventsClient(clientPort(holdfast)), ({ socket }) => socket.terminate());
  await client.sees(0);
  return { holdfast, client, side: await origin.side() };
}

/** A raw client that has read its 101, and the raw connection at the origin. */
async function wires(options: HoldfastOptions = {}) {
  const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
  origin.reply('/chat', accepting());
  const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], ...options });
  // Ends before Holdfast does, which would wait for it.
  opened.add(origin, (one) => one.stop());
  const client: RawClient = opened.add(await knock(clientPort(holdfast)), (one) => one.close());
  await client.readUntil('\r\n\r\n');
  const [connection] = origin.connections;
  if (connection === undefined) throw new Error('there is no connection');
  /** Resolves when the origin has got this many frames, with all it has got. */
  const frames = async (count: number): Promise<string[]> => {
    await origin.until(`frame ${count}`, () => framesAt(connection).length >= count);
    return framesAt(connection);
  };
  const ended = (): Promise<void> => origin.until('the end of the connection', () => connection.closed);
  return { holdfast, origin, connection, client, frames, ended };
}

/** Bytes as a raw client reads them. */
function wire(...frames: readonly Buffer[]): string {
  return Buffer.concat(frames).toString('latin1');
}

describe('a message', () => {
  it('goes through in both directions as it is', async () => {
    const { client, side } = await pair();
    client.socket.send('hello');
    client.socket.send(Buffer.from([0, 255, 1]));
    client.socket.send('');
    client.socket.ping('p');
    client.socket.pong('q');
    for (let index = 0; index < 5; index += 1) await side.sees(index);
    expect(side.seen).toEqual(['text hello', 'binary \u0000ÿ\u0001', 'text ', 'ping p', 'pong q']);
    side.socket.send('c:{"type":"subscribe"}');
    side.socket.send(Buffer.from('m:x'));
    side.socket.send('');
    side.socket.ping('r');
    side.socket.pong('s');
    for (let index = 1; index <= 5; index += 1) await client.sees(index);
    expect(client.heard).toEqual(['text c:{"type":"subscribe"}', 'binary m:x', 'text ', 'ping r', 'pong s']);
    expect([side.seen.length, client.heard.length]).toEqual([5, 5]);
  });

  it('may be far larger to and from such an origin than over HTTP', async () => {
    const { client, side } = await pair();
    const large = 'x'.repeat(2_000_000);
    client.socket.send(large);
    expect(await side.sees(0)).toBe(`text ${large}`);
    side.socket.send(large);
    expect(await client.sees(1)).toBe(`text ${large}`);
  });

  it('that comes in pieces goes on whole', async () => {
    const { client, connection, frames } = await wires();
    client.write(Buffer.concat([frame('text', 'a', { fin: false }), frame('ping', 'p'), frame('continuation', 'b')]));
    expect(await frames(2)).toEqual(['ping p', 'text ab']);
    connection.write(Buffer.concat([said('binary', 'c', false), said('pong', 'q'), said('continuation', 'd')]));
    const seen = wire(said('pong', 'q'), said('binary', 'cd'));
    expect(await client.readAsLongAs(seen)).toBe(seen);
  });

  it('that comes byte by byte goes through', async () => {
    const { connection, client } = await wires();
    const bytes = said('text', 'slowly');
    for (const byte of bytes) {
      connection.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.readAsLongAs(wire(bytes))).toBe(wire(bytes));
  });

  it('is masked anew for the origin, each with a key of its own', async () => {
    const { client, connection, frames } = await wires();
    client.write(Buffer.concat(Array.from({ length: 4 }, () => frame('text', 'same'))));
    expect(await frames(4)).toEqual(Array(4).fill('text same'));
    const bytes = connection.received.slice(connection.received.indexOf('\r\n\r\n') + 4);
    const keys = [0, 1, 2, 3].map((index) => bytes.slice(index * 10 + 2, index * 10 + 6));
    expect(new Set([...keys, '\x11\x22\x33\x44']).size).toBe(5);
  });
});

describe('a close', () => {
  it.each([
    ['with code and reason', closing(4_002, 'bye'), 'close 4002 bye', 'close 4002 bye'],
    ['without a code, which is 1000 to the origin', Buffer.alloc(0), 'close 1000', 'close 1000'],
  ])('of the client %s', async (_what, content, told, answered) => {
    const { holdfast, client, side } = await pair();
    side.socket.send('before');
    await client.sees(1);
    if (content.length === 0) client.socket.close();
    else client.socket.close(content.readUInt16BE(0), content.toString('utf8', 2));
    expect(await side.ended()).toBe(told);
    expect(await client.ended()).toBe(answered);
    await turnUntil('the end of the hold', () => holdfast.counters.holds.ws === 0);
  });

  it.each([
    ['with code and reason', 4_003, 'done', 'close 4003 done'],
    ['without a code, which is 1000 to the client', undefined, '', 'close 1000'],
  ])('of the origin %s', async (_what, code, reason, told) => {
    const { client, side } = await pair();
    side.socket.close(code, reason);
    expect(await client.ended()).toBe(told);
    expect(await side.ended()).toBe(told);
  });

  it('of both at once ends in order', async () => {
    const { client, connection, frames, ended } = await wires();
    connection.write(saidClose(4_001, 'mine'));
    client.write(frame('close', closing(4_000, 'yours')));
    expect(await frames(1)).toEqual(['close 4000 yours']);
    expect(await client.readAsLongAs(closeFrame(4_001, 'mine'))).toBe(closeFrame(4_001, 'mine'));
    await Promise.all([client.untilClosed(), ended()]);
    expect([client.pending, framesAt(connection)]).toEqual(['', ['close 4000 yours']]);
  });

  it('comes after what was said before it, and nothing after it', async () => {
    const { client, connection, frames } = await wires();
    client.write(Buffer.concat([frame('text', 'last'), frame('close', closing(1_000)), frame('text', 'too late')]));
    expect(await frames(2)).toEqual(['text last', 'close 1000']);
    connection.write(Buffer.concat([said('text', 'still'), saidClose(1_000), said('text', 'too late')]));
    const seen = wire(said('text', 'still'), saidClose(1_000));
    expect(await client.readAsLongAs(seen)).toBe(seen);
    await client.untilClosed();
    expect([client.pending, framesAt(connection)]).toEqual(['', ['text last', 'close 1000']]);
  });

  it('that the origin does not answer ends by our patience', async () => {
    const clock = new WatchedClock();
    const { client, frames, ended } = await wires({ clock });
    client.write(frame('close', closing(1_000)));
    await frames(1);
    clock.advance(4_900);
    expect(client.closed).toBe(false);
    clock.advance(200);
    await Promise.all([client.untilClosed(), ended()]);
    expect(client.pending).toBe('');
  });

  it('that the client does not answer breaks both off', async () => {
    const clock = new WatchedClock();
    const { client, connection, ended } = await wires({ clock });
    connection.write(saidClose(1_001));
    await client.readAsLongAs(closeFrame(1_001));
    clock.advance(5_100);
    await Promise.all([client.untilClosed(), ended()]);
    expect(framesAt(connection)).toEqual([]);
  });

  it('of an origin that hangs up behind it still reaches the client in order', async () => {
    const { client, connection } = await wires();
    connection.write(Buffer.concat([said('text', 'last'), saidClose(4_000, 'gone')]));
    connection.socket.end();
    const seen = wire(said('text', 'last')) + closeFrame(4_000, 'gone');
    expect(await client.readAsLongAs(seen)).toBe(seen);
    expect(client.closed).toBe(false);
    client.write(frame('close', closing(4_000)));
    await client.untilClosed();
  });
});

describe('a connection that is lost', () => {
  it.each([
    ['breaks off', (connection: RawConnection) => reset(connection.socket)],
    ['hangs up', (connection: RawConnection) => void connection.socket.end()],
  ])('on the origin’s side, which %s, is lost for the client too, without a close frame', async (_what, lose) => {
    const { holdfast, client, connection } = await wires();
    lose(connection);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await turnUntil('the end of the hold', () => holdfast.counters.holds.ws === 0);
  });

  it.each([
    ['breaks off', (client: RawClient) => void client.socket.resetAndDestroy()],
    ['hangs up', (client: RawClient) => void client.socket.end()],
  ])('on the client’s side, which %s, is lost for the origin too, after what the client said', async (_what, lose) => {
    const { holdfast, client, connection, frames, ended } = await wires();
    client.write(frame('text', 'last'));
    await frames(1);
    lose(client);
    await ended();
    expect(framesAt(connection)).toEqual(['text last']);
    await turnUntil('the end of the hold', () => holdfast.counters.holds.ws === 0);
  });

  it('on the client’s side does not lose what the origin has not read yet', async () => {
    const { client, connection, ended } = await wires();
    connection.socket.pause();
    const message = 'y'.repeat(2_000_000);
    client.write(frame('text', message));
    client.socket.end();
    await client.untilClosed();
    connection.socket.resume();
    await ended();
    expect(framesAt(connection)).toEqual([`text ${message}`]);
  });
});

describe('an origin that breaks the protocol or a limit', () => {
  const unmasked = said('text', 'x');
  const violations: readonly (readonly [what: string, bytes: Buffer, code: number])[] = [
    ['masks its frames', frame('text', 'x'), 1002],
    ['sets reserved bits', Buffer.concat([Buffer.from([0xf1]), unmasked.subarray(1)]), 1002],
    ['compresses though nothing was agreed', Buffer.concat([Buffer.from([0xc1]), unmasked.subarray(1)]), 1002],
    ['uses an unknown opcode', Buffer.from([0x83, 0x00]), 1002],
    ['continues what has not begun', said('continuation', 'x'), 1002],
    ['cuts a ping into pieces', said('ping', 'x', false), 1002],
    ['sends a long ping', said('ping', 'x'.repeat(126)), 1002],
    ['closes with a code that does not exist', saidClose(1_005), 1002],
    ['sends text that is not UTF-8', said('text', Buffer.from([0xff, 0xfe])), 1007],
    ['closes with a reason that is not UTF-8', said('close', Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['sends a message that is too long', said('binary', Buffer.alloc(1_001)), 1009],
    [
      'sends too long a message in pieces',
      Buffer.concat([said('binary', Buffer.alloc(600), false), said('continuation', Buffer.alloc(600))]),
      1009,
    ],
  ];

  it.each(violations)('is told so when it %s, and the client is dropped', async (_what, bytes, code) => {
    const logger = new LineLog();
    const { client, connection, frames, ended } = await wires({
      logger,
      settings: { websocket: { maxRelayedMessageBytes: 1_000 } },
    });
    connection.write(Buffer.concat([said('text', 'fine'), bytes]));
    expect(await frames(1)).toEqual([`close ${code}`]);
    await Promise.all([client.untilClosed(), ended()]);
    // Dropping is at once: what came before may be lost with it, but no close frame may come.
    expect(['', wire(said('text', 'fine'))]).toContain(client.pending);
    await logger.until(`debug: ws://example.com/chat: the origin broke the WebSocket protocol or a limit (${code})`);
  });

  it.each([
    ['a message that is too long', frame('binary', Buffer.alloc(1_001)), 1009],
    ['a frame that is not masked', frame('text', 'x', { masked: false }), 1002],
  ])('is not the client: %s closes that one, and the origin’s side breaks off', async (_what, bytes, code) => {
    const { client, connection, ended } = await wires({ settings: { websocket: { maxRelayedMessageBytes: 1_000 } } });
    client.write(bytes);
    expect(await client.readAsLongAs(closeFrame(code))).toBe(closeFrame(code));
    await ended();
    expect(framesAt(connection)).toEqual([]);
  });
});

/** Resolves when a count has not changed for many turns of the event loop. */
async function standstill(count: () => number): Promise<void> {
  let still = 0;
  for (let last = -1; still < 200; still = count() === last ? still + 1 : 0) {
    last = count();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('slowness', () => {
  /** More than the kernel keeps for two connections on loopback. */
  const PIECE = Buffer.alloc(100_000, 'z');
  const PIECES = 300;

  it('of the client is felt by the origin, and loses nothing', async () => {
    const { client, connection, holdfast } = await wires();
    client.pause();
    let written = 0;
    const fill = (): void => {
      while (written < PIECES && connection.write(said('binary', PIECE))) written += 1;
      if (written === PIECES) return;
      written += 1;
      connection.socket.once('drain', fill);
    };
    fill();
    await standstill(() => written);
    expect(written).toBeLessThan(PIECES);
    expect(holdfast.counters.dropped['outbox-full']).toBe(0);
    client.resume();
    const one = wire(said('binary', PIECE));
    for (let count = 0; count < PIECES; count += 1) expect((await client.readAsLongAs(one)) === one).toBe(true);
  });

  it('of the origin is felt by the client, and loses nothing', async () => {
    const origin = opened.add(await WebSocketOriginServer.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`] });
    const client = opened.add(await knock(clientPort(holdfast)), (one) => one.close());
    const side = await origin.side();
    side.socket.pause();
    const bytes = frame('binary', PIECE);
    let written = 0;
    const fill = (): void => {
      while (written < PIECES && client.write(bytes)) written += 1;
      if (written === PIECES) return;
      written += 1;
      client.socket.once('drain', fill);
    };
    fill();
    await standstill(() => written);
    expect(written).toBeLessThan(PIECES);
    side.socket.resume();
    for (let index = 0; index < PIECES; index += 1) expect((await side.sees(index)) === `binary ${PIECE}`).toBe(true);
  });

  it('of a client does not lose the close that waits behind its messages', async () => {
    const { client, connection } = await wires();
    client.pause();
    const one = said('binary', Buffer.alloc(3_000_000, 'w'));
    for (let count = 0; count < 4; count += 1) connection.write(one);
    connection.write(saidClose(4_004, 'at last'));
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    client.resume();
    const text = wire(one);
    for (let count = 0; count < 4; count += 1) expect((await client.readAsLongAs(text)) === text).toBe(true);
    expect(await client.readAsLongAs(closeFrame(4_004, 'at last'))).toBe(closeFrame(4_004, 'at last'));
  });

  it('of a client that goes ends the wait of the origin', async () => {
    const { client, connection, ended } = await wires();
    client.pause();
    const one = said('binary', Buffer.alloc(3_000_000, 'w'));
    for (let count = 0; count < 4; count += 1) connection.write(one);
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    client.close();
    await ended();
  });
});

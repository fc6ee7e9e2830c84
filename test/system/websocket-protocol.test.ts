/** What a WebSocket client may and may not do: handshakes (spec 11.1, 15.4) and frames (RFC 6455, sections 4 to 7). */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { opensOnly } from '../support/events-origin.js';
import type { RawClient } from '../support/raw-client.js';
import { closeFrame, closing, frame, HANDSHAKE } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

const TEXT =
  'Request contained an Upgrade header with value "websocket" but the request was not a valid WebSocket request.\n';
const REFUSED = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`;

/** The handshake with some lines exchanged; undefined leaves one out. */
function handshake(changes: Readonly<Record<string, string | undefined>>): string[] {
  const lines = HANDSHAKE.map((line) => {
    const name = line.slice(0, line.indexOf(':'));
    return name in changes ? changes[name] : line;
  });
  return lines.filter((line) => line !== undefined);
}

describe('a handshake', () => {
  const opened = new Opened();

  async function answerTo(request: readonly string[]): Promise<{ stage: Stage; client: RawClient }> {
    const stage = await Stage.set(opened, opensOnly);
    const client = await opened.client(stage.port);
    client.write([...request, '', ''].join('\r\n'));
    return { stage, client };
  }

  it.each([
    ['without a version', handshake({ 'Sec-WebSocket-Version': undefined })],
    ['of another version', handshake({ 'Sec-WebSocket-Version': 'Sec-WebSocket-Version: 8' })],
    ['without a key', handshake({ 'Sec-WebSocket-Key': undefined })],
    ['with an empty key', handshake({ 'Sec-WebSocket-Key': 'Sec-WebSocket-Key:' })],
    ['with a key that is far too long', handshake({ 'Sec-WebSocket-Key': `Sec-WebSocket-Key: ${'x'.repeat(221)}` })],
    ['with a body', [...HANDSHAKE, 'Content-Length: 2']],
    ['with a chunked body', [...HANDSHAKE, 'Transfer-Encoding: chunked']],
  ])('is refused with 400 and closed: %s', async (_what, lines) => {
    const { stage, client } = await answerTo(['GET /chat HTTP/1.1', 'Host: example.com', ...lines]);
    expect(await client.readAsLongAs(REFUSED)).toBe(REFUSED);
    await client.untilClosed();
    expect([stage.origin.requests.length, stage.holdfast.counters.badRequests]).toEqual([0, 1]);
  });

  it('is refused with 400 for other methods', async () => {
    const { client } = await answerTo(['POST /chat HTTP/1.1', 'Host: example.com', ...HANDSHAKE]);
    expect(await client.readAsLongAs(REFUSED)).toBe(REFUSED);
  });

  it.each([
    ['any key', handshake({ 'Sec-WebSocket-Key': 'Sec-WebSocket-Key: x' })],
    ['Content-Length: 0', [...HANDSHAKE, 'Content-Length: 0']],
    ['another case', handshake({ Upgrade: 'UPGRADE: WebSocket', Connection: 'connection: keep-alive, upgrade' })],
    ['an offer of compression, which is not taken', [...HANDSHAKE, 'Sec-WebSocket-Extensions: permessage-deflate']],
  ])('is accepted with %s', async (_what, lines) => {
    const { client } = await answerTo(['GET /chat HTTP/1.1', 'Host: example.com', ...lines]);
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).not.toMatch(/sec-websocket-extensions/i);
  });
});

describe('frames that break the protocol', () => {
  const opened = new Opened();

  const reserved = frame('text', 'x');
  reserved[0] = 0xc1;
  const unknown = frame('text', 'x');
  unknown[0] = 0x83;
  const huge = Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

  it.each([
    ['a frame without a mask', 1002, frame('text', 'hello', { masked: false })],
    ['a reserved bit', 1002, reserved],
    ['an unknown opcode', 1002, unknown],
    ['a continuation of nothing', 1002, frame('continuation', 'x')],
    ['a message inside of a message', 1002, [frame('text', 'a', { fin: false }), frame('text', 'b')]],
    ['a ping in pieces', 1002, frame('ping', 'x', { fin: false })],
    ['a ping that is too long', 1002, frame('ping', 'x'.repeat(126))],
    ['a close with half a code', 1002, frame('close', '\x03')],
    ['a close with a code that may not be sent', 1002, frame('close', closing(1005))],
    ['a close whose reason is not UTF-8', 1007, frame('close', Buffer.from([0x03, 0xe8, 0xff]))],
    ['text that is not UTF-8', 1007, frame('text', Buffer.from([0x68, 0xc3, 0x28]))],
    ['text that ends inside of a character', 1007, frame('text', Buffer.from([0xe2, 0x82]))],
    ['a message above the limit', 1009, frame('binary', Buffer.alloc(200_001))],
    ['a message of many pieces above the limit', 1009, pieces(21, 10_000)],
    ['a length beyond everything', 1009, huge],
    ['more pieces than make sense', 1008, pieces(4_200, 0)],
  ])('end the connection: %s, with %i', async (_what, code, bytes) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(Array.isArray(bytes) ? Buffer.concat(bytes) : bytes);
    expect(await client.readAsLongAs(closeFrame(code))).toBe(closeFrame(code));
    await client.untilClosed();
    const last = await stage.origin.request(1);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    client.close();
    await stage.settled(() => stage.holdfast.counters.openConnections === 0);
    expect([stage.holdfast.counters.holds.ws, stage.holdfast.counters.badRequests]).toEqual([0, 1]);
    expect(await stage.farewells()).toBe(1);
  });

  it('do not undo what was said before them', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(Buffer.concat([frame('text', 'fine'), frame('text', 'not fine', { masked: false })]));
    expect((await stage.origin.request(1)).events).toEqual(['TEXT fine']);
    await client.readUntil(closeFrame(1002));
    (await stage.origin.request(1)).answer();
    expect((await stage.origin.request(2)).events).toEqual(['DISCONNECT']);
  });

  it('are not answered when we have closed already', async () => {
    const stage = await Stage.set(opened, (request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN', 'CLOSE 4001']);
      else request.answer();
    });
    const client = await stage.openRaw();
    await client.readUntil(closeFrame(4001));
    client.write(frame('text', 'x', { masked: false }));
    await client.untilClosed();
    expect(client.pending).toBe('');
    expect((await stage.origin.request(1)).events).toEqual(['DISCONNECT']);
  });
});

describe('frames within the limits', () => {
  const opened = new Opened();

  it.each([0, 1, 125, 126, 65_535, 65_536, 200_000])('of %i bytes arrive whole', async (size) => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('binary', 'y'.repeat(size)));
    const { events } = await stage.origin.request(1);
    expect(events).toEqual([size === 0 ? 'BINARY' : `BINARY ${'y'.repeat(size)}`]);
  });

  it('arrive when they come byte by byte', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    for (const byte of frame('text', 'hello')) client.write(Buffer.from([byte]));
    expect((await stage.origin.request(1)).events).toEqual(['TEXT hello']);
  });

  it('arrive when a character is cut between two pieces', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    const euro = Buffer.from('€');
    client.write(frame('text', euro.subarray(0, 1), { fin: false }));
    client.write(frame('continuation', euro.subarray(1)));
    expect((await stage.origin.request(1)).body.toString()).toBe('TEXT 3\r\n€\r\n');
  });

  it('arrive when they were sent together with the handshake', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const socket = connect({ host: '127.0.0.1', port: stage.port });
    opened.add(socket, (one) => one.destroy());
    socket.write(`GET /chat HTTP/1.1\r\nHost: example.com\r\n${HANDSHAKE.join('\r\n')}\r\n\r\n`);
    socket.write(frame('text', 'early'));
    expect((await stage.origin.request(1)).events).toEqual(['TEXT early']);
  });
});

/** One message in many pieces. */
function pieces(count: number, size: number): Buffer[] {
  const content = Buffer.alloc(size);
  return Array.from({ length: count }, (_, at) =>
    frame(at === 0 ? 'binary' : 'continuation', content, { fin: at === count - 1 }),
  );
}

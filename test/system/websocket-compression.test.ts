/** permessage-deflate with clients (RFC 7692; specification 15.6): agreed on, both ways, and a broadcast made once. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { Holdfast } from '../../src/index.js';
import { acceptKey } from '../../src/protocol/websocket-frame.js';
import { clientPort, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import type { RawClient } from '../support/raw-client.js';

const ON = { websocket: { allowCompression: true } };
const LONG = 'all work and no play makes a dull message. '.repeat(100);
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

function handshake(offer: string): string {
  return [
    'GET /ws HTTP/1.1',
    'Host: example.com',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...(offer === '' ? [] : [`Sec-WebSocket-Extensions: ${offer}`]),
    '',
    '',
  ].join('\r\n');
}

/** A masked frame of a client, with a mask of zeros. */
function frame(first: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.from([first, 0x80 | payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    head.set([first, 0x80 | 126]);
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

function deflated(text: string, windowBits = 15): Buffer {
  const bytes = deflateRawSync(text, { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
}

/** Reads one unmasked frame of the server. */
async function readFrame(client: RawClient): Promise<{ first: number; payload: Buffer }> {
  const [first = 0, length = 0] = await client.read(2);
  const size = length < 126 ? length : (await client.read(2)).readUInt16BE(0);
  return { first, payload: size === 0 ? Buffer.alloc(0) : await client.read(size) };
}

function inflated(payload: Buffer): string {
  return inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString();
}

describe('a client that offers compression', () => {
  const opened = new Opened();

  async function start(settings: object = ON): Promise<Holdfast> {
    return opened.holdfast({ routes: ['* test'], settings });
  }

  async function knock(holdfast: Holdfast, offer: string): Promise<{ client: RawClient; head: string }> {
    const client = await opened.client(clientPort(holdfast));
    client.write(handshake(offer));
    return { client, head: await client.readUntil('\r\n\r\n') };
  }

  function publish(holdfast: Holdfast, content: object): void {
    holdfast.publish({ channel: 'test', formats: { 'ws-message': content } });
  }

  it('gets none unless it is turned on', async () => {
    const { client, head } = await knock(await start({}), 'permessage-deflate');
    expect(head).not.toContain('Sec-WebSocket-Extensions');
    client.write(frame(0xc1, deflated('x')));
    expect((await readFrame(client)).payload.readUInt16BE(0)).toBe(1002);
  });

  it('is answered with what was agreed, behind the key', async () => {
    const { head } = await knock(await start(), 'permessage-deflate; client_max_window_bits');
    expect(head).toMatch(
      new RegExp(`\\r\\nSec-WebSocket-Accept: \\S+\\r\\nSec-WebSocket-Extensions: ${AGREED}\\r\\n\\r\\n$`),
    );
  });

  it('is answered 400 when its header cannot be read', async () => {
    const holdfast = await start();
    const client = await opened.client(clientPort(holdfast));
    client.write(handshake('permessage-deflate;'));
    expect((await client.readAnswer()).status).toBe(400);
    expect(holdfast.counters.badRequests).toBe(1);
  });

  it('sends and gets compressed messages, each by itself', async () => {
    const { client } = await knock(await start(), 'permessage-deflate');
    for (const text of [LONG, LONG]) {
      client.write(frame(0xc1, deflated(text)));
      const { first, payload } = await readFrame(client);
      expect(first).toBe(0xc1);
      expect(payload.length).toBeLessThan(200);
      expect(inflated(payload)).toBe(LONG);
    }
  });

  it('gets short messages and pings as they are', async () => {
    const holdfast = await start();
    const { client } = await knock(holdfast, 'permessage-deflate');
    client.write(frame(0xc1, deflated('short')));
    expect(await readFrame(client)).toEqual({ first: 0x81, payload: Buffer.from('short') });
    publish(holdfast, { type: 'ping', content: 'p'.repeat(100) });
    expect((await readFrame(client)).first).toBe(0x89);
  });

  it('gets what is published, the same bytes as every client with the same window', async () => {
    const holdfast = await start();
    const clients = [];
    for (const offer of [
      'permessage-deflate',
      'permessage-deflate',
      'permessage-deflate; server_max_window_bits=9',
      '',
    ])
      clients.push((await knock(holdfast, offer)).client);
    publish(holdfast, { content: LONG });
    const [one, two, small, plain] = await Promise.all(clients.map(readFrame));
    expect(one?.payload.equals(two?.payload ?? Buffer.alloc(0))).toBe(true);
    expect([one?.first, small?.first, plain?.first]).toEqual([0xc1, 0xc1, 0x81]);
    expect(inflated(one?.payload ?? Buffer.alloc(0))).toBe(LONG);
    expect(inflated(small?.payload ?? Buffer.alloc(0))).toBe(LONG);
    expect(plain?.payload.toString()).toBe(LONG);
  });

  it('works with the real client of ws', async () => {
    const holdfast = await start();
    const socket = opened.add(
      new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/ws`, { perMessageDeflate: { threshold: 0 } }),
      (one) => one.terminate(),
    );
    await within('the opening', new Promise((resolve) => socket.once('open', resolve)));
    expect(socket.extensions).toContain('permessage-deflate');
    const answers: string[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        answers.push(data.toString());
        if (answers.length === 50) resolve();
      });
    });
    const sent = Array.from({ length: 50 }, (_one, index) => `${index} ${LONG.slice(0, index * 80)}`);
    for (const text of sent) socket.send(text);
    await within('the echoes', all);
    expect(answers).toEqual(sent);
  });

  it('is closed with 1009 when a small message inflates beyond the limit', async () => {
    const holdfast = await start({ websocket: { allowCompression: true, maxMessageBytes: 10_000 } });
    const { client } = await knock(holdfast, 'permessage-deflate');
    client.write(frame(0xc1, deflated('a'.repeat(1_000_000))));
    expect((await readFrame(client)).payload.readUInt16BE(0)).toBe(1009);
  });

  it.each([
    ['1007', 'is not deflated', frame(0xc1, Buffer.from('not deflated at all')), 1007],
    ['1007', 'is no UTF-8 when it is inflated', frame(0xc1, deflatedBytes(Buffer.from([0xff, 0xfe]))), 1007],
    ['1002', 'is a compressed ping', frame(0xc9, deflated('p')), 1002],
    [
      '1002',
      'has a compressed continuation',
      Buffer.concat([frame(0x41, deflated('a')), frame(0xc0, deflated('b'))]),
      1002,
    ],
  ])('is closed when its message %s: %s', async (_code, _what, bytes, code) => {
    const { client } = await knock(await start(), 'permessage-deflate');
    client.write(bytes);
    expect((await readFrame(client)).payload.readUInt16BE(0)).toBe(code);
  });

  it('is read in order, however fast it sends and however slow inflating is', async () => {
    const { client } = await knock(await start(), 'permessage-deflate');
    const texts = Array.from({ length: 300 }, (_one, index) => `${index}:${'x'.repeat(900)}`);
    client.write(Buffer.concat(texts.map((text) => frame(0xc1, deflated(text)))));
    for (const text of texts) expect((await readFrame(client)).payload.toString()).toBe(text);
  });

  it('may go in the middle of a message', async () => {
    const holdfast = await start();
    const { client } = await knock(holdfast, 'permessage-deflate');
    const gone = new Promise((resolve) => holdfast.once('unsubscribe', resolve));
    client.write(Buffer.concat([frame(0xc1, deflated(LONG)), frame(0x41, deflated(LONG))]));
    client.socket.destroy();
    await within('the end of the subscription', gone);
    expect(holdfast.counters.holds.ws).toBe(0);
    const next = await knock(holdfast, 'permessage-deflate');
    next.client.write(frame(0xc1, deflated('still here')));
    expect((await readFrame(next.client)).payload.toString()).toBe('still here');
  });
});

describe('an origin that speaks WebSocket itself', () => {
  const opened = new Opened();

  async function origin(
    perMessageDeflate: object | boolean,
  ): Promise<{ target: string; offers: string[]; extensions: string[] }> {
    const offers: string[] = [];
    const extensions: string[] = [];
    const server = opened.add(new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate }), (one) =>
      one.close(),
    );
    await once(server, 'listening');
    server.on('connection', (socket, request) => {
      offers.push(String(request.headers['sec-websocket-extensions']));
      extensions.push(socket.extensions);
      socket.on('message', (data) => socket.send(data.toString()));
    });
    return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, offers, extensions };
  }

  async function echo(target: string, settings: object): Promise<string[]> {
    const holdfast = await opened.holdfast({ routes: [`* ${target}`], settings });
    const socket = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/`), (one) => one.terminate());
    await within('the opening', once(socket, 'open'));
    const answers: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = once(socket, 'message');
      socket.send(`${turn} ${LONG}`);
      answers.push(String((await within('an echo', answer))[0]));
    }
    return answers;
  }

  it.each([
    ['each message by itself', { serverNoContextTakeover: true, threshold: 0 }],
    ['with a small window', { serverMaxWindowBits: 10, threshold: 0 }],
  ])('may compress what it says: %s', async (_how, perMessageDeflate) => {
    const { target, offers, extensions } = await origin(perMessageDeflate);
    expect(await echo(target, ON)).toEqual([0, 1, 2].map((turn) => `${turn} ${LONG}`));
    expect(offers).toEqual(['permessage-deflate; server_no_context_takeover, grip']);
    expect(extensions).toEqual(['permessage-deflate']);
  });

  it('is offered nothing unless compression is on', async () => {
    const { target, offers, extensions } = await origin(true);
    expect(await echo(target, {})).toEqual([0, 1, 2].map((turn) => `${turn} ${LONG}`));
    expect([offers, extensions]).toEqual([['grip'], ['']]);
  });

  it('that compresses unasked is not let through', async () => {
    const server = opened.add(createServer(), (one) => one.close());
    server.on('upgrade', (request, socket) => {
      const accept = acceptKey(String(request.headers['sec-websocket-key']));
      socket.end(
        `HTTP/1.1 101 Hi\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
          'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const holdfast = await opened.holdfast({ routes: [`* ${target}`] });
    const client = await opened.client(clientPort(holdfast));
    client.write(handshake(''));
    expect((await client.readAnswer()).status).toBe(502);
  });
});

function deflatedBytes(bytes: Buffer): Buffer {
  const all = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return all.subarray(0, all.length - 4);
}

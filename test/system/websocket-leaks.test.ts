/**
 * Twenty thousand WebSockets that are abandoned, each in one of many ways: nothing of them stays in memory, none is still
 * counted as held, and an origin over HTTP that knew of one has been told once that it is gone.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import { closing, frame, HANDSHAKE } from '../support/websocket-client.js';

const TOGETHER = 250;
/** Of each target; before these, what is made once and kept is not there yet. */
const FIRST = 1_000;
const EACH_TARGET = 10_000;
/** Less than half a kilobyte a WebSocket: of one that is kept, there would be several. */
const ALLOWED_BYTES = 4_000_000;
/** Milliseconds: far more than it takes, for machines with other things to do. */
const PATIENCE = 120_000;

type Leave = (socket: Socket) => void;

/** Leaves once it is open. */
const WAYS: readonly (readonly [how: string, leave: Leave])[] = [
  ['closes the connection', (socket) => socket.destroy()],
  ['resets the connection', (socket) => socket.resetAndDestroy()],
  ['half-closes the connection', (socket) => socket.end()],
  ['goes in the middle of a frame', (socket) => goWith(socket, frame('text', 'never whole').subarray(0, 9))],
  [
    'resets in the middle of a message',
    (socket) => resetWith(socket, frame('text', 'to be continued', { fin: false })),
  ],
  ['goes behind a message', (socket) => goWith(socket, frame('text', 'hello'))],
  ['half-closes in the middle of a frame', (socket) => socket.end(frame('binary', 'half').subarray(0, 3))],
  ['sends a close and does not wait', (socket) => goWith(socket, frame('close', closing(1000, 'bye')))],
  ['sends a close and resets', (socket) => resetWith(socket, frame('close', closing(4000)))],
  ['sends a close and half-closes', (socket) => socket.end(frame('close'))],
  ['sends half a close', (socket) => goWith(socket, frame('close', closing(1000)).subarray(0, 5))],
  ['sends what is no frame', (socket) => void socket.write(Buffer.from([0xff, 0xff, 0xff]))],
];

/** Leaves without having seen a 101. */
const EARLY_WAYS: readonly (readonly [how: string, leave: Leave])[] = [
  ['closes before the answer', (socket) => socket.destroy()],
  ['resets before the answer', (socket) => socket.resetAndDestroy()],
  ['half-closes before the answer', (socket) => socket.end()],
];

function goWith(socket: Socket, bytes: Buffer): void {
  socket.write(bytes, () => socket.destroy());
}

function resetWith(socket: Socket, bytes: Buffer): void {
  socket.write(bytes, () => socket.resetAndDestroy());
}

/** What an origin over HTTP knows: who is open. It forgets those it is told of, so that it does not grow itself. */
class Ledger {
  readonly open = new Set<string>();
  opened = 0;
  /** Told of somebody who was not open, or not any more. */
  strays = 0;
  /** Called with the query of an opening request before it is answered. */
  readonly asked = new Map<string, () => void>();
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Ledger> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    const ledger = new Ledger(server);
    server.on('request', (incoming, response) => {
      void bodyOf(incoming).then((body) => {
        const answer = ledger.read(incoming, body);
        response.writeHead(200, { 'Content-Type': 'application/websocket-events', 'Sec-WebSocket-Extensions': 'grip' });
        response.end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return ledger;
  }

  get target(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private read(incoming: IncomingMessage, body: string): string {
    const id = String(incoming.headers['connection-id']);
    if (body.startsWith('OPEN')) {
      this.open.add(id);
      this.opened += 1;
      this.asked.get(incoming.url ?? '')?.();
      return 'OPEN\r\nTEXT 2a\r\nc:{"type":"subscribe","channel":"crowded"}\r\n';
    }
    const close = /CLOSE(?: [0-9a-f]+\r\n[\s\S]{2,})?\r\n$/.exec(body)?.[0];
    const farewells = (body.match(/^DISCONNECT\r$/gm)?.length ?? 0) + (close === undefined ? 0 : 1);
    for (let count = 0; count < farewells; count += 1) if (!this.open.delete(id)) this.strays += 1;
    return close ?? '';
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of incoming) body += (chunk as Buffer).toString('latin1');
  return body;
}

interface Crowd {
  readonly port: number;
  /** Path for the `index`-th WebSocket. */
  readonly path: (index: number) => string;
  /** Makes `run` be called when the origin is asked for a path; undefined when it cannot be told. */
  readonly whenAsked?: (path: string, run: () => void) => void;
}

/** Opens and abandons `count` WebSockets, some at once, every way in turn. */
async function abandon(crowd: Crowd, from: number, count: number): Promise<void> {
  for (let first = from; first < from + count; first += TOGETHER) {
    const batch = Array.from({ length: Math.min(TOGETHER, from + count - first) }, (_, at) => one(crowd, first + at));
    await within(`the end of WebSockets ${first} to ${first + batch.length - 1}`, Promise.all(batch));
  }
}

function one(crowd: Crowd, index: number): Promise<void> {
  const ways = WAYS.length + EARLY_WAYS.length;
  const leave = WAYS[index % ways]?.[1];
  const early = EARLY_WAYS[(index % ways) - WAYS.length]?.[1];
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: crowd.port });
    const path = crowd.path(index);
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.write([`GET ${path} HTTP/1.1`, 'Host: example.com', ...HANDSHAKE, '', ''].join('\r\n'));
    // What is awaited is there with the first bytes: this proxy writes a head at once.
    if (leave !== undefined) socket.once('data', () => leave(socket));
    socket.on('data', () => {});
    if (early === undefined) return;
    // Some go before anybody was asked, the others while the origin thinks.
    if (crowd.whenAsked === undefined || index % 2 === 0) socket.once('connect', () => early(socket));
    else crowd.whenAsked(path, () => early(socket));
  });
}

describe('thousands of WebSockets that are abandoned in every way', () => {
  const opened = new Opened();

  it(
    'leave nothing behind with the test target',
    async () => {
      const holdfast = await opened.holdfast({ routes: ['* test'] });
      const { counters } = holdfast;
      const crowd = { port: clientPort(holdfast), path: () => '/ws?channel=crowded' };
      const settled = (): Promise<void> =>
        turnUntil('the end of all connections', () => counters.openConnections === 0 && counters.holds.ws === 0);
      await abandon(crowd, 0, FIRST);
      await settled();
      const before = keptBytes();
      await abandon(crowd, FIRST, EACH_TARGET - FIRST);
      await settled();
      expect(keptBytes() - before).toBeLessThan(ALLOWED_BYTES);
      expect([counters.holds.ws, counters.openConnections]).toEqual([0, 0]);
      // Those who left before they were read are no requests.
      expect(counters.requests).toBeGreaterThan(EACH_TARGET / 2);
    },
    PATIENCE,
  );

  it(
    'leave nothing behind with an origin over HTTP, which is told once of each',
    async () => {
      const ledger = opened.add(await Ledger.start(), (one) => one.stop());
      const holdfast = await opened.holdfast({ routes: [`* ${ledger.target},over_http`] });
      const { counters } = holdfast;
      const crowd: Crowd = {
        port: clientPort(holdfast),
        path: (index) => `/chat?${index}`,
        whenAsked: (path, run) => {
          ledger.asked.set(path, () => {
            ledger.asked.delete(path);
            run();
          });
        },
      };
      const settled = (): Promise<void> =>
        turnUntil(
          'the end of all connections, and word of them at the origin',
          () => counters.openConnections === 0 && counters.holds.ws === 0 && ledger.open.size === 0,
        );
      await abandon(crowd, 0, FIRST);
      await settled();
      const before = keptBytes();
      await abandon(crowd, FIRST, EACH_TARGET - FIRST);
      await settled();
      expect(keptBytes() - before).toBeLessThan(ALLOWED_BYTES);
      expect([counters.holds.ws, counters.openConnections]).toEqual([0, 0]);
      expect([ledger.open.size, ledger.strays, ledger.asked.size]).toEqual([0, 0, 0]);
      expect(ledger.opened).toBeGreaterThan(EACH_TARGET / 2);
    },
    PATIENCE,
  );
});

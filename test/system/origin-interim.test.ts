/** Interim answers that nobody asked for, and origins at addresses of IPv6: the client gets the final answer. */
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import { OK, RawOrigin, type RawRequest } from '../support/raw-origin.js';
import { EventsClient } from '../support/websocket-client.js';

const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';

describe.each(ORIGIN_CLIENTS)('an interim answer of the origin, with the client %s', (client) => {
  const opened = new Opened(client);

  async function proxied(properties = ''): Promise<{ origin: RawOrigin; port: number }> {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}${properties}`] });
    return { origin, port: clientPort(holdfast) };
  }

  const interims: readonly (readonly [string, string])[] = [
    ['100', CONTINUE],
    ['100 with headers', 'HTTP/1.1 100 Go on\r\nX-Interim: 1\r\nContent-Length: 5\r\n\r\n'],
    ['102', PROCESSING],
    ['103', HINTS],
    ['199', 'HTTP/1.1 199 Whatever\r\n\r\n'],
    ['several', CONTINUE + HINTS + PROCESSING + HINTS + CONTINUE],
  ];

  for (const [what, interim] of interims) {
    it.each([
      ['in one packet with the final one', (request: RawRequest) => request.connection.write(interim + OK)],
      [
        'by itself',
        (request: RawRequest) => request.connection.socket.write(interim, 'latin1', () => request.connection.write(OK)),
      ],
      [
        'byte by byte',
        (request: RawRequest) => {
          const bytes = interim + OK;
          const next = (at: number): void => {
            if (at < bytes.length) request.connection.socket.write(bytes.charAt(at), 'latin1', () => next(at + 1));
          };
          next(0);
        },
      ],
    ])(`is not the client’s when it is ${what} and comes %s`, async (_how, reply) => {
      const { origin, port } = await proxied();
      origin.reply('/', (request) => void reply(request));
      const client = await opened.client(port);
      for (const method of ['GET', 'POST', 'GET']) {
        client.write(
          `${method} / HTTP/1.1\r\nHost: a\r\n${method === 'POST' ? 'Content-Length: 2\r\n\r\nok' : '\r\n'}`,
        );
        expect(await client.readAsLongAs(OK)).toBe(OK);
      }
      expect(origin.connections).toHaveLength(1);
    });
  }

  it('or a reason phrase may come in pieces, however they are cut', async () => {
    const { origin, port } = await proxied();
    origin.reply('/other', OK);
    for (const [first, second] of [
      ['HTTP/1.1 200 Much', ' Better\r\nContent-Length: 2\r\n\r\nok'],
      [`${CONTINUE}HTTP/1.1 2`, '00 Much Better\r\nContent-Length: 2\r\n\r\nok'],
      ['HTTP/1.1 100 Con', 'tinue\r\n\r\nHTTP/1.1 200 Much Better\r\nContent-Length: 2\r\n\r\nok'],
    ] as const) {
      const came = new Promise<RawRequest>((resolve) => origin.reply('/cut', resolve));
      const client = await opened.get(port, '/cut');
      const { connection } = await came;
      connection.write(first);
      // Whatever was sent before the answer to another request has been read by then.
      await opened.get(port, '/other').then((other) => other.readAsLongAs(OK));
      connection.write(second);
      const expected = 'HTTP/1.1 200 Much Better\r\nContent-Length: 2\r\n\r\nok';
      expect(await client.readAsLongAs(expected)).toBe(expected);
    }
  });

  it('comes before the answer to a HEAD and before one without a body', async () => {
    const { origin, port } = await proxied();
    origin.reply('/head', `${CONTINUE}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n`);
    origin.reply('/none', `${CONTINUE}HTTP/1.1 204 No Content\r\n\r\n`);
    const client = await opened.client(port);
    client.write('HEAD /head HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n');
    const expected = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n';
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('does not keep a GRIP answer from being one', async () => {
    const { origin, port } = await proxied();
    origin.reply('/', `${CONTINUE}HTTP/1.1 200 OK\r\nGrip-Status: 201\r\nContent-Length: 2\r\n\r\nok`);
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).head).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('comes in the middle of an upload, which goes on', async () => {
    const { origin, port } = await proxied();
    const sizes: number[] = [];
    origin.reply('/', ({ body, connection }) => {
      sizes.push(body.length);
      connection.write(OK);
    });
    const client = await opened.client(port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(30_000)}`);
    await origin.until('half of the body at the origin', () => origin.received.endsWith('x'.repeat(20_000)));
    origin.connections[0]?.write(CONTINUE);
    client.write('x'.repeat(30_000));
    expect(await client.readAsLongAs(OK)).toBe(OK);
    expect(sizes).toEqual([60_000]);
  });

  it('is followed by nothing: the client learns that there is no answer', async () => {
    const { origin, port } = await proxied();
    origin.reply('/', ({ connection }) => void connection.socket.end(CONTINUE + HINTS));
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).status).toBe(502);
  });

  it('comes before events of a WebSocket over HTTP', async () => {
    const { origin, port } = await proxied(',over_http');
    const type = 'Content-Type: application/websocket-events\r\n';
    origin.reply('/chat', `${CONTINUE}HTTP/1.1 200 OK\r\n${type}Content-Length: 18\r\n\r\nOPEN\r\nTEXT 2\r\nhi\r\n`);
    const socket = new EventsClient(port);
    opened.add(socket, (one) => one.socket.terminate());
    expect(await socket.sees(1)).toBe('text hi');
  });

  it.each([
    ['without a protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['with a protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
    ['with a final answer behind it', `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}`],
  ])('that is 101 %s is no answer', async (_what, bytes) => {
    const { origin, port } = await proxied();
    origin.reply('/', bytes);
    const client = await opened.client(port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(502);
    expect(await client.readAsLongAs(OK)).toBe(OK);
    expect(origin.connections).toHaveLength(2);
  });
});

async function hasIPv6(): Promise<boolean> {
  const server = createTcpServer();
  const there = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => resolve(true));
  });
  if (there) await new Promise((resolve) => server.close(resolve));
  return there;
}

const HAS_IPV6 = await hasIPv6();
if (!HAS_IPV6) console.log('SKIPPED origins at addresses of IPv6: this machine has no ::1');

describe.skipIf(!HAS_IPV6)('an origin at an address of IPv6', () => {
  const opened = new Opened();

  it('is reached over HTTP and with WebSockets over HTTP', async () => {
    const server = createServer((incoming, response) => {
      incoming.resume();
      const events = incoming.headers['content-type'] === 'application/websocket-events';
      if (events) response.setHeader('Content-Type', 'application/websocket-events');
      response.end(events ? 'OPEN\r\nTEXT 2\r\nhi\r\n' : `${incoming.headers.host} at ${incoming.socket.localAddress}`);
    });
    opened.add(server, (one) => {
      one.closeAllConnections();
      one.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const { port } = server.address() as AddressInfo;
    const holdfast = await opened.holdfast({ routes: [`* [::1]:${port},over_http`] });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('example.com at ::1');
    const socket = new EventsClient(clientPort(holdfast));
    opened.add(socket, (one) => one.socket.terminate());
    expect(await socket.sees(1)).toBe('text hi');
  });

  it('is passed over when nothing listens there, and named in brackets', async () => {
    const holdfast = await opened.holdfast({ routes: ['*,debug [::1]:1'] });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('Unable to connect to any targets. Tried: [::1]:1\n');
  });

  it('is refused when it is private and the target is not trusted', async () => {
    const holdfast = await opened.holdfast({ routes: ['* [::1]:1,untrusted'] });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).status).toBe(502);
  });
});

/** Answers of origins in every framing there is, as clients of HTTP/1.1 and HTTP/1.0 get them. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import { OK, RawOrigin, type RawReply, type RawRequest } from '../support/raw-origin.js';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Ends the connection once the bytes are out. */
function thenEnd(bytes: string): (request: RawRequest) => void {
  return ({ connection }) => void connection.socket.end(bytes, 'latin1');
}

class Proxied {
  private constructor(
    readonly origin: RawOrigin,
    readonly port: number,
  ) {}

  static async start(opened: Opened, reply: RawReply): Promise<Proxied> {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    origin.reply('/', reply);
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`] });
    return new Proxied(origin, clientPort(holdfast));
  }
}

describe.each(ORIGIN_CLIENTS)('trailers behind the chunks of an origin, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each([
    ['one', 'X-Checksum: 1\r\n'],
    ['several', 'X-Checksum: 1\r\nServer-Timing: db;dur=1\r\n'],
    ['one that has no business there', 'Set-Cookie: a=1\r\nTransfer-Encoding: chunked\r\n'],
  ])('are dropped, and the connection is used again: %s', async (_what, trailers) => {
    const { origin, port } = await Proxied.start(opened, `${CHUNKED}2\r\nok\r\n0\r\n${trailers}\r\n`);
    const client = await opened.client(port);
    for (let round = 0; round < 3; round += 1) {
      client.write('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
      expect(await client.readAsLongAs(OK)).toBe(OK);
    }
    expect(origin.connections).toHaveLength(1);
    expect(client.pending).toBe('');
  });

  it('are dropped behind chunks that went out as chunks', async () => {
    const { origin, port } = await Proxied.start(opened, ({ connection }) => connection.write(`${CHUNKED}2\r\nab\r\n`));
    const client = await opened.get(port, '/');
    const first = 'HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n';
    expect(await client.readAsLongAs(first)).toBe(first);
    origin.connections[0]?.write('2\r\ncd\r\n0\r\nX-Checksum: 1\r\n\r\n');
    const rest = '2\r\ncd\r\n0\r\n\r\n';
    expect(await client.readAsLongAs(rest)).toBe(rest);
    client.write('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.readAsLongAs(OK)).toBe(OK);
  });

  it('that are longer than a head may be break the answer off', async () => {
    const { port } = await Proxied.start(opened, ({ connection }) => {
      connection.write(`${CHUNKED}2\r\nab\r\n0\r\n`);
      connection.write(`X: ${'y'.repeat(1_000)}\r\n`.repeat(200));
    });
    const client = await opened.get(port, '/');
    await client.untilClosed();
    expect(client.pending).not.toMatch(/0\r\n\r\n$/);
  });
});

describe.each(ORIGIN_CLIENTS)('an answer without a body, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each([
    ['HEAD', '200 OK', 'Content-Length: 1234\r\n', 'Content-Length: 1234\r\n'],
    ['HEAD', '200 OK', '', 'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n'],
    [
      'HEAD',
      '200 OK',
      'Transfer-Encoding: chunked\r\n',
      'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n',
    ],
    ['HEAD', '404 Not Found', 'Content-Length: 0\r\n', 'Content-Length: 0\r\n'],
    ['GET', '304 Not Modified', 'Content-Length: 1234\r\n', ''],
    ['GET', '304 Not Modified', '', ''],
    ['GET', '304 Not Modified', 'Transfer-Encoding: chunked\r\n', ''],
    ['GET', '204 No Content', 'Content-Length: 5\r\n', ''],
    ['GET', '204 No Content', 'Content-Length: 0\r\n', ''],
    ['GET', '204 No Content', '', ''],
    ['HEAD', '304 Not Modified', 'Content-Length: 7\r\n', ''],
  ])('ends with its head: %s, %s with %j', async (method, status, framing, expected) => {
    const { port } = await Proxied.start(opened, `HTTP/1.1 ${status}\r\nETag: "x"\r\n${framing}\r\n`);
    const client = await opened.client(port);
    for (let round = 0; round < 2; round += 1) {
      client.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
      const bytes = `HTTP/1.1 ${status}\r\nETag: "x"\r\n${expected}\r\n${OK}`;
      expect(await client.readAsLongAs(bytes)).toBe(bytes);
    }
  });
});

describe.each(ORIGIN_CLIENTS)('an answer that ends with the connection of the origin, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each(['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'])(
    'is read to its end: %j',
    async (head) => {
      const body = 'z'.repeat(300_000);
      const { port } = await Proxied.start(opened, thenEnd(head + body));
      const client = await opened.client(port);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
      const answer = await client.readAnswer();
      expect([answer.status, answer.body.length]).toEqual([200, body.length]);
      expect(await client.readAsLongAs(OK)).toBe(OK);
    },
  );

  it('is empty where the connection ends with the head', async () => {
    const { port } = await Proxied.start(opened, thenEnd('HTTP/1.1 200 OK\r\n\r\n'));
    const client = await opened.get(port, '/');
    const answer = await client.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([200, '']);
  });

  it.each(['1.1', '1.0'])('is broken, and not whole, when that connection is reset, for HTTP/%s', async (version) => {
    const { origin, port } = await Proxied.start(opened, ({ connection }) =>
      connection.write('HTTP/1.1 200 OK\r\n\r\nhalf of it'),
    );
    const client = await opened.client(port);
    const errors: Error[] = [];
    client.socket.on('error', (error) => errors.push(error));
    client.write(`GET / HTTP/${version}\r\nHost: a\r\n\r\n`);
    await client.readUntil('half of it');
    origin.connections[0]?.socket.resetAndDestroy();
    await client.untilClosed();
    // In chunks the last one is missing; where the end of the connection would be the body's, it is a reset.
    expect(client.pending.replace('\r\n', '')).toBe('');
    expect(errors).toHaveLength(version === '1.0' ? 1 : 0);
  });
});

describe.each(ORIGIN_CLIENTS)('a client of HTTP/1.0, with the client %s', (client) => {
  const opened = new Opened(client);

  const inChunks: RawReply = `${CHUNKED}3\r\none\r\n4\r\n two\r\n0\r\n\r\n`;

  it('gets chunks of the origin as a body with a length, and keeps its connection if it wants to', async () => {
    const { port } = await Proxied.start(opened, inChunks);
    const client = await opened.client(port);
    for (let round = 0; round < 2; round += 1) {
      client.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
      const expected = 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\none two';
      expect(await client.readAsLongAs(expected)).toBe(expected);
    }
  });

  it('gets them until the end of the connection otherwise', async () => {
    const { port } = await Proxied.start(opened, inChunks);
    const client = await opened.client(port);
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await client.untilClosed();
    expect(client.pending).toBe('HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\none two');
  });

  it.each(['', 'Connection: keep-alive\r\n'])(
    'gets a body of unknown length until the end of its connection, asking with %j',
    async (wish) => {
      const { origin, port } = await Proxied.start(opened, ({ connection }) =>
        connection.write(`${CHUNKED}3\r\none\r\n`),
      );
      const client = await opened.client(port);
      client.write(`GET / HTTP/1.0\r\nHost: a\r\n${wish}\r\n`);
      expect(await client.readUntil('one')).toBe('HTTP/1.0 200 OK\r\n\r\none');
      origin.connections[0]?.write('4\r\n two\r\n0\r\n\r\n');
      await client.untilClosed();
      expect(client.pending).toBe(' two');
    },
  );

  it('may send a body and keep the connection', async () => {
    const { origin, port } = await Proxied.start(opened, OK);
    const client = await opened.client(port);
    for (const body of ['one', 'three']) {
      client.write(
        `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect((await client.readAnswer()).body.toString()).toBe('ok');
    }
    expect(origin.requests.map(({ body }) => body)).toEqual(['one', 'three']);
  });
});

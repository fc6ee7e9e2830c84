/** Requests with bodies: clients that wait to be told, that send many at once, and origins that answer too soon. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import { OK, RawOrigin, type RawReply } from '../support/raw-origin.js';

const LARGE = 8_000_000;

/** An origin that refuses every request at its head and closes the connection with the body unread. */
const HANGS_UP = `
  import { createServer } from 'node:http';
  const server = createServer((request, response) => {
    response.writeHead(401, { Connection: 'close' });
    response.end('who are you?');
  });
  server.listen(0, '127.0.0.1', () => console.log('listening on http://127.0.0.1:' + server.address().port));
`;

async function rawOrigin(opened: Opened, reply: RawReply): Promise<{ origin: RawOrigin; port: number }> {
  const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
  origin.reply('/', reply);
  const holdfast = await opened.holdfast({ routes: [`known.example ${origin.target}`] });
  return { origin, port: clientPort(holdfast) };
}

function post(host: string, ...headers: readonly string[]): string {
  return ['POST / HTTP/1.1', `Host: ${host}`, ...headers, '', ''].join('\r\n');
}

describe('a client that waits for 100 Continue', () => {
  const opened = new Opened();

  it('is given the final answer where that is known without its body, and its connection ends', async () => {
    const { origin, port } = await rawOrigin(opened, OK);
    const client = await opened.client(port);
    client.write(post('unknown.example', 'Expect: 100-continue', 'Content-Length: 5'));
    const answer = await client.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([502, 'Route not found\n']);
    expect(answer.head).toContain('Connection: close\r\n');
    await client.untilClosed();
    expect(client.pending).toBe('');
    expect(origin.requests).toEqual([]);
  });

  it.each([
    ['a length', 'Content-Length: 5', 'hello'],
    ['chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ])('is told so once, for a body with %s, and its connection goes on', async (_what, framing, body) => {
    const { origin, port } = await rawOrigin(opened, OK);
    const client = await opened.client(port);
    for (let round = 0; round < 2; round += 1) {
      client.write(post('known.example', 'Expect: 100-Continue', framing));
      expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      client.write(body);
      expect(await client.readAsLongAs(OK)).toBe(OK);
    }
    expect(origin.received.toLowerCase()).not.toContain('expect');
  });

  it('is told so in its turn when it was pipelined', async () => {
    const { port } = await rawOrigin(opened, OK);
    const client = await opened.client(port);
    client.write(
      `GET / HTTP/1.1\r\nHost: known.example\r\n\r\n${post('known.example', 'Expect: 100-continue', 'Content-Length: 5')}`,
    );
    const expected = `${OK}HTTP/1.1 100 Continue\r\n\r\n`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
    client.write('hello');
    expect(await client.readAsLongAs(OK)).toBe(OK);
  });

  it('is not told so without a body, nor with HTTP/1.0', async () => {
    const { port } = await rawOrigin(opened, OK);
    const client = await opened.client(port);
    client.write('GET / HTTP/1.1\r\nHost: known.example\r\nExpect: 100-continue\r\n\r\n');
    expect(await client.readAsLongAs(OK)).toBe(OK);
    client.write('POST / HTTP/1.0\r\nHost: known.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello');
    await client.untilClosed();
    expect(client.pending).toBe(OK.replace('1.1', '1.0'));
  });
});

describe.each(ORIGIN_CLIENTS)('many requests with bodies, sent at once, with the client %s', (client) => {
  const opened = new Opened(client);

  it('are answered in order, each with its own', async () => {
    const { origin, port } = await opened.proxied(async (request, response) => {
      const body = await request.body();
      response.end(`${request.method} ${request.url} ${body.length} ${body.toString().slice(-4)}`);
    });
    const client = await opened.client(port);
    const sent: string[] = [];
    const expected: string[] = [];
    for (let index = 0; index < 200; index += 1) {
      // Some go beyond what is read before the origin is asked.
      const body = `${'x'.repeat(index % 10 === 0 ? 20_000 : index)}#${String(index).padStart(3, '0')}`;
      const method = ['POST', 'PUT', 'PATCH', 'DELETE'][index % 4] ?? '';
      const chunked = index % 3 === 0;
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
      const half = body.length >> 1;
      const chunks = [body.slice(0, half), body.slice(half)].filter((text) => text !== '');
      const framed = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
      sent.push(
        `${method} /${index} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${chunked ? `${framed}0\r\n\r\n` : body}`,
      );
      expected.push(`${method} /${index} ${body.length} ${body.slice(-4)}`);
    }
    client.write(sent.join(''));
    const answers: string[] = [];
    for (const _ of sent) answers.push((await client.readAnswer()).body.toString());
    expect(answers).toEqual(expected);
    expect(origin.requests.map(({ url }) => url)).toEqual(sent.map((_, index) => `/${index}`));
    expect(origin.connections).toBe(1);
  });
});

describe.each(ORIGIN_CLIENTS)('an origin that answers before it has the whole body, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each([
    ['keeps its connection', (answer: string): RawReply => answer],
    [
      'closes it',
      (answer: string): RawReply =>
        ({ connection }) =>
          void connection.socket.end(answer),
    ],
  ])('and %s has its answer passed on, and the connections are not used again', async (_what, reply) => {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`] });
    const port = clientPort(holdfast);
    const client = await opened.client(port);
    client.write(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE}\r\n\r\n`);
    client.write(Buffer.alloc(20_000, 'x'));
    await origin.until('the beginning of the body', () => origin.received.includes('\r\n\r\nxxx'));
    const [connection] = origin.connections;
    if (connection === undefined) throw new Error('unreachable');
    const early = 'HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nsize';
    const how = reply(early);
    if (typeof how === 'function') how({ method: '', target: '', head: '', body: '', connection });
    else connection.write(how);
    const expected = 'HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nsize';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    await origin.until('the end of the connection to the origin', () => connection.closed);
    // What is still sent is no request.
    client.write('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.untilClosed();
    expect(client.pending).toBe('');

    const next = await opened.get(port, '/next');
    expect(await next.readAsLongAs(OK)).toBe(OK);
    expect(origin.requests.map(({ target }) => target)).toEqual(['/next']);
    expect(holdfast.counters.originFailures).toBe(0);
  });

  it('and goes on reading may answer at length while it reads', async () => {
    const { origin, port } = await opened.proxied(async ({ incoming }, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write('begun;');
      let size = 0;
      for await (const chunk of incoming) size += (chunk as Buffer).length;
      response.end(` ${size}`);
    });
    const client = await opened.client(port);
    client.write(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE}\r\n\r\n`);
    client.write(Buffer.alloc(20_000, 'x'));
    await client.readUntil('begun;');
    client.write(Buffer.alloc(LARGE - 20_000, 'x'));
    expect(await client.readUntil('0\r\n\r\n')).toContain(` ${LARGE}`);
    expect(origin.requests).toHaveLength(1);
  });

  it('and hangs up without reading has its answer passed on each time', async () => {
    // A process of its own: what matters is that it may hang up at any moment of ours.
    const child = opened.add(Child.node(['--input-type=module', '-e', HANGS_UP]), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${await child.port()}`] });
    const body = Buffer.alloc(LARGE, 'x');
    for (let round = 0; round < 20; round += 1) {
      const client = await opened.client(clientPort(holdfast));
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE}\r\n\r\n`);
      client.write(body);
      const answer = await client.readAnswer();
      expect([answer.status, answer.body.toString()]).toEqual([401, 'who are you?']);
      client.close();
    }
    expect(holdfast.counters.originFailures).toBe(0);
  });

  it('lets the others be answered meanwhile', async () => {
    const { port } = await opened.proxied(({ url, incoming }, response) => {
      if (url === '/up') incoming.once('data', () => response.end('early'));
      else response.end('other');
    });
    const uploading = await opened.client(port);
    uploading.write(`POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let sent = 0; sent < 4; sent += 1) uploading.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`);
    const other = await opened.get(port, '/other');
    expect((await other.readAnswer()).body.toString()).toBe('other');
    expect((await uploading.readAnswer()).body.toString()).toBe('early');
    await uploading.untilClosed();
  });
});

describe.each(ORIGIN_CLIENTS)(
  'an origin that holds a client before it has read all of its request, with the client %s',
  (client) => {
    const opened = new Opened(client);
    const TOO_LARGE = 'Request too large to accept GRIP instruct.\n';
    const settings = { hold: { updateOnFirstSubscription: false } };

    /** Lets a client send `first`, and resolves when the answer has come and the request to the origin was broken off. */
    async function answeredEarly(mode: 'response' | 'stream', head: string, first: string) {
      const bodies: Promise<Buffer>[] = [];
      const { holdfast, origin, port } = await opened.proxied(
        (request, response) => {
          // From the second time on it is a retry, which is read.
          if (origin.requests.length > 1) bodies.push(request.body());
          response.writeHead(200, { 'Grip-Hold': mode, 'Grip-Channel': 'news' });
          response.end('late\n');
        },
        { settings },
      );
      const client = await opened.client(port);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${first}`);
      const { incoming } = await origin.request(0);
      // To the origin it is an error as well, which `once` would report.
      const closed = new Promise((resolve) => incoming.socket.on('close', resolve));
      await within('the end of the connection to the origin', closed);
      return { holdfast, origin, client, bodies };
    }

    const CODINGS: readonly (readonly [how: string, head: string, cut: (text: string) => string, end: string])[] = [
      ['with a length', 'Content-Length: 60000', (text) => text, ''],
      ['in chunks', 'Transfer-Encoding: chunked', (text) => `${text.length.toString(16)}\r\n${text}\r\n`, '0\r\n\r\n'],
    ];

    it.each(CODINGS)(
      'does so when the rest has come, and asks again with all of it: %s',
      async (_how, head, cut, end) => {
        const parts = ['a'.repeat(30_000), 'b'.repeat(20_000), 'c'.repeat(10_000)];
        const [first = '', second = '', third = ''] = parts;
        const { holdfast, origin, client, bodies } = await answeredEarly('response', head, cut(first));
        expect([holdfast.counters.holds.response, client.receivedBytes]).toEqual([0, 0]);
        const ready = subscribed(holdfast, 'news');
        client.write(cut(second));
        client.write(cut(third) + end);
        await ready;
        holdfast.publish({ channel: 'news', formats: { 'http-response': { action: 'hint' } } });
        await origin.request(1);
        expect(String(await bodies[0]) === parts.join('')).toBe(true);
        await turnUntil('the second hold', () => holdfast.counters.holds.response === 1);
        holdfast.publish({ channel: 'news', formats: { 'http-response': { body: 'now\n' } } });
        expect((await client.readAnswer()).body.toString()).toBe('now\n');
        // The request was read to its end, so that another may follow.
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await origin.request(2);
      },
    );

    it('begins a stream when the rest has come', async () => {
      const { holdfast, client } = await answeredEarly('stream', 'Content-Length: 60000', 'a'.repeat(30_000));
      expect(client.receivedBytes).toBe(0);
      const ready = subscribed(holdfast, 'news');
      client.write('b'.repeat(30_000));
      await ready;
      await client.readUntil('late\n\r\n');
    });

    it('does not when more comes than may be kept, and says so as soon as it is more', async () => {
      const { holdfast, client } = await answeredEarly(
        'response',
        'Transfer-Encoding: chunked',
        `${(60_000).toString(16)}\r\n${'a'.repeat(60_000)}\r\n`,
      );
      expect(client.receivedBytes).toBe(0);
      client.write(`${(40_001).toString(16)}\r\n${'b'.repeat(40_001)}\r\n`);
      const { status, body } = await client.readAnswer();
      expect([status, body.toString()]).toEqual([400, TOO_LARGE]);
      await client.untilClosed();
      expect(holdfast.counters.holds.response).toBe(0);
    });

    it('does not when more is announced than may be kept, and says so at once', async () => {
      const { client } = await answeredEarly('response', 'Content-Length: 100001', 'a'.repeat(30_000));
      const { status, body } = await client.readAnswer();
      expect([status, body.toString()]).toEqual([400, TOO_LARGE]);
      await client.untilClosed();
    });

    it('forgets a client that goes before the rest has come', async () => {
      const { holdfast, client } = await answeredEarly('response', 'Content-Length: 60000', 'a'.repeat(30_000));
      client.close();
      await turnUntil('the end of the connection', () => holdfast.counters.openConnections === 0);
      expect(holdfast.counters.holds.response).toBe(0);
      expect(holdfast.counters.requestErrors).toBe(0);
    });
  },
);

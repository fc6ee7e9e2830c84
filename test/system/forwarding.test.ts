/** Ordinary requests through the proxy: methods, bodies, framing, and the connections on both sides. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { answering, type OriginRequest, type Script } from '../support/origin.js';

/** Answers with what was asked. */
const echo: Script = async (request, response) => {
  const body = await request.body();
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length });
  response.end(body);
};

function nameOf(request: OriginRequest): string {
  return `${request.method} ${request.url}`;
}

describe('an ordinary request', () => {
  const opened = new Opened();

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'M-SEARCH'])(
    'reaches the origin with the method %s, its body and its own headers',
    async (method) => {
      const { origin, port } = await opened.proxied(echo);
      const client = await opened.client(port);
      const body = 'a body for any method';
      client.write(
        `${method} /a%20b/c?x=1&y=%2F HTTP/1.1\r\nHost: Example.com:81\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const answer = await client.readAnswer();
      expect([answer.status, answer.body.toString()]).toEqual([200, body]);
      const request = await origin.request(0);
      expect(nameOf(request)).toBe(`${method} /a%20b/c?x=1&y=%2F`);
      expect(request.headers['x-one']).toBe('1, 2');
      expect(request.headers.host?.toLowerCase()).toBe('example.com:81');
    },
  );

  it('of the method HEAD gets the length of the body and not the body', async () => {
    const { port } = await opened.proxied(answering({ 'Content-Length': '12345' }));
    const client = await opened.client(port);
    client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /again HTTP/1.1\r\nHost: a\r\n\r\n');
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await client.readAnswer(true)).head).toBe('HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n');
    }
    expect(client.pending).toBe('');
  });

  it.each([204, 304])('answered with %d gets no body, no length, and keeps its connection', async (code) => {
    const { port } = await opened.proxied((_request, response) => {
      response.writeHead(code, { 'X-Kept': 'yes' });
      response.end();
    });
    const client = await opened.client(port);
    const reason = code === 204 ? 'No Content' : 'Not Modified';
    const head = `HTTP/1.1 ${code} ${reason}\r\nX-Kept: yes\r\n\r\n`;
    for (let turn = 0; turn < 2; turn += 1) {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect(await client.readAsLongAs(head)).toBe(head);
    }
    expect(client.pending).toBe('');
  });

  it('may come in chunks, and a short body goes on with its length', async () => {
    const { origin, port } = await opened.proxied(echo);
    const client = await opened.client(port);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    client.write('7;extension=1\r\n, world\r\n0\r\nX-Trailer: dropped\r\n\r\n');
    expect((await client.readAnswer()).body.toString()).toBe('hello, world');
    const request = await origin.request(0);
    expect(request.headers['content-length']).toBe('12');
    expect(request.headers['transfer-encoding']).toBeUndefined();
  });

  it('may come in many chunks, which go on in chunks without waiting for the end', async () => {
    const { origin, port } = await opened.proxied(echo);
    const client = await opened.client(port);
    const piece = 'x'.repeat(8_000);
    const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`);
    const request = await origin.request(0);
    expect(request.headers['transfer-encoding']).toBe('chunked');
    client.write(`${chunk}0\r\n\r\n`);
    expect((await client.readAnswer()).body.length).toBe(3 * piece.length);
  });

  it('gets an answer of unknown length in chunks, as they come', async () => {
    let finish = (): void => {};
    const { port } = await opened.proxied((_request, response) => {
      response.writeHead(200, { 'X-A': '1' });
      response.write('first');
      finish = () => void response.end('last');
    });
    const client = await opened.get(port, '/');
    const begun =
      'HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n';
    expect(await client.readAsLongAs(begun)).toBe(begun);
    finish();
    expect(await client.readUntil('0\r\n\r\n')).toBe('4\r\nlast\r\n0\r\n\r\n');
    expect(client.closed).toBe(false);
  });

  it('gets an answer of unknown length until the end of the connection with HTTP/1.0', async () => {
    const { port } = await opened.proxied((_request, response) => {
      response.writeHead(200, { 'X-A': '1' });
      response.write('first');
      setImmediate(() => response.end(' last'));
    });
    const client = await opened.client(port);
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await client.untilClosed();
    expect(client.pending).toMatch(/^HTTP\/1\.0 200 OK\r\nX-A: 1\r\n(Content-Length: 10\r\n)?\r\nfirst last$/);
  });

  it('is told 100 Continue when it waits for it, and then read', async () => {
    const { origin, port } = await opened.proxied(echo);
    const client = await opened.client(port);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(origin.requests.length).toBe(0);
    client.write('body');
    expect((await client.readAnswer()).body.toString()).toBe('body');
    expect((await origin.request(0)).headers.expect).toBeUndefined();
  });

  it('shares one connection on each side with those before and after it', async () => {
    const { holdfast, origin, port } = await opened.proxied(echo);
    const client = await opened.client(port);
    for (let turn = 0; turn < 20; turn += 1) {
      client.write(`POST /${turn} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`);
      expect((await client.readAnswer()).body.toString()).toBe('hi');
    }
    expect(origin.connections).toBe(1);
    expect(holdfast.counters.openConnections).toBe(1);
  });

  it('uses the origin’s connection that another client’s request has left', async () => {
    const { origin, port } = await opened.proxied(echo);
    for (let turn = 0; turn < 5; turn += 1) {
      const client = await opened.get(port, '/', 'Connection: close');
      expect((await client.readAnswer()).head).toContain('Connection: close\r\n');
      await client.untilClosed();
    }
    expect(origin.connections).toBe(1);
  });

  it('is answered in its turn when it was pipelined, however fast the later ones are', async () => {
    const slow: (() => void)[] = [];
    const { origin, port } = await opened.proxied((request, response) => {
      const answer = (): void => void response.end(request.url);
      if (request.url === '/0') slow.push(answer);
      else answer();
    });
    const client = await opened.client(port);
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    await origin.request(0);
    slow[0]?.();
    for (const path of paths) expect((await client.readAnswer()).body.toString()).toBe(path);
    expect(origin.requests.map(({ url }) => url)).toEqual(paths);
  });

  it('is pipelined with a body, which belongs to it and to no other', async () => {
    const { port } = await opened.proxied(echo);
    const client = await opened.client(port);
    const bodies = ['one', '', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', 'four'];
    for (const body of bodies)
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    for (const body of bodies) expect((await client.readAnswer()).body.toString()).toBe(body);
  });
});

/** Connections to origins between requests: which are used again, what happens when the origin gives one up. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import type { Origin } from '../support/origin.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import type { Answer } from '../support/raw-client.js';
import { OK, RawOrigin, type RawRequest } from '../support/raw-origin.js';

type Loss = (request: RawRequest) => void;

const reset: Loss = ({ connection }) => void connection.socket.resetAndDestroy();
const hangUp: Loss = ({ connection }) => void connection.socket.end();

describe.each(ORIGIN_CLIENTS)(
  'a connection that the origin gives up when it is used again, with the client %s',
  (client) => {
    const opened = new Opened(client);

    /** The path `/` is answered on new connections only; `loss` is what happens to it on a used one. */
    async function proxied(loss: Loss): Promise<{ origin: RawOrigin; holdfast: Holdfast }> {
      const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
      const used = new Set<object>();
      origin.reply('/', (request) => {
        if (used.has(request.connection)) loss(request);
        else request.connection.write(OK);
        used.add(request.connection);
      });
      origin.reply('/warm', (request) => {
        used.add(request.connection);
        request.connection.write(OK);
      });
      return { origin, holdfast: await opened.holdfast({ routes: [`* ${origin.target}`] }) };
    }

    async function exchange(holdfast: Holdfast, bytes: string): Promise<Answer> {
      const client = await opened.client(clientPort(holdfast));
      client.write(bytes);
      return client.readAnswer(bytes.startsWith('HEAD'));
    }

    const warm = (holdfast: Holdfast): Promise<Answer> => exchange(holdfast, 'GET /warm HTTP/1.1\r\nHost: a\r\n\r\n');
    const withBody = (method: string): string => `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`;
    const without = (method: string): string => `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    const asked = (origin: RawOrigin): number => origin.requests.filter(({ target }) => target === '/').length;

    const idempotent = ['GET', 'HEAD', 'OPTIONS', 'DELETE'].map(without).concat(['PUT', 'DELETE'].map(withBody));
    const losses: readonly (readonly [string, Loss])[] = [
      ['reset', reset],
      ['closed', hangUp],
    ];

    for (const [how, loss] of losses) {
      it.each(idempotent)(`and ${how} costs nothing where a request may be repeated: %j`, async (bytes) => {
        const { origin, holdfast } = await proxied(loss);
        await warm(holdfast);
        expect((await exchange(holdfast, bytes)).status).toBe(200);
        expect([origin.connections.length, asked(origin)]).toEqual([2, 2]);
        const [first, second] = origin.requests.filter(({ target }) => target === '/');
        expect(second?.head).toBe(first?.head);
        expect(second?.body).toBe(first?.body);
        expect(holdfast.counters.originFailures).toBe(0);
      });

      it.each(['POST', 'PATCH'].map(withBody).concat(without('POST')))(
        `and ${how} is answered 502 where a request may not be repeated: %j`,
        async (bytes) => {
          const { origin, holdfast } = await proxied(loss);
          await warm(holdfast);
          expect((await exchange(holdfast, bytes)).status).toBe(502);
          expect(asked(origin)).toBe(1);
        },
      );
    }

    it('is tried once more and no oftener', async () => {
      const { origin, holdfast } = await proxied(reset);
      await warm(holdfast);
      origin.reply('/', reset);
      expect((await exchange(holdfast, without('GET'))).status).toBe(502);
      expect(asked(origin)).toBe(2);
    });

    it('is no reason to repeat what failed on a new one', async () => {
      const { origin, holdfast } = await proxied(reset);
      origin.reply('/', reset);
      expect((await exchange(holdfast, without('GET'))).status).toBe(502);
      expect(asked(origin)).toBe(1);
    });

    it.each([
      'H',
      'HTTP/1.1 200 OK\r\nX-',
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab',
    ])('is no reason to repeat what was being answered: %j', async (beginning) => {
      const { origin, holdfast } = await proxied(({ connection }) => void connection.socket.end(beginning));
      await warm(holdfast);
      const client = await opened.client(clientPort(holdfast));
      client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      await client.untilClosed();
      expect(client.pending).toMatch(beginning.endsWith('ab') ? /\r\n\r\nab$/ : /^HTTP\/1\.1 502 /);
      expect(asked(origin)).toBe(1);
    });

    it('is no reason to repeat a body that has gone by', async () => {
      const { origin, holdfast } = await proxied(reset);
      await warm(holdfast);
      const large = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`;
      expect((await exchange(holdfast, large)).status).toBe(502);
      expect(asked(origin)).toBe(1);
    });

    it('is repeated on a connection of its own, not on the next of those that were left', async () => {
      const { origin, holdfast } = await proxied(reset);
      origin.reply('/hold', () => {});
      const waiting = await Promise.all([1, 2, 3].map(() => opened.get(clientPort(holdfast), '/hold')));
      await origin.request('/hold', 3);
      for (const { connection } of origin.requests) connection.write(OK);
      for (const client of waiting) await client.readAsLongAs(OK);
      const lost = new Set(origin.connections);
      origin.reply('/', (request) => {
        if (lost.has(request.connection)) reset(request);
        else request.connection.write(OK);
      });
      expect((await exchange(holdfast, without('GET'))).status).toBe(200);
      expect(asked(origin)).toBe(2);
    });

    it('is noticed before, when it was closed while nobody used it', async () => {
      const { origin, holdfast } = await proxied(reset);
      await warm(holdfast);
      const [connection] = origin.connections;
      connection?.socket.end();
      await origin.until('the end of the connection', () => connection?.closed === true);
      expect((await exchange(holdfast, withBody('POST'))).status).toBe(200);
      expect([origin.connections.length, asked(origin)]).toEqual([2, 1]);
    });

    it('lets no other client have its answer, when it is written too late', async () => {
      const { origin, holdfast } = await proxied(reset);
      await warm(holdfast);
      const [connection] = origin.connections;
      connection?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
      await origin.until('the end of the connection', () => connection?.closed === true);
      expect((await exchange(holdfast, without('GET'))).body.toString()).toBe('ok');
    });
  },
);

describe.each(ORIGIN_CLIENTS)('a method with a body that it does not expect, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each(['DELETE', 'GET', 'OPTIONS'])('leaves the connection to the next request: %s', async (method) => {
    const { origin, port } = await opened.proxied(async (request, response) => void response.end(await request.body()));
    const client = await opened.client(port);
    for (const body of ['one', 'two', 'x'.repeat(30_000)]) {
      client.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      expect((await client.readAnswer()).body.toString()).toBe(body);
    }
    expect(origin.connections).toBe(1);
  });
});

describe.each(ORIGIN_CLIENTS)('an unused connection, with the client %s', (client) => {
  const opened = new Opened(client);

  /** Resolves when the origin sees the connection of its first request end. */
  async function connectionEnds(origin: Origin): Promise<void> {
    const { socket } = (await origin.request(0)).incoming;
    if (!socket.destroyed) await within('the end of the connection', once(socket, 'close'));
  }

  it('is closed when its time is over', async () => {
    const { origin, port } = await opened.proxied((_request, response) => void response.end('ok'), {
      settings: { proxy: { originKeepAlive: 0.05 } },
    });
    const client = await opened.get(port, '/');
    const over = connectionEnds(origin);
    expect((await client.readAnswer()).status).toBe(200);
    await over;
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(200);
    expect(origin.connections).toBe(2);
  });

  it('to a target that the routes name no more is closed so too, and one they still name is kept', async () => {
    const folder = await opened.add(mkdtemp(join(tmpdir(), 'origin-reuse-')), async (path) =>
      rm(await path, { recursive: true }),
    );
    const file = join(folder, 'routes');
    const leaving = await opened.origin((_request, response) => void response.end('leaving'));
    const staying = await opened.origin((_request, response) => void response.end('staying'));
    await writeFile(file, `leaving ${leaving.target}\nstaying ${staying.target}\n`);
    const holdfast = await opened.holdfast({
      settings: { routes: { file }, proxy: { originKeepAlive: 0.5 } },
    });
    const ask = async (host: string): Promise<string> => {
      const client = await opened.client(clientPort(holdfast));
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return (await client.readAnswer()).body.toString();
    };
    expect([await ask('leaving'), await ask('staying')]).toEqual(['leaving', 'staying']);
    const over = connectionEnds(leaving);
    await writeFile(file, `# other\n\nstaying ${staying.target},sub=x\n`);
    await holdfast.reload();
    expect([await ask('leaving'), await ask('staying')]).toEqual(['Route not found\n', 'staying']);
    expect([leaving.connections, staying.connections]).toEqual([1, 1]);
    await over;
  });
});

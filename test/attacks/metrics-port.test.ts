/** Attacks on the port for metrics: requests that are none, too many of them, and clients that take their time. */
import { describe, expect, it } from 'vitest';
import { MAX_CONNECTIONS, MetricsServer } from '../../src/control/metrics/metrics-server.js';
import { ReadableRate } from '../../src/observe/readable-rate.js';
import { systemClock } from '../../src/time/clock.js';
import { Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import type { RawClient } from '../support/raw-client.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';

describe('the port for metrics', () => {
  const opened = new Opened();

  async function watched() {
    const logger = new CollectedLog();
    const holdfast = await opened.holdfast({ logger, settings: { metrics } });
    return { holdfast, logger, watcher: Watcher.of(holdfast) };
  }

  it.each([
    ['no HTTP', 'NONSENSE\r\n\r\n', 400],
    ['a head that is too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
    ['another method', 'DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', 400],
    ['no host', 'GET /metrics HTTP/1.1\r\n\r\n', 400],
    ['a path from below', 'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['a whole URI', 'GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['a WebSocket', 'GET /metrics HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 200],
    ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
  ])('answers %s once and ends the connection', async (_what, bytes, status) => {
    const { watcher } = await watched();
    const client = await opened.client(watcher.port);
    client.write(bytes);
    await client.untilClosed();
    expect(client.pending === '' ? undefined : (await client.readAnswer()).status).toBe(status);
    expect((await watcher.get('/healthz')).status).toBe(200);
  });

  it('answers one request a connection: what is pipelined behind it is not looked at', async () => {
    const { watcher } = await watched();
    const client = await opened.client(watcher.port);
    client.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50));
    await client.untilClosed();
    expect(client.pending.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });

  it('answers HEAD without a body', async () => {
    const { watcher } = await watched();
    const client = await opened.client(watcher.port);
    client.write('HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
    const { status, head } = await client.readAnswer(true);
    await client.untilClosed();
    expect([status, client.pending]).toEqual([200, '']);
    expect(head).toMatch(/^Content-Length: [1-9]/m);
  });

  it('has so many connections and no more, says so once, and has room again when they go', async () => {
    const { watcher, logger } = await watched();
    const idle = [];
    for (let count = 0; count < MAX_CONNECTIONS; count += 1) idle.push(await opened.client(watcher.port));
    for (let count = 0; count < 3; count += 1) {
      const refused = await opened.client(watcher.port);
      await refused.untilClosed();
      expect(refused.pending).toBe('');
    }
    expect(
      logger.lines.filter((line) => line.includes('metrics: closed a connection at once: 16 are open')),
    ).toHaveLength(1);
    idle[0]?.close();
    const { status } = await watcher.untilAnswered('/healthz');
    expect(status).toBe(200);
  });

  it('lets go of who says nothing, and of a request that does not end, however slowly it goes on', async () => {
    const warnings = new ReadableRate(new CollectedLog(), systemClock);
    const parts = { warnings, metrics: async () => ({ type: 'text/plain', text: 'x' }), troubles: () => [] };
    const server = opened.add(new MetricsServer({ ...parts, patience: 300 }), (one) => one.close());
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const port = 'port' in address ? address.port : 0;
    const clients: RawClient[] = [];
    for (const bytes of ['', 'GET ', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX: ']) {
      const client = await opened.client(port);
      client.write(bytes);
      clients.push(client);
    }
    const dripping = setInterval(() => clients.at(-1)?.write('x'), 20);
    for (const client of clients) await client.untilClosed();
    clearInterval(dripping);
    // The silent ones may be cut off without a word.
    expect(clients.at(-1)?.pending).toMatch(/^HTTP\/1.1 408 /);
  });

  it('does not wait for a body that it does not want', async () => {
    const { watcher } = await watched();
    const client = await opened.client(watcher.port);
    client.write('GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx');
    expect((await client.readAnswer()).status).toBe(200);
    await client.untilClosed();
  });

  it('says in its answer and once in the log that metrics cannot be written', async () => {
    const log = new CollectedLog();
    const server = opened.add(
      new MetricsServer({
        warnings: new ReadableRate(log, systemClock),
        metrics: () => Promise.reject(new Error('why')),
        troubles: () => [],
      }),
      (one) => one.close(),
    );
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const watcher = new Watcher('port' in address ? address.port : 0);
    for (let count = 0; count < 3; count += 1) {
      const answer = await watcher.get('/metrics');
      expect([answer.status, await answer.text()]).toEqual([500, 'The metrics cannot be written; the log says why.\n']);
    }
    expect(log.lines).toEqual(['warn metrics: they cannot be written: Error: why']);
  });
});

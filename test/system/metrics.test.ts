/** What Prometheus reads after traffic that is known: exact numbers, through real sockets. */
import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHoldfast, type HoldfastOptions } from '../../src/index.js';
import type { TnetInput } from '../../src/protocol/tnetstring.js';
import { Asker } from '../support/asker.js';
import { Child } from '../support/child.js';
import { clientPort, controlUri, Opened, PARSERS, pullEndpoint } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { EventsOrigin } from '../support/events-origin.js';
import { Exposition } from '../support/exposition.js';
import { freePorts } from '../support/free-ports.js';
import { ManualClock } from '../support/manual-clock.js';
import { pushTo } from '../support/push.js';
import { itemFor } from '../support/several.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';
import { EventsClient } from '../support/websocket-client.js';

describe('metrics', () => {
  const opened = new Opened();

  /** A Holdfast with the built-in backend, and who watches it. */
  async function watched(options: HoldfastOptions = {}) {
    const holdfast = await opened.holdfast({ ...options, settings: { metrics, ...options.settings } });
    return { holdfast, watcher: Watcher.of(holdfast), port: clientPort(holdfast) };
  }

  it('are nowhere unless they are asked for', async () => {
    const holdfast = await opened.holdfast({});
    expect(holdfast.addresses.metrics).toBeUndefined();
  });

  it('are all 0 before anything has happened, except of the process itself', async () => {
    const { watcher } = await watched();
    const page = await watcher.scrape();
    const moved = [...page.families].filter(([, { samples }]) => [...samples.values()].some((value) => value !== 0));
    const ofTheProcess = /^holdfast_(process|event_loop)_/;
    expect(moved.map(([name]) => name).filter((name) => !ofTheProcess.test(name))).toEqual([
      'holdfast_build_info',
      'holdfast_ready',
      'holdfast_uptime_seconds',
      'holdfast_routes',
    ]);
  });

  it.each(PARSERS)('count connections by what they are busy with, parser %s', async (parser) => {
    const origin = await opened.origin(() => {});
    const routes = ['* test', `slow.example ${origin.target}`];
    const { holdfast, watcher, port } = await watched({ routes, settings: { metrics, http: { parser } } });
    await opened.client(port);
    await opened.get(port, '/stream?channel=a');
    await opened.get(port, '/response?channel=a');
    const asking = await opened.client(port);
    asking.write('GET / HTTP/1.1\r\nHost: slow.example\r\n\r\n');
    await origin.request(0);
    const webSocket = opened.add(new EventsClient(port, '/ws'), ({ socket }) => socket.terminate());
    await webSocket.sees(0);
    await turnUntil('both holds', () => holdfast.counters.holds.stream + holdfast.counters.holds.response === 2);
    const page = await watcher.scrape();
    expect(page.nonZero('holdfast_connections')).toEqual({
      '{transport="http",state="idle"}': 1,
      '{transport="http",state="asking"}': 1,
      '{transport="http",state="held"}': 2,
      '{transport="http",state="websocket"}': 1,
    });
    expect(page.value('connection_connected')).toBe(5);
    expect(page.nonZero('holdfast_connections_accepted_total')).toEqual({ '{transport="http"}': 5 });
    expect(page.nonZero('holdfast_holds')).toEqual({ '{mode="response"}': 1, '{mode="stream"}': 1, '{mode="ws"}': 1 });
    expect(page.nonZero('holdfast_requests_total')).toEqual({ '{transport="http"}': 3, '{transport="ws"}': 1 });
    expect(page.value('holdfast_origin_requests_open')).toBe(1);
    asking.close();
    const after = await watcher.until(
      'the end of the request',
      (one) => one.value('holdfast_origin_requests_open') === 0,
    );
    expect(after.nonZero('holdfast_origin_requests_total')).toEqual({ '{result="cancelled"}': 1 });
    expect(after.value('holdfast_origin_head_seconds_count')).toBe(0);
  });

  it('count items by the way they came in, channels, subscriptions, deliveries and drops', async () => {
    const { holdfast, watcher, port } = await watched({
      settings: { metrics, zeromq: { pull: ['tcp://127.0.0.1:0'], rep: ['tcp://127.0.0.1:*'] } },
    });
    const begun = subscribed(holdfast, 'a');
    const streams = [await opened.get(port, '/stream?channel=a'), await opened.get(port, '/stream?channel=a')];
    await begun;
    for (const stream of streams) await stream.readUntil('[stream opened]\n\r\n');
    holdfast.publish(itemFor('a', 'by library', { id: '1' }));
    holdfast.publish(itemFor('a', 'again', { id: '1' }));
    const body = JSON.stringify({ items: [itemFor('a', 'by http'), itemFor('nobody', 'x')] });
    expect((await fetch(`${controlUri(holdfast)}/publish`, { method: 'POST', body })).status).toBe(200);
    expect((await fetch(`${controlUri(holdfast)}/publish?report=1`, { method: 'POST', body })).status).toBe(200);
    expect((await fetch(`${controlUri(holdfast)}/publish`, { method: 'POST', body: '{' })).status).toBe(400);
    await pushTo(opened, pullEndpoint(holdfast)).send(`J${JSON.stringify(itemFor('a', 'by pull'))}`);
    for (const stream of streams) await stream.readUntil('by pull\n');
    const asker = Asker.to(opened, holdfast.addresses.rep[0] ?? '');
    const item = new Map<string, TnetInput>([
      ['channel', 'a'],
      ['http-stream', new Map([['content', 'by rep\n']])],
    ]);
    await asker.ask('publish', { items: [item] });
    for (const stream of streams) await stream.readUntil('by rep\n');
    const page = await watcher.scrape();
    expect(page.nonZero('holdfast_published_items_total')).toEqual({
      '{way="http"}': 4,
      '{way="pull"}': 1,
      '{way="rep"}': 1,
      '{way="library"}': 2,
    });
    expect(page.nonZero('holdfast_unheard_items_total')).toEqual({ '{way="http"}': 2 });
    expect(page.value('message_received')).toBe(8);
    expect([page.value('message_sent'), page.value('holdfast_delivered_items_total')]).toEqual([10, 10]);
    expect(page.nonZero('holdfast_dropped_items_total')).toEqual({
      '{reason="duplicate"}': 1,
      '{reason="invalid-item"}': 1,
    });
    expect(page.value('holdfast_channels')).toBe(1);
    expect(page.nonZero('holdfast_subscriptions')).toEqual({ '{mode="stream"}': 2 });
    expect(page.value('holdfast_publish_to_write_seconds_count')).toBe(5);
    for (const stream of streams) stream.close();
    const after = await watcher.until('the end of the streams', (one) => one.value('holdfast_channels') === 0);
    expect(after.nonZero('holdfast_subscriptions')).toEqual({});
  });

  it('count what origins answer, and how they fail', async () => {
    const origin = await opened.origin((asked, response) => {
      const code = Number(asked.url.slice(1));
      if (code === 0) asked.incoming.socket.destroy();
      else if (code === 1) response.writeHead(200, { 'Content-Length': 10 }).write('x', () => response.destroy());
      else response.writeHead(code).end();
    });
    const [closed = 0] = await freePorts(1);
    const routes = [`* ${origin.target}`, `closed.example 127.0.0.1:${closed}`, `secret.example 127.0.0.1:1,untrusted`];
    const { watcher, port } = await watched({ routes });
    const ask = async (target: string, host: string): Promise<void> => {
      const client = await opened.client(port);
      client.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      await client.untilClosed();
    };
    for (const code of [200, 204, 302, 404, 500, 503, 0, 1]) await ask(`/${code}`, 'a');
    await ask('/', 'closed.example');
    await ask('/', 'secret.example');
    const page = await watcher.scrape();
    expect(page.nonZero('holdfast_origin_requests_total')).toEqual({
      '{result="2xx"}': 3,
      '{result="3xx"}': 1,
      '{result="4xx"}': 1,
      '{result="5xx"}': 2,
      '{result="broken"}': 1,
      '{result="refused"}': 1,
      '{result="blocked"}': 1,
    });
    expect(page.value('holdfast_origin_answers_broken_total')).toBe(1);
    expect(page.value('holdfast_origin_head_seconds_count')).toBe(7);
    expect(page.value('holdfast_request_errors_total')).toBe(3);
  });

  it('tell an origin that is silent from one that cannot be reached', async () => {
    const origin = await opened.origin(() => {});
    const { watcher, port } = await watched({
      routes: [`* ${origin.target}`],
      settings: { metrics, proxy: { originIdleTimeout: 0.1 } },
    });
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).status).toBe(502);
    const page = await watcher.scrape();
    expect(page.nonZero('holdfast_origin_requests_total')).toEqual({ '{result="timeout"}': 1 });
  });

  it('count requests to WebSocket origins, over HTTP and as WebSockets', async () => {
    const origin = opened.add(
      await EventsOrigin.start((asked) => asked.answer(asked.events[0] === 'OPEN' ? ['OPEN'] : ['TEXT hi'])),
      (one) => one.stop(),
    );
    const plain = await opened.origin((_asked, response) => void response.writeHead(403).end());
    const routes = [`* ${origin.target},over_http`, `localhost ${plain.target}`];
    const { watcher, port } = await watched({ routes });
    const over = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    await over.sees(0);
    over.socket.send('x');
    await over.sees(1);
    const refused = opened.add(new EventsClient(port, '/', { Host: 'localhost' }), ({ socket }) => socket.terminate());
    await refused.ended();
    const page = await watcher.scrape();
    expect(page.nonZero('holdfast_origin_requests_total')).toEqual({ '{result="2xx"}': 2, '{result="4xx"}': 1 });
  });

  it('count bad requests, and connections beyond the limit', async () => {
    const { watcher, port } = await watched({ settings: { metrics, http: { maxConnections: 1 } } });
    const bad = await opened.client(port);
    bad.write('NONSENSE\r\n\r\n');
    await bad.untilClosed();
    await watcher.until('the end of the bad one', (page) => page.value('connection_connected') === 0);
    await opened.get(port, '/stream');
    const refused = await opened.client(port);
    await refused.untilClosed();
    const page = await watcher.scrape();
    expect(page.value('holdfast_bad_requests_total')).toBe(1);
    expect(page.value('holdfast_connections_refused_total')).toBe(1);
    expect(page.nonZero('holdfast_connections_accepted_total')).toEqual({ '{transport="http"}': 2 });
  });

  it('count the minutes of connections: one at once, and each that is full', async () => {
    const clock = new ManualClock();
    const { watcher, port } = await watched({ clock });
    const stream = await opened.get(port, '/stream');
    await stream.readUntil('[stream opened]\n\r\n');
    const minutes = async (): Promise<number> => (await watcher.scrape()).value('connection_minute');
    expect(await minutes()).toBe(1);
    clock.advance(59_000);
    expect(await minutes()).toBe(1);
    clock.advance(1_000);
    expect(await minutes()).toBe(2);
    clock.advance(10 * 60_000);
    expect(await minutes()).toBe(12);
    stream.close();
    await watcher.until('the end of the stream', (page) => page.value('connection_connected') === 0);
    clock.advance(10 * 60_000);
    expect(await minutes()).toBe(12);
  });

  it('say how many bytes wait for a client that does not read', async () => {
    const { holdfast, watcher, port } = await watched({ settings: { metrics, hold: { outboxBytes: 50_000_000 } } });
    const slow = await opened.get(port, '/stream?channel=a');
    await slow.readUntil('[stream opened]\n\r\n');
    slow.pause();
    expect((await watcher.scrape()).value('holdfast_outbox_bytes')).toBe(0);
    for (let count = 0; count < 20; count += 1) holdfast.publish(itemFor('a', 'x'.repeat(1_000_000)));
    const page = await watcher.until('what waits', (one) => one.value('holdfast_outbox_bytes') > 5_000_000);
    expect(page.value('holdfast_outbox_bytes')).toBeLessThan(20_100_000);
  });

  it('have the prefix before the names of the original, and before no others', async () => {
    const { watcher } = await watched({ settings: { metrics: { ...metrics, prefix: 'pushpin_' } } });
    const page = await watcher.scrape();
    expect([...page.families.keys()].slice(0, 5)).toEqual([
      'pushpin_request_received',
      'pushpin_connection_connected',
      'pushpin_connection_minute',
      'pushpin_message_received',
      'pushpin_message_sent',
    ]);
    expect([...page.families.keys()].slice(5).filter((name) => !name.startsWith('holdfast_'))).toEqual([]);
  });

  it('are at / and /metrics, on a port of their own', async () => {
    const { watcher, port } = await watched();
    const answers = await Promise.all(
      ['/', '/metrics', '/metrics?x', '/healthz', '/nothing'].map((path) => watcher.get(path)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404]);
    expect(answers[0]?.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answers[3]?.text()).toBe('ok\n');
    expect(await answers[4]?.text()).toBe(
      'Not Found: metrics are at /metrics, health at /healthz, readiness at /readyz\n',
    );
    const client = await opened.get(port, '/metrics');
    expect((await client.readAnswer()).body.toString()).not.toContain('holdfast_');
  });

  it('can be read through a Unix socket, whose file a process that was killed may have left behind', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'metrics-')), (path) => rm(path, { recursive: true }));
    const path = join(folder, 'socket');
    const settings = { metrics: { listen: { path } } };
    const dead = Child.node(['-e', `require('net').createServer().listen('${path}', () => console.log('there'))`]);
    await dead.says(/there/);
    await dead.stop();
    expect((await lstat(path)).isSocket()).toBe(true);
    const first = await createHoldfast({ settings });
    // Whoever lives keeps its socket.
    await expect(createHoldfast({ settings })).rejects.toMatchObject({ code: 'HOLDFAST_LISTEN_FAILED' });
    expect(first.addresses.metrics).toEqual({ path });
    const text = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath: path, path: '/metrics' }, (answer) => {
        let page = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          page += piece;
        });
        answer.on('end', () => resolve(page));
      });
      asked.on('error', reject).end();
    });
    expect(Exposition.read(text).value('holdfast_ready')).toBe(1);
    await first.close();
    await expect(lstat(path)).rejects.toThrow('ENOENT');
  });

  it('leave a file alone that is no socket', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'metrics-')), (path) => rm(path, { recursive: true }));
    const path = join(folder, 'notes');
    await writeFile(path, 'notes');
    await expect(createHoldfast({ settings: { metrics: { listen: { path } } } })).rejects.toThrow('ipc://');
    expect(await readFile(path, 'utf8')).toBe('notes');
  });

  it('keep Holdfast from starting where they cannot listen, and leave nothing open', async () => {
    const { holdfast, watcher } = await watched();
    const taken = { host: '127.0.0.1', port: watcher.port };
    await expect(createHoldfast({ settings: { metrics: { listen: taken } } })).rejects.toMatchObject({
      code: 'HOLDFAST_LISTEN_FAILED',
      message: `cannot listen on 127.0.0.1:${watcher.port} (setting metrics.listen): the port is in use`,
    });
    await expect(createHoldfast({ port: clientPort(holdfast), settings: { metrics } })).rejects.toMatchObject({
      code: 'HOLDFAST_LISTEN_FAILED',
    });
  });
});

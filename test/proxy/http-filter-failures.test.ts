/** HTTP filters that cannot be asked, or whose answer makes no sense (specification 6.1, 6.3). */
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { REFUSING_TARGET } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';
import { FilterEndpoint, type FilterQuestion, filteredHold, streamItem } from './filter-endpoint.js';

const settings = { hold: { updateOnFirstSubscription: false } };

describe('an HTTP filter that fails', () => {
  const opened = new Opened();

  async function held(
    meta: string,
    { debug = true, ...options }: HoldfastOptions & { readonly debug?: boolean } = {},
  ): Promise<{ endpoint: FilterEndpoint; holdfast: Holdfast; client: RawClient }> {
    const endpoint = new FilterEndpoint();
    const origin = await opened.origin(endpoint.holding(filteredHold('stream', 'http-modify', meta)));
    const routes = [`*${debug ? ',debug' : ''} ${origin.target}`];
    const holdfast = await opened.holdfast({ settings, routes, ...options });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/');
    await client.readUntil('open\n\r\n');
    await ready;
    return { endpoint, holdfast, client };
  }

  /** What is written at the end of the stream. */
  async function lastWords(client: RawClient): Promise<string> {
    const text = await client.readUntil('\r\n0\r\n\r\n');
    return text.slice(text.indexOf('\r\n') + 2, -7).trim();
  }

  /** A server that does with its connections what it is told. */
  async function server(onConnection: (socket: Socket) => void = () => {}): Promise<number> {
    const tcp = createServer();
    tcp.on('connection', (socket) => {
      socket.on('error', () => {});
      opened.add(socket, (one) => one.destroy());
      onConnection(socket);
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    opened.add(tcp, (one) => one.close());
    return (tcp.address() as { port: number }).port;
  }

  const ANSWERS: [name: string, answer: (question: FilterQuestion) => void, detail: string][] = [
    ['a status it must not have', (q) => q.answer(500), 'unexpected network request status: code=500'],
    ['a redirect', (q) => q.answer(302, '', { Location: '/x' }), 'unexpected network request status: code=302'],
    [
      'a status that says drop',
      (q) => q.answer(404, '', { Action: 'drop' }),
      'unexpected network request status: code=404',
    ],
    ['too long a body', (q) => q.answer(200, Buffer.alloc(100_001)), 'network response exceeded 100000 bytes'],
    ['no answer at all', (q) => q.response.destroy(), 'network request failed: disconnected'],
    [
      'half an answer',
      (q) => {
        q.response.writeHead(200, { 'Content-Length': '10' });
        q.response.write('half', () => q.response.destroy());
      },
      'network request failed: disconnected',
    ],
  ];
  it.each(ANSWERS)('with %s says so at the end of a stream in debug mode', async (_name, answer, detail) => {
    const { endpoint, holdfast, client } = await held('url="/check"');
    holdfast.publish(streamItem('x\n'));
    answer(await endpoint.question(0));
    expect(await lastWords(client)).toBe(`filter error: ${detail}`);
    expect(holdfast.counters.dropped.filtered).toBe(1);
  });

  it('stops reading an answer that is too long, however long it is', async () => {
    const { endpoint, holdfast, client } = await held('url="/check"');
    holdfast.publish(streamItem('x\n'));
    const question = await endpoint.question(0);
    question.response.writeHead(200);
    const pour = (): void => {
      while (!question.response.destroyed && question.response.write(Buffer.alloc(65_536)));
    };
    question.response.on('drain', pour);
    pour();
    expect(await lastWords(client)).toBe('filter error: network response exceeded 100000 bytes');
    await endpoint.abandoned(question);
  });

  it('takes an answer of the greatest length', async () => {
    const { endpoint, holdfast, client } = await held('url="/check"');
    holdfast.publish(streamItem('x\n'));
    (await endpoint.question(0)).answer(200, Buffer.alloc(100_000, 'y'));
    expect(await client.readUntil('y\r\n')).toBe(`186a0\r\n${'y'.repeat(100_000)}\r\n`);
  });

  it('costs no more than its item when the route is not in debug mode', async () => {
    const { endpoint, holdfast, client } = await held('url="/check"', { debug: false });
    holdfast.publish(streamItem('one\n'));
    holdfast.publish(streamItem('two\n'));
    (await endpoint.question(0)).answer(500);
    (await endpoint.question(1)).answer(200, 'two, then\n');
    expect(await client.readUntil('\n\r\n')).toBe('a\r\ntwo, then\n\r\n');
    expect(holdfast.counters.dropped.filtered).toBe(1);
  });

  const METAS: [name: string, meta: string, detail: string][] = [
    ['no URL', 'user=bob', 'missing url value'],
    ['a URL that is none', 'url="http://"', 'invalid url value'],
    [
      'an endpoint that nobody listens at',
      `url="http://${REFUSING_TARGET}/"`,
      'network request failed: connection refused',
    ],
  ];
  it.each(METAS)('for %s says so', async (_name, meta, detail) => {
    const { holdfast, client } = await held(meta);
    holdfast.publish(streamItem('x\n'));
    expect(await lastWords(client)).toBe(`filter error: ${detail}`);
  });

  it('tells an endpoint that speaks no TLS', async () => {
    const port = await server((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { holdfast, client } = await held(`url="https://127.0.0.1:${port}/"`);
    holdfast.publish(streamItem('x\n'));
    expect(await lastWords(client)).toBe('filter error: network request failed: tls error');
  });

  it('tells an endpoint that cannot be connected to in time', async () => {
    // A connection is made when the handshake is over, and this one never begins.
    const port = await server();
    const { holdfast, client } = await held(`url="https://127.0.0.1:${port}/"`, {
      settings: { ...settings, proxy: { connectTimeout: 0.05 } },
    });
    holdfast.publish(streamItem('x\n'));
    expect(await lastWords(client)).toBe('filter error: network request failed: connection timed out');
  });

  it('waits ten seconds for an answer, and no longer', async () => {
    const clock = new ManualClock();
    const { endpoint, holdfast, client } = await held('url="/check"', { clock });
    holdfast.publish(streamItem('one\n'));
    const first = await endpoint.question(0);
    clock.advance(9_900);
    first.answer(200, 'late\n');
    expect(await client.readUntil('\n\r\n')).toBe('5\r\nlate\n\r\n');
    holdfast.publish(streamItem('two\n'));
    const second = await endpoint.question(1);
    clock.advance(10_100);
    expect(await lastWords(client)).toBe('filter error: network request failed: request timed out');
    await endpoint.abandoned(second);
    expect(clock.pending).toBeLessThan(2);
  });
});

/** Holdfast inside somebody's own process: what `createHoldfast` gives, tells, refuses, and leaves behind: nothing. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createHoldfast, HoldfastError, type PublishOutcome } from '../../src/index.js';
import { Child } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { subscribed, unsubscribed } from '../support/events.js';
import { PULL_ENGINES } from '../support/pull-engines.js';

const STREAM_ITEM = { channel: 'test', formats: { 'http-stream': { content: 'hello\n' } } };

describe('the library', () => {
  const opened = new Opened();

  it('starts on free ports and says which', async () => {
    const [one, two] = [await opened.holdfast({}), await opened.holdfast({})];
    const ports = [one, two]
      .flatMap(({ addresses }) => [...addresses.http, addresses.control])
      .map((at) => at?.port ?? 0);
    expect(new Set(ports).size).toBe(4);
    expect(ports.every((port) => port > 0)).toBe(true);
    const answer = await fetch(`http://127.0.0.1:${clientPort(one)}/`);
    expect(await answer.text()).toBe('Hello from the Holdfast test handler!\n');
  });

  it('opens no control port when it is asked not to', async () => {
    const holdfast = await opened.holdfast({ controlPort: false });
    expect(holdfast.addresses.control).toBeUndefined();
  });

  it('tells of subscriptions and of items, however these came in', async () => {
    const holdfast = await opened.holdfast({});
    const outcomes: [string, PublishOutcome][] = [];
    holdfast.on('publish', (item, outcome) => outcomes.push([item.channel, outcome]));
    const begun = subscribed(holdfast, 'test');
    const client = await opened.get(clientPort(holdfast), '/stream');
    await begun;
    await client.readUntil('[stream opened]\n\r\n');
    expect(holdfast.publish(STREAM_ITEM)).toEqual({ kind: 'sent', receivers: 1 });
    const body = JSON.stringify({ items: [STREAM_ITEM, { ...STREAM_ITEM, channel: 'nobody' }] });
    expect((await fetch(`${controlUri(holdfast)}/publish`, { method: 'POST', body })).status).toBe(200);
    expect(outcomes).toEqual([
      ['test', { kind: 'sent', receivers: 1 }],
      ['test', { kind: 'sent', receivers: 1 }],
      ['nobody', { kind: 'sent', receivers: 0 }],
    ]);
    const over = unsubscribed(holdfast, 'test');
    client.close();
    await over;
  });

  it('refuses an item that makes no sense, a route that is none, and a port that is taken', async () => {
    const holdfast = await opened.holdfast({});
    expect(() => holdfast.publish({ channel: 'test' })).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_ITEM_INVALID', message: 'no formats specified' }),
    );
    await expect(createHoldfast({ routes: ['* no-port'] })).rejects.toMatchObject({ code: 'HOLDFAST_ROUTE_INVALID' });
    const taken = createHoldfast({ port: clientPort(holdfast) });
    await expect(taken).rejects.toMatchObject({ code: 'HOLDFAST_LISTEN_FAILED' });
    await expect(taken).rejects.toBeInstanceOf(HoldfastError);
  });

  it('ends its clients in order when it is closed: streams complete, polls answered, items delivered', async () => {
    const holdfast = await createHoldfast({});
    const port = clientPort(holdfast);
    const stream = await opened.get(port, '/stream');
    await stream.readUntil('[stream opened]\n\r\n');
    const held = subscribed(holdfast, 'poll');
    const poll = await opened.get(port, '/response?channel=poll');
    await held;
    holdfast.publish(STREAM_ITEM);
    await holdfast.close();
    expect(await stream.readUntil('0\r\n\r\n')).toBe('6\r\nhello\n\r\n0\r\n\r\n');
    expect((await poll.readAnswer()).body.toString()).toBe('nothing for now\n');
    await Promise.all([stream.untilClosed(), poll.untilClosed()]);
    expect(holdfast.counters.holds).toEqual({ response: 0, stream: 0, ws: 0 });
    expect(() => holdfast.publish(STREAM_ITEM)).toThrow(expect.objectContaining({ code: 'HOLDFAST_CLOSED' }));
  });

  it('can be closed twice, and nobody can connect afterwards', async () => {
    const holdfast = await createHoldfast({});
    const port = clientPort(holdfast);
    await Promise.all([holdfast.close(), holdfast.close()]);
    await holdfast.close();
    const refused = new Promise((resolve) => connect({ host: '127.0.0.1', port }).on('error', resolve));
    expect(await refused).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each(PULL_ENGINES)('leaves nothing open that would keep a process alive, PULL read by %s', async (engine) => {
    const script = `
      import { createServer } from 'node:http';
      import { once } from 'node:events';
      import { get } from 'node:http';
      import { createHoldfast } from './dist/index.js';
      const origin = createServer((request, response) => {
        response.writeHead(200, request.url === '/plain' ? {} : { 'Grip-Hold': request.url.slice(1), 'Grip-Channel': request.url, 'Grip-Keep-Alive': 'x; timeout=20' });
        response.end('answer');
      });
      origin.listen(0, '127.0.0.1');
      await once(origin, 'listening');
      const holdfast = await createHoldfast({
        routes: ['* 127.0.0.1:' + origin.address().port],
        settings: { zeromq: { pull: ['tcp://127.0.0.1:*'], pullEngine: '${engine}' } },
      });
      const { port } = holdfast.addresses.http[0];
      const agent = false;
      for (const path of ['/plain', '/stream']) {
        const [answer] = await once(get({ host: '127.0.0.1', port, path, agent }), 'response');
        answer.resume();
        answer.on('error', () => {});
        if (path === '/plain') await once(answer, 'end');
      }
      const held = once(holdfast, 'subscribe');
      const poll = get({ host: '127.0.0.1', port, path: '/response', agent });
      await held;
      const answered = once(poll, 'response');
      holdfast.publish({ channel: '/stream', id: 'a', formats: { 'http-stream': { content: 'x' } } });
      await holdfast.close();
      (await answered)[0].resume();
      origin.close();
      origin.closeAllConnections();
      console.log('closed');
    `;
    const child = opened.add(Child.node(['--input-type=module', '-e', script]), (one) => one.stop());
    await child.says(/^closed$/m);
    expect(await child.ended()).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('ends a held stream in order although a SUB socket follows its channel', async () => {
    const holdfast = await opened.holdfast({ settings: { zeromq: { sub: ['tcp://127.0.0.1:*'] } } });
    const client = await opened.get(clientPort(holdfast), '/stream');
    await client.readUntil('[stream opened]\n\r\n');
    await holdfast.close();
    expect(await client.readUntil('0\r\n\r\n')).toBe('0\r\n\r\n');
  });

  it('leaves the fetch of the process that imports it as it was', async () => {
    const script = `
      import './dist/index.js';
      import { createServer } from 'node:http';
      const server = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
        const headers = { 'Content-Length': '2' };
        const answer = await fetch('http://127.0.0.1:' + server.address().port, { method: 'POST', headers, body: 'hi' });
        console.log(await answer.text());
        server.close();
        server.closeAllConnections();
      });`;
    const child = opened.add(Child.node(['--input-type=module', '-e', script]), (one) => one.stop());
    expect(await child.ended()).toMatchObject({ code: 0, stdout: 'ok\n' });
  });

  it('reaches a new subscriber with what is published when it is told of it', async () => {
    const holdfast = await opened.holdfast({});
    holdfast.on('subscribe', (channel) => {
      holdfast.publish({ channel, formats: { 'http-stream': { content: 'welcome\n' } } });
    });
    const client = await opened.get(clientPort(holdfast), '/stream');
    await client.readUntil('welcome\n');
    expect(holdfast.counters.requests).toBe(1);
  });

  it('reads whole bodies for the test target, up to the limit', async () => {
    const holdfast = await opened.holdfast({});
    const post = (length: number): Promise<Response> =>
      fetch(`http://127.0.0.1:${clientPort(holdfast)}/`, { method: 'POST', body: Buffer.alloc(length) });
    expect((await post(20_000)).status).toBe(200);
    const refused = await post(150_000);
    expect([refused.status, await refused.text()]).toEqual([400, 'request too large\n']);
  });
});

/** The steps that are announced on `node:diagnostics_channel`, in their order, and what they say (docs/tracing.md). */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { clientPort, Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { itemFor } from '../support/several.js';
import { StepListener } from '../support/step-listener.js';

describe('steps', () => {
  const opened = new Opened();

  it('of a request that is passed on: the request around the origin’s, with a header that a listener sets', async () => {
    const { port, origin } = await opened.proxied((_request, response) => void response.end('hello'), {});
    const steps = StepListener.on(opened);
    const { subscribe: listen, unsubscribe } = await import('node:diagnostics_channel');
    const set = (message: unknown): void => {
      (message as { setHeader(name: string, value: string): void }).setHeader('traceparent', '00-1-2-01');
    };
    listen('holdfast:origin:start', set);
    opened.add(set, () => unsubscribe('holdfast:origin:start', set));
    const client = await opened.client(port);
    client.write('GET /x?y=1 HTTP/1.1\r\nHost: Example.com\r\nTraceParent: 00-0-0-00\r\nTag: a\r\n\r\n');
    await client.readAnswer();
    await steps.until('request:end');
    expect(steps.names).toEqual(['request:start', 'origin:start', 'origin:head', 'origin:end', 'request:end']);
    const [{ request } = { request: undefined }] = steps.of('request:start');
    expect(request).toMatchObject({
      transport: 'http',
      method: 'GET',
      uri: 'http://example.com/x?y=1',
      peer: '127.0.0.1',
      route: undefined,
    });
    const [{ origin: asked } = { origin: undefined }] = steps.of('origin:start');
    expect(asked?.request).toBe(request);
    expect(asked).toMatchObject({ purpose: 'request', target: origin.target, method: 'GET' });
    expect(steps.of('origin:head')).toEqual([{ origin: asked, code: 200 }]);
    expect(steps.of('origin:end')).toEqual([{ origin: asked, size: 5 }]);
    expect(steps.of('request:end')).toEqual([{ request, end: { kind: 'answered', code: 200, size: 5 } }]);
    // In the place of the client's own.
    const { rawHeaders = [] } = origin.requests[0] ?? {};
    expect(rawHeaders.filter((_, index) => /^traceparent$/i.test(rawHeaders[index - 1] ?? ''))).toEqual(['00-1-2-01']);
  });

  it('of an origin that cannot be reached, and of a client that goes', async () => {
    const { port, origin } = await opened.proxied(() => {});
    const steps = StepListener.on(opened);
    const client = await opened.get(port, '/');
    await origin.request(0);
    client.close();
    await steps.until('request:end');
    expect(steps.of('origin:error')).toMatchObject([{ fault: 'cancelled' }]);
    expect(steps.of('request:end')).toMatchObject([{ end: { kind: 'error' } }]);
    await origin.stop();
    await (await opened.get(port, '/')).readAnswer();
    await steps.until('origin:error', 2);
    expect(steps.of('origin:error')[1]).toMatchObject({ fault: 'connect' });
    expect(steps.of('request:end')[1]).toMatchObject({ end: { kind: 'answered', code: 502 } });
  });

  it('of a stream: the hold follows the request, and an item names the holds it goes out to', async () => {
    const holdfast = await opened.holdfast({ routes: ['*,id=one test'] });
    const port = clientPort(holdfast);
    // One that is not followed: nobody listened when it came.
    const early = await opened.get(port, '/stream?channel=news');
    await early.readUntil('[stream opened]\n\r\n');
    const steps = StepListener.on(opened);
    const client = await opened.get(port, '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    const outcome = holdfast.publish(itemFor('news', 'hello', { id: '7' }));
    expect(outcome).toEqual({ kind: 'sent', receivers: 2 });
    client.close();
    await steps.until('hold:end');
    expect(steps.names).toEqual([
      'request:start',
      'request:end',
      'hold:start',
      'hold:subscribe',
      'publish:start',
      'publish:deliver',
      'publish:end',
      'hold:end',
    ]);
    const [{ hold } = { hold: undefined }] = steps.of('hold:start');
    expect(hold).toMatchObject({ mode: 'stream', request: { route: 'one' } });
    expect(steps.of('hold:subscribe')).toEqual([{ hold, channel: 'news' }]);
    const [{ publish } = { publish: undefined }] = steps.of('publish:start');
    expect(publish).toMatchObject({ channel: 'news', id: '7' });
    expect(steps.of('publish:deliver')).toEqual([{ publish, holds: [hold] }]);
    expect(steps.of('publish:end')).toEqual([{ publish, receivers: 2 }]);
    expect(steps.of('hold:end')).toEqual([{ hold, end: 'gone' }]);
  });

  it('of a long-poll that is asked again: one request with two holds', async () => {
    const { port, holdfast } = await opened.proxied((_request, response) => {
      response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll').end();
    });
    const steps = StepListener.on(opened);
    const client = await opened.get(port, '/');
    await steps.until('hold:start');
    holdfast.publish({ channel: 'poll', formats: { 'http-response': { action: 'hint' } } });
    await steps.until('hold:start', 2);
    holdfast.publish(itemFor('poll', 'done'));
    await client.readAnswer();
    await steps.until('hold:end', 2);
    expect(steps.of('hold:end').map(({ end }) => end)).toEqual(['asked-again', 'answered']);
    expect(steps.of('request:start')).toHaveLength(1);
    expect(new Set(steps.of('hold:start').map(({ hold }) => hold.request)).size).toBe(1);
  });

  it('of WebSockets over HTTP and to origins that speak it', async () => {
    const origin = opened.add(
      await EventsOrigin.start((request) =>
        request.answer(request.events[0] === 'OPEN' ? ['OPEN', subscribe('room')] : ['TEXT m:yes'], GRIP),
      ),
      (one) => one.stop(),
    );
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},over_http`] });
    const steps = StepListener.on(opened);
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/`), (one) => one.terminate());
    const answer = new Promise((resolve) => client.once('message', resolve));
    await new Promise((resolve) => client.once('open', resolve));
    client.send('hi');
    await answer;
    holdfast.publish(itemFor('room', 'x'));
    client.terminate();
    await steps.until('hold:end');
    await steps.until('origin:end', 3);
    expect(steps.of('request:start')).toMatchObject([{ request: { transport: 'ws' } }]);
    expect(steps.of('request:end')).toMatchObject([{ end: { kind: 'accepted' } }]);
    expect(steps.of('origin:start').map(({ origin: asked }) => asked.purpose)).toEqual(['events', 'events', 'events']);
    const [{ hold } = { hold: undefined }] = steps.of('hold:start');
    expect(steps.of('publish:deliver')).toMatchObject([{ holds: [hold] }]);
  });

  it.each(['request:end', 'hold:end', 'origin:head', 'publish:end'] as const)(
    'come to who listens to %s alone',
    async (name) => {
      const { port, holdfast } = await opened.proxied((_request, response) => {
        response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll').end();
      });
      const steps = StepListener.on(opened, [name]);
      const subscribed = new Promise((resolve) => holdfast.once('subscribe', resolve));
      const client = await opened.get(port, '/');
      await subscribed;
      holdfast.publish(itemFor('poll', 'x'));
      await client.readAnswer();
      await steps.until(name);
      expect(new Set(steps.names)).toEqual(new Set([name]));
    },
  );

  it('of a WebSocket say why it ended', async () => {
    const holdfast = await opened.holdfast({
      routes: ['* test'],
      settings: { hold: { outboxBytes: 1_000 }, websocket: { pingInterval: 0.5, pongTimeout: 1 } },
    });
    const steps = StepListener.on(opened, ['hold:end']);
    const url = `ws://127.0.0.1:${clientPort(holdfast)}/ws?channel=room`;
    const open = async (options: object = {}): Promise<WebSocket> => {
      const socket = opened.add(new WebSocket(url, options), (one) => one.terminate());
      await new Promise((resolve) => socket.once('open', resolve));
      return socket;
    };
    await open({ autoPong: false });
    await steps.until('hold:end');
    const slow = await open();
    slow.pause();
    while (holdfast.counters.dropped['outbox-full'] === 0) {
      holdfast.publish(itemFor('room', 'x'.repeat(1_000_000)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    slow.resume();
    await steps.until('hold:end', 2);
    (await open()).close();
    await steps.until('hold:end', 3);
    await open();
    await holdfast.close();
    await steps.until('hold:end', 4);
    expect(steps.of('hold:end').map(({ end }) => end)).toEqual(['gone', 'refused', 'gone', 'shut-down']);
  });

  it('are told of who is kept out by an auth service, too', async () => {
    const auth = await opened.origin((_request, response) => void response.writeHead(403).end());
    const holdfast = await opened.holdfast({ routes: [`*,auth=http://${auth.target}/ test`] });
    const steps = StepListener.on(opened);
    await (await opened.get(clientPort(holdfast), '/')).readAnswer();
    await steps.until('request:end');
    expect(steps.names.filter((name) => name.startsWith('request'))).toEqual(['request:start', 'request:end']);
    expect(steps.of('origin:start')).toMatchObject([
      { origin: { purpose: 'subrequest', uri: expect.stringContaining('http://') } },
    ]);
    expect(steps.of('request:end')).toMatchObject([{ end: { kind: 'answered', code: 403 } }]);
  });
});

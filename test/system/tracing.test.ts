/** Spans of requests, holds and publishes, sent to a receiver that speaks OTLP over HTTP (docs/tracing.md). */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { DeepPartial, Holdfast, Settings } from '../../src/index.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { answering, holding, REFUSING_TARGET, type Script } from '../support/origin.js';
import { itemFor } from '../support/several.js';
import { type ReceivedSpan, SpanReceiver } from '../support/span-receiver.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('tracing', () => {
  const opened = new Opened();

  async function traced(
    script: Script,
    tracing: DeepPartial<Settings>['tracing'] = {},
    routes?: (target: string) => readonly string[],
  ) {
    const receiver = await SpanReceiver.start(opened);
    const origin = await opened.origin(script);
    const holdfast = await opened.holdfast({
      routes: routes?.(origin.target) ?? [`*,id=all ${origin.target}`],
      settings: {
        tracing: { otlpEndpoint: receiver.endpoint, ...tracing },
        hold: { updateOnFirstSubscription: false },
      },
    });
    /** Every span that there was, by name, once Holdfast has closed and sent them. */
    const spans = async (): Promise<Map<string, ReceivedSpan>> => {
      await holdfast.close();
      return new Map(receiver.spans.map((span) => [span.name, span]));
    };
    return { receiver, origin, holdfast, port: clientPort(holdfast), spans };
  }

  it('makes a span of a request, and one below it of what its origin is asked', async () => {
    const { origin, port, receiver, spans } = await traced(answering({}, 'hello'), {
      serviceName: 'edge',
      headers: ['Authorization: Bearer a=b', 'X-Two:2'],
    });
    const client = await opened.client(port);
    client.write('GET /x?y=1 HTTP/1.1\r\nHost: Example.com:80\r\nUser-Agent: me\r\n\r\n');
    await client.readAnswer();
    const all = await spans();
    const request = all.get('GET all');
    const asked = all.get('GET');
    expect(all.size).toBe(2);
    expect(request).toMatchObject({ kind: 'server', parentId: '', failed: false });
    expect(request?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.full': 'http://example.com:80/x?y=1',
      'url.scheme': 'http',
      'url.path': '/x',
      'url.query': 'y=1',
      'server.address': 'example.com',
      'server.port': 80,
      'network.protocol.name': 'http',
      'client.address': '127.0.0.1',
      'http.route': 'all',
      'user_agent.original': 'me',
      'holdfast.request.end': 'answered',
      'http.response.status_code': 200,
      'http.response.body.size': 5,
    });
    expect(asked).toMatchObject({ kind: 'client', parentId: request?.spanId, traceId: request?.traceId });
    expect(asked?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.full': 'http://example.com:80/x?y=1',
      'server.address': '127.0.0.1',
      'server.port': origin.port,
      'holdfast.origin.target': origin.target,
      'holdfast.origin.purpose': 'request',
      'http.response.status_code': 200,
      'http.response.body.size': 5,
    });
    expect(origin.requests[0]?.headers.traceparent).toBe(`00-${request?.traceId}-${asked?.spanId}-01`);
    expect(request?.resource).toMatchObject({ 'service.name': 'edge', 'process.pid': process.pid });
    expect(receiver.requests[0]).toMatchObject({
      url: '/v1/traces',
      headers: { authorization: 'Bearer a=b', 'x-two': '2', 'content-type': 'application/json' },
    });
  });

  it('goes on with the trace of a client, and takes the place of its headers', async () => {
    const { origin, port, spans } = await traced(answering({}));
    const headers = [`TraceParent: 00-${TRACE}-${PARENT}-01`, 'tracestate: a=1', 'Tracestate: b=2'];
    await (await opened.get(port, '/', ...headers)).readAnswer();
    const all = await spans();
    expect(all.get('GET all')).toMatchObject({ traceId: TRACE, parentId: PARENT });
    const { rawHeaders = [] } = origin.requests[0] ?? {};
    const sent = (name: string): string[] => rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === name);
    expect(sent('traceparent')).toEqual([`00-${TRACE}-${all.get('GET')?.spanId}-01`]);
    expect(sent('tracestate')).toEqual(['a=1,b=2']);
  });

  it.each([
    ['malformed', ['traceparent: 00-0-0-01', 'tracestate: a=1']],
    ['there twice', [`traceparent: 00-${TRACE}-${PARENT}-01`, `traceparent: 00-${TRACE}-${PARENT}-01`]],
  ])('begins a trace of its own where that of the client is %s', async (_what, headers) => {
    const { origin, port, spans } = await traced(answering({}));
    await (await opened.get(port, '/', ...headers)).readAnswer();
    const all = await spans();
    expect(all.get('GET all')?.parentId).toBe('');
    expect(all.get('GET all')?.traceId).not.toBe(TRACE);
    expect(origin.requests[0]?.headers.traceparent).toBe(
      `00-${all.get('GET all')?.traceId}-${all.get('GET')?.spanId}-01`,
    );
    expect(origin.requests[0]?.headers.tracestate).toBeUndefined();
  });

  it('keeps nothing of a trace that its client does not keep, and passes it on', async () => {
    const { origin, port, holdfast, spans } = await traced(holding('stream', 'news'));
    const traceparent = `00-${TRACE}-${PARENT}-00`;
    const client = await opened.get(port, '/', `traceparent: ${traceparent}`, 'tracestate: a=1');
    await client.readUntil('\r\n\r\n');
    expect(origin.requests[0]?.headers).toMatchObject({ traceparent, tracestate: 'a=1' });
    holdfast.publish(itemFor('news', 'hello'));
    await client.readUntil('hello\n');
    client.close();
    const all = await spans();
    // The publish is in nobody's trace.
    expect([...all.keys()]).toEqual(['publish']);
    expect(all.get('publish')?.links).toEqual([]);
  });

  it('keeps no trace that begins here with a ratio of 0, and tells the origin so', async () => {
    const { origin, port, holdfast, spans } = await traced(holding('stream', 'news'), { sampleRatio: 0 });
    const client = await opened.get(port, '/');
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('news', 'hello'));
    await (await opened.get(port, '/', `traceparent: 00-${TRACE}-${PARENT}-01`)).readUntil('\r\n\r\n');
    const all = await spans();
    expect(origin.requests[0]?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    // Those of the second request, whose client keeps them.
    expect([...all.keys()].sort()).toEqual(['GET', 'GET all', 'hold stream']);
    expect([...all.values()].every(({ traceId }) => traceId === TRACE)).toBe(true);
  });

  it('makes a span of a hold, with its channels, and links publishes to it', async () => {
    const { port, holdfast, spans } = await traced(
      (_request, response) => void response.writeHead(200, { 'Grip-Hold': 'stream', 'Grip-Channel': 'a, b' }).end(),
    );
    const client = await opened.get(port, '/');
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('b', 'hello', { id: '7' }));
    await client.readUntil('hello\n');
    const all = await spans();
    const hold = all.get('hold stream');
    expect(hold).toMatchObject({ kind: 'internal', parentId: all.get('GET all')?.spanId, failed: false });
    expect(hold?.attributes).toEqual({ 'holdfast.hold.mode': 'stream', 'holdfast.hold.end': 'shut-down' });
    expect(hold?.events).toEqual(
      ['a', 'b'].map((channel) => ({ name: 'subscribe', attributes: { 'holdfast.channel': channel } })),
    );
    expect(all.get('GET all')?.attributes).toMatchObject({ 'holdfast.request.end': 'accepted' });
    const publish = all.get('publish');
    expect(publish).toMatchObject({ kind: 'producer', parentId: '', links: [hold?.spanId] });
    expect(publish?.attributes).toEqual({
      'messaging.system': 'holdfast',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'b',
      'messaging.message.id': '7',
      'holdfast.publish.receivers': 1,
      'holdfast.publish.traced_holds': 1,
    });
    expect(publish?.traceId).not.toBe(hold?.traceId);
  });

  it('has one request with two holds for a long-poll that is asked again', async () => {
    const { port, holdfast, receiver, spans } = await traced(holding('response', 'poll'));
    const client = await opened.get(port, '/');
    await receiver.one('GET all');
    holdfast.publish({ channel: 'poll', formats: { 'http-response': { action: 'hint' } } });
    await receiver.named('hold response');
    await receiver.named('GET', 2);
    holdfast.publish(itemFor('poll', 'done'));
    await client.readAnswer();
    await spans();
    const [request, ...others] = await receiver.named('GET all');
    const below = (await receiver.named('GET', 2)).concat(await receiver.named('hold response', 2));
    expect(others).toEqual([]);
    expect(below.map(({ parentId }) => parentId)).toEqual(Array(4).fill(request?.spanId));
    expect((await receiver.named('hold response', 2)).map((hold) => hold.attributes['holdfast.hold.end'])).toEqual([
      'asked-again',
      'answered',
    ]);
  });

  it('has the events of a WebSocket over HTTP below the request that opened it', async () => {
    const receiver = await SpanReceiver.start(opened);
    const origin = opened.add(
      await EventsOrigin.start((request) =>
        request.answer(request.events[0] === 'OPEN' ? ['OPEN', subscribe('room')] : ['TEXT m:yes'], GRIP),
      ),
      (one) => one.stop(),
    );
    const holdfast = await opened.holdfast({
      routes: [`* ${origin.target},over_http`],
      settings: { tracing: { otlpEndpoint: receiver.endpoint } },
    });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/`, { headers }), (one) =>
      one.terminate(),
    );
    const answer = new Promise((resolve) => client.once('message', resolve));
    await new Promise((resolve) => client.once('open', resolve));
    client.send('hi');
    await answer;
    client.terminate();
    await receiver.one('hold ws');
    await receiver.named('POST', 3);
    const request = await receiver.one('GET');
    expect(request).toMatchObject({ kind: 'server', traceId: TRACE, parentId: PARENT });
    expect(request.attributes).toMatchObject({ 'network.protocol.name': 'websocket', 'url.scheme': 'ws' });
    const events = await receiver.named('POST', 3);
    expect(events.map(({ parentId }) => parentId)).toEqual(Array(3).fill(request.spanId));
    expect(events.map(({ attributes }) => attributes['holdfast.origin.purpose'])).toEqual(Array(3).fill('events'));
    expect(origin.requests.map((one) => one.header('traceparent')).sort()).toEqual(
      events.map(({ spanId }) => `00-${TRACE}-${spanId}-01`).sort(),
    );
    expect((await receiver.one('hold ws')).parentId).toBe(request.spanId);
  });

  it('has a failed span for each origin that cannot be reached, and for its request', async () => {
    const { port, receiver, spans } = await traced(
      (_request, response) => void response.writeHead(503).end(),
      {},
      (target) => [`* ${REFUSING_TARGET} ${target}`],
    );
    await (await opened.get(port, '/')).readAnswer();
    await spans();
    const clients = receiver.spans.filter(({ kind }) => kind === 'client');
    expect(clients.map(({ failed, attributes }) => [failed, attributes['error.type']])).toEqual([
      [true, 'connect'],
      [true, '503'],
    ]);
    const [server] = receiver.spans.filter(({ kind }) => kind === 'server');
    expect(server).toMatchObject({ failed: true, attributes: { 'error.type': '503' } });
  });

  it('ends the span of a request whose client goes, or that Holdfast does not live to see answered', async () => {
    const { port, origin, receiver, spans } = await traced(() => {});
    const gone = await opened.get(port, '/gone');
    await origin.request(0);
    gone.close();
    const [first] = await receiver.named('GET all');
    expect(first).toMatchObject({ failed: true, attributes: { 'error.type': 'aborted', 'url.path': '/gone' } });
    await opened.get(port, '/waits');
    await origin.request(1);
    await spans();
    expect((await receiver.named('GET all', 2))[1]?.attributes).toMatchObject({ 'url.path': '/waits' });
    expect((await receiver.named('GET', 2)).map(({ attributes }) => attributes['error.type'])).toEqual([
      'cancelled',
      'cancelled',
    ]);
  });

  async function publishOver(holdfast: Holdfast, path: string, traceparent: string): Promise<void> {
    const response = await fetch(`${controlUri(holdfast)}${path}`, {
      method: 'POST',
      headers: { traceparent },
      body: JSON.stringify({ items: [itemFor('news', 'hello')] }),
    });
    expect(response.status).toBe(200);
    await response.text();
  }

  it.each(['/publish', '/publish?report=1'])('goes on with the trace of a publisher at %s', async (path) => {
    const { port, holdfast, spans, receiver } = await traced(holding('stream', 'news'));
    await (await opened.get(port, '/')).readUntil('\r\n\r\n');
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-01`);
    // Junk is no trace.
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-01-more`);
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-00`);
    const all = await spans();
    const publishes = receiver.spans.filter(({ name }) => name === 'publish');
    expect(publishes).toHaveLength(2);
    expect(publishes[0]).toMatchObject({ traceId: TRACE, parentId: PARENT, links: [all.get('hold stream')?.spanId] });
    expect(publishes[1]?.parentId).toBe('');
    expect(publishes[1]?.traceId).not.toBe(TRACE);
  });

  it('has a span of its own for an item that had to wait for another', async () => {
    const { port, holdfast, spans, receiver } = await traced(holding('stream', 'news'));
    const client = await opened.get(port, '/');
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('news', 'one', { id: '1' }));
    holdfast.publish(itemFor('news', 'three', { id: '3', 'prev-id': '2' }));
    holdfast.publish(itemFor('news', 'two', { id: '2', 'prev-id': '1' }));
    await client.readUntil('three\n');
    const all = await spans();
    const third = receiver.spans.find(
      ({ name, attributes }) => name === 'publish' && attributes['messaging.message.id'] === '3',
    );
    expect(third?.links).toEqual([]);
    expect(third?.attributes).not.toHaveProperty('holdfast.publish.receivers');
    expect(all.get('deliver')).toMatchObject({
      parentId: third?.spanId,
      links: [all.get('hold stream')?.spanId],
      attributes: { 'messaging.message.id': '3' },
    });
  });

  it('links a publish to 128 holds at most, and tells how many there are', async () => {
    const { port, holdfast, spans } = await traced(holding('stream', 'news'));
    const clients = await Promise.all(Array.from({ length: 130 }, () => opened.get(port, '/')));
    for (const client of clients) await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('news', 'hello'));
    const publish = (await spans()).get('publish');
    expect(new Set(publish?.links).size).toBe(128);
    expect(publish?.attributes['holdfast.publish.traced_holds']).toBe(130);
  });
});

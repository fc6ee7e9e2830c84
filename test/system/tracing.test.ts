/** Spans of requests, origin requests and holds, sent to a receiver that speaks OTLP over HTTP (docs/tracing.md). */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { clientPort, Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { answering, holding, REFUSING_TARGET } from '../support/origin.js';
import { itemFor } from '../support/several.js';
import { SpanReceiver } from '../support/span-receiver.js';
import { PARENT, TRACE, traced } from '../support/traced.js';
import { WebSocketOriginServer } from '../support/websocket-origin.js';

describe('tracing', () => {
  const opened = new Opened();

  it('makes a span of a request, and one below it of what its origin is asked', async () => {
    const { origin, port, receiver, spans } = await traced(opened, answering({}, 'hello'), {
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
    const { origin, port, spans } = await traced(opened, answering({}));
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
    ['as it is', ['a=1, b=2', 'c@d=3'], 'a=1,b=2,c@d=3'],
    ['without what is none', ['a=1,=,B,b=2'], 'a=1,b=2'],
    ['not at all when it is junk', ['é'], undefined],
    ['not at all when it is endless', Array.from({ length: 33 }, (_, index) => `k${index}=1`), undefined],
  ])('sends a tracestate %s', async (_what, values, expected) => {
    const { origin, port } = await traced(opened, answering({}));
    const lines = values.map((value) => `tracestate: ${value}`);
    await (await opened.get(port, '/', `traceparent: 00-${TRACE}-${PARENT}-01`, ...lines)).readAnswer();
    expect(origin.requests[0]?.headers.tracestate).toBe(expected);
  });

  it('cuts what is long, and names no span after a method that it does not know', async () => {
    const { port, spans } = await traced(opened, answering({}));
    const client = await opened.client(port);
    client.write(`BREW /${'x'.repeat(6_000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readAnswer();
    const { attributes } = (await spans()).get('HTTP all') ?? expect.fail();
    expect(attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'BREW',
      'url.full': `http://a/${'x'.repeat(4_096 - 'http://a/'.length)}`,
    });
  });

  it.each([
    ['malformed', ['traceparent: 00-0-0-01', 'tracestate: a=1']],
    ['there twice', [`traceparent: 00-${TRACE}-${PARENT}-01`, `traceparent: 00-${TRACE}-${PARENT}-01`]],
  ])('begins a trace of its own where that of the client is %s', async (_what, headers) => {
    const { origin, port, spans } = await traced(opened, answering({}));
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
    const { origin, port, holdfast, spans } = await traced(opened, holding('stream', 'news'));
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
    const { origin, port, holdfast, spans } = await traced(opened, holding('stream', 'news'), { sampleRatio: 0 });
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

  it('has one request with two holds for a long-poll that is asked again', async () => {
    const { port, holdfast, receiver, spans } = await traced(opened, holding('response', 'poll'));
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

  it('names the place in the trace in a handshake for a WebSocket', async () => {
    const receiver = await SpanReceiver.start(opened);
    const origin = opened.add(await WebSocketOriginServer.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({
      routes: [`*,no_grip ${origin.target}`],
      settings: { tracing: { otlpEndpoint: receiver.endpoint } },
    });
    opened.add(origin, (one) => one.stop());
    const headers = { TraceParent: `00-${TRACE}-${PARENT}-01` };
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/chat`, { headers }), (one) =>
      one.terminate(),
    );
    await new Promise((resolve) => client.once('open', resolve));
    const { request } = await origin.side();
    client.terminate();
    const spans = await receiver.named('GET', 2);
    const [asked] = spans.filter(({ kind }) => kind === 'client');
    expect(asked?.attributes).toMatchObject({
      'holdfast.origin.purpose': 'handshake',
      'url.full': `ws://127.0.0.1:${clientPort(holdfast)}/chat`,
      'http.response.status_code': 101,
    });
    expect(request.headers.traceparent).toBe(`00-${TRACE}-${asked?.spanId}-01`);
    expect(await receiver.one('hold ws')).toMatchObject({ attributes: { 'holdfast.hold.end': 'gone' } });
  });

  it('has what is asked for a client, and not by it, in its trace, whether that is kept or not', async () => {
    const { origin, port, receiver, spans } = await traced(opened, (request, response) => {
      if (request.url === '/') response.setHeader('Grip-Link', '</more>; rel=next');
      response.end('page');
    });
    await (await opened.get(port, '/', `traceparent: 00-${TRACE}-${PARENT}-01`)).readAnswer();
    await (await opened.get(port, '/', `traceparent: 00-${TRACE}-${PARENT}-00`)).readAnswer();
    const all = await spans();
    const clients = receiver.spans.filter(({ kind }) => kind === 'client');
    expect(clients.map(({ attributes }) => attributes['holdfast.origin.purpose'])).toEqual(['request', 'subrequest']);
    expect(clients.map(({ parentId }) => parentId)).toEqual(Array(2).fill(all.get('GET all')?.spanId));
    expect(origin.requests.map(({ headers }) => headers.traceparent)).toEqual([
      ...clients.map(({ spanId }) => `00-${TRACE}-${spanId}-01`),
      ...Array(2).fill(`00-${TRACE}-${PARENT}-00`),
    ]);
  });

  it('has a failed span for each origin that cannot be reached, and for its request', async () => {
    const { port, receiver, spans } = await traced(
      opened,
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
    const { port, origin, receiver, spans } = await traced(opened, () => {});
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
});

/** How a WebSocket-over-HTTP connection opens: the request with OPEN, the 101, refusals and failures (spec 10.2 to 10.4). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { GRIP, opening } from '../support/events-origin.js';
import { REFUSING_TARGET } from '../support/origin.js';
import { frame } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

const FAILED = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 32\r\n\r\nError while proxying to origin.\n';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('the request that opens', () => {
  const opened = new Opened();

  it('is a POST of OPEN to the same path and query, with the headers in the documented order', async () => {
    const stage = await Stage.set(opened, opening(), { settings: { proxy: { sigIss: 'me', sigKey: 'secret' } } });
    const client = await stage.knock('/chat?room=1', 'X-Of-Client: 1', 'Cookie: a=b');
    await client.readUntil('\r\n\r\n');
    const request = await stage.origin.request(0);
    expect([request.method, request.url, request.body.toString()]).toEqual(['POST', '/chat?room=1', 'OPEN\r\n']);
    // Names have no case on the wire; what the connection between us and the origin needs is not part of the order.
    const names = request.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    expect(names.filter((name) => name !== 'connection')).toEqual([
      'host',
      'sec-websocket-version',
      'sec-websocket-key',
      'x-of-client',
      'cookie',
      'grip-feature',
      'sec-websocket-extensions',
      'grip-sig',
      'accept',
      'connection-id',
      'content-type',
      'content-length',
    ]);
    expect(request.header('Host')).toBe('example.com');
    expect(request.header('Sec-WebSocket-Extensions')).toBe('grip');
    expect(request.header('Accept')).toBe('application/websocket-events');
    expect(request.header('Content-Type')).toBe('application/websocket-events');
    expect(request.header('Connection-Id')).toMatch(UUID);
    expect(request.header('Content-Length')).toBe('6');
  });

  it('leaves out what the client may not say to the origin', async () => {
    const stage = await Stage.set(opened, opening());
    const forged = {
      Accept: 'text/html',
      'Connection-Id': 'forged',
      'Content-Bytes-Replayed': '7',
      'Grip-Sig': 'forged',
      'Meta-User': 'root',
      'Sec-WebSocket-Extensions': 'permessage-deflate',
    };
    await stage.open('/chat', forged);
    const request = await stage.origin.request(0);
    expect(request.rawHeaders).not.toContain('forged');
    expect(request.header('Meta-User')).toBe('');
    expect(request.header('Content-Bytes-Replayed')).toBe('');
    expect(request.header('Accept')).toBe('application/websocket-events');
    expect(request.header('Sec-WebSocket-Extensions')).toBe('grip');
    expect(request.header('Upgrade')).toBe('');
  });

  it('says nothing of GRIP where the route has none', async () => {
    const stage = await Stage.set(opened, opening(), { condition: '*,no_grip' });
    await stage.open();
    const { rawHeaders } = await stage.origin.request(0);
    expect(rawHeaders.filter((name) => /^grip-|^sec-websocket-extensions$/i.test(name))).toEqual([]);
  });

  it('keeps its connection id for all requests of a connection, and no two connections share one', async () => {
    const stage = await Stage.set(opened, opening());
    const one = await stage.open();
    one.socket.send('x');
    await stage.origin.request(1);
    await stage.open();
    await stage.origin.request(2);
    const [first, second, third] = stage.origin.requests.map((request) => request.header('Connection-Id'));
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
});

describe('the 101', () => {
  const opened = new Opened();

  it("carries the origin's headers without those that are for the proxy", async () => {
    const stage = await Stage.set(
      opened,
      opening([], {
        ...GRIP,
        'Content-Bytes-Accepted': '0',
        'Keep-Alive-Interval': '30',
        'Sec-WebSocket-Protocol': 'chat',
        'Set-Cookie': 'a=b',
        'Set-Meta-User': 'alice',
        'X-Of-Origin': '1',
      }),
    );
    const client = await stage.knock();
    expect(await client.readUntil('\r\n\r\n')).toBe(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Sec-WebSocket-Protocol: chat',
        'Set-Cookie: a=b',
        'X-Of-Origin: 1',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        '',
        '',
      ].join('\r\n'),
    );
  });

  it('is followed by the events that came with it', async () => {
    const stage = await Stage.set(opened, opening(['TEXT at once', 'BINARY \x01\x02', 'PING p', 'TEXT']));
    const client = await stage.open();
    await client.sees(4);
    expect(client.heard).toEqual(['text at once', 'binary \x01\x02', 'ping p', 'text ']);
  });

  it('waits for a keep-alive when the origin takes its time', async () => {
    const stage = await Stage.set(opened);
    const client = stage.client();
    (await stage.origin.request(0)).answer([], { 'Keep-Alive-Interval': '25', 'Set-Meta-User': 'alice' });
    await stage.clock.awaited();
    stage.clock.advance(24_900);
    expect([stage.holdfast.counters.originRequests, client.seen]).toEqual([1, []]);
    stage.clock.advance(200);
    const second = await stage.origin.request(1);
    expect([second.events, second.header('Meta-User')]).toEqual([['OPEN'], 'alice']);
    second.answer();
    await stage.clock.awaited();
    stage.clock.advance(25_100);
    (await stage.origin.request(2)).answer(['OPEN', 'TEXT at last']);
    expect(await client.sees(1)).toBe('text at last');
  });

  it('is followed by what the client sent before it', async () => {
    const stage = await Stage.set(opened);
    const client = await stage.knock();
    const request = await stage.origin.request(0);
    client.write(Buffer.concat([frame('text', 'too '), frame('text', 'early')]));
    request.answer(['OPEN']);
    await client.readUntil('\r\n\r\n');
    const heard: string[] = [];
    for (let index = 1; heard.length < 2; index += 1) {
      const next = await stage.origin.request(index);
      heard.push(...next.events);
      next.answer();
    }
    expect(heard).toEqual(['TEXT too ', 'TEXT early']);
  });
});

describe('a client that goes before it is answered', () => {
  const opened = new Opened();

  it.each(['breaks off', 'ends'])('is reported with DISCONNECT once the origin has opened: it %s', async (how) => {
    const stage = await Stage.set(opened);
    const client = await stage.knock();
    const request = await stage.origin.request(0);
    if (how === 'ends') client.socket.end();
    else client.socket.resetAndDestroy();
    await stage.settled(() => stage.holdfast.counters.openConnections === 0);
    request.answer(['OPEN']);
    expect((await stage.origin.request(1)).events).toEqual(['DISCONNECT']);
    (await stage.origin.request(1)).answer();
    expect(await stage.farewells()).toBe(1);
  });

  it('is reported between two polls of an origin that takes its time', async () => {
    const stage = await Stage.set(opened);
    const client = await stage.knock();
    (await stage.origin.request(0)).answer([], { 'Keep-Alive-Interval': '20' });
    await stage.clock.awaited();
    client.close();
    const last = await stage.origin.request(1);
    expect(last.events).toEqual(['DISCONNECT']);
    last.answer();
    stage.clock.advance(60_000);
    expect(stage.clock.pending).toBe(0);
    expect(await stage.farewells()).toBe(1);
  });

  it('is not mentioned to an origin that refuses it', async () => {
    const stage = await Stage.set(opened);
    const client = await stage.knock();
    const request = await stage.origin.request(0);
    client.close();
    await stage.settled(() => stage.holdfast.counters.openConnections === 0);
    request.reply(403, {});
    expect(await stage.farewells()).toBe(0);
  });
});

describe('an origin that does not open', () => {
  const opened = new Opened();

  it.each([
    [403, 'Forbidden', 'text/plain'],
    [200, 'OK', 'text/html'],
    [200, 'OK', 'application/websocket-events; charset=utf-8'],
    [200, 'OK', 'Application/WebSocket-Events'],
  ])('refuses with %i %s of type %s, which reaches the client', async (status, reason, type) => {
    const stage = await Stage.set(opened, (request) => {
      request.reply(status, { 'Content-Type': type, 'X-Why': '1', Upgrade: 'h2c' }, 'not you\n');
    });
    const client = await stage.knock();
    const { head, body } = await client.readAnswer();
    expect(head.split('\r\n')[0]).toBe(`HTTP/1.1 ${status} ${reason}`);
    expect(head).toContain(`\r\nContent-Type: ${type}\r\nX-Why: 1\r\n`);
    expect(head).not.toMatch(/upgrade/i);
    expect(body.toString()).toBe('not you\n');
    await client.untilClosed();
    expect(await stage.farewells()).toBe(0);
  });

  it('refuses without a body where there can be none', async () => {
    const stage = await Stage.set(opened, (request) => request.reply(204, { 'X-Why': '1' }));
    const client = await stage.knock();
    expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 204 No Content\r\nX-Why: 1\r\n\r\n');
    await client.untilClosed();
  });

  it('has the body of its refusal cut', async () => {
    const stage = await Stage.set(opened, (request) => request.reply(500, {}, 'x'.repeat(100_001)));
    const client = await stage.knock();
    const { status, body } = await client.readAnswer();
    expect([status, body.length]).toEqual([500, 100_000]);
  });

  it('leaves no connection behind when its client goes', async () => {
    const stage = await Stage.set(opened, (request) => request.reply(403, {}, 'no'));
    const client = await stage.knock();
    await client.readAnswer();
    client.close();
    await stage.settled(() => stage.holdfast.counters.openConnections === 0);
    expect(stage.holdfast.counters.openConnections).toBe(0);
  });

  it.each([
    ['nothing', []],
    ['another event first', ['TEXT early', 'OPEN']],
    ['a type line without an end', [Buffer.from('OPEN')]],
    ['a size that is no number', [Buffer.from('OPEN\r\nTEXT zz\r\nhello\r\n')]],
  ])('makes a 502 with %s', async (_what, events) => {
    const stage = await Stage.set(opened, (request) => request.answer(events));
    const client = await stage.knock();
    expect(await client.readAsLongAs(FAILED)).toBe(FAILED);
    await client.untilClosed();
    expect([await stage.farewells(), stage.origin.requests.length]).toEqual([0, 1]);
  });

  it('makes a 502 when it cannot be reached, and is not tried again', async () => {
    const stage = await Stage.set(opened);
    await stage.origin.stop();
    const client = await stage.knock();
    expect(await client.readAsLongAs(FAILED)).toBe(FAILED);
    expect([stage.holdfast.counters.originRequests, stage.clock.pending]).toEqual([1, 0]);
  });

  it('leaves it to the next target when it cannot be reached', async () => {
    const stage = await Stage.set(opened, opening(['TEXT here']), { condition: `* ${REFUSING_TARGET},over_http` });
    const client = await stage.open();
    expect(await client.sees(1)).toBe('text here');
  });

  it('makes a 502 when it breaks off', async () => {
    const stage = await Stage.set(opened, (request) => request.reset());
    const client = await stage.knock();
    expect(await client.readAsLongAs(FAILED)).toBe(FAILED);
  });
});

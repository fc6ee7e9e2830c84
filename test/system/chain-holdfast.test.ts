/** Holdfast behind Holdfast (spec 12.1 to 12.3): the outermost that is trusted holds, and the one behind it passes on. */
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { CHAIN_KEY, chainOf, INNER_KEY, itemFor, SIGNING, TRUSTING } from '../support/chain.js';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { EventsOrigin, GRIP, opening, subscribe } from '../support/events-origin.js';
import { answering, holding } from '../support/origin.js';
import { EventsClient } from '../support/websocket-client.js';

const HEARD = { kind: 'sent', receivers: 1 };
const UNHEARD = { kind: 'sent', receivers: 0 };
const POLL = { 'Content-Type': 'text/plain', 'Grip-Hold': 'response', 'Grip-Channel': 'news' };

describe('behind a proxy it trusts', () => {
  const opened = new Opened();

  it('a stream is held at the outer one alone, and only what is published there arrives', async () => {
    const origin = await opened.origin(holding('stream', 'news', 'open\n'));
    const { outer, inner, port } = await chainOf(opened, { target: origin.target });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(port, '/');
    await ready;
    expect(await client.readUntil('open\n')).not.toContain('Grip-');
    expect([outer.counters.holds.stream, inner.counters.holds.stream]).toEqual([1, 0]);
    // The inner one has nothing under way any more: it has answered, and its answer had an end.
    expect(inner.counters.requests).toBe(1);
    expect(inner.publish(itemFor('news', 'from inside\n'))).toEqual(UNHEARD);
    expect(outer.publish(itemFor('news', 'from outside\n'))).toEqual(HEARD);
    const chunk = 'd\r\nfrom outside\n\r\n';
    await client.readUntil('\r\n');
    expect(await client.readAsLongAs(chunk)).toBe(chunk);
  });

  it('the origin is signed to by the outer one, and told of GRIP once', async () => {
    const origin = await opened.origin(answering({}, 'plain'));
    const { port } = await chainOf(opened, { target: origin.target });
    const client = await opened.get(port, '/', 'Grip-Sig: forged', 'Grip-Feature: forged', 'Grip-Last: a; last-id=b');
    expect((await client.readAnswer()).body.toString()).toBe('plain');
    const names = (origin.requests[0]?.rawHeaders ?? [])
      .filter((_one, at) => at % 2 === 0)
      .map((name) => name.toLowerCase());
    expect(names.filter((name) => name.startsWith('grip-'))).toEqual(['grip-sig', 'grip-feature']);
    const token = String(origin.requests[0]?.headers['grip-sig']);
    const { payload } = await jwtVerify(token, Buffer.from(CHAIN_KEY));
    expect(payload.iss).toBe('pushpin');
    await expect(jwtVerify(token, Buffer.from(INNER_KEY))).rejects.toThrow('signature verification failed');
  });

  it('a long poll is held at the outer one alone, and answered by what is published there', async () => {
    const origin = await opened.origin(answering(POLL, 'nothing new'));
    const { outer, inner, port } = await chainOf(opened, { target: origin.target });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(port, '/');
    await ready;
    expect([outer.counters.holds.response, inner.counters.holds.response]).toEqual([1, 0]);
    expect(inner.publish(itemFor('news', 'from inside'))).toEqual(UNHEARD);
    expect(outer.publish(itemFor('news', 'from outside'))).toEqual(HEARD);
    const { head, body } = await client.readAnswer();
    expect(body.toString()).toBe('from outside');
    expect(head).not.toContain('Grip-');
  });

  it('a long poll that is asked for again says through both what it has seen last', async () => {
    const origin = await opened.origin(answering({ ...POLL, 'Grip-Channel': 'news; prev-id=a' }, 'nothing new'));
    const { outer, port } = await chainOf(opened, { target: origin.target });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(port, '/poll?since=1');
    await ready;
    origin.script = answering({}, 'fresh');
    // An id that does not follow on the one the client has: something was missed, and the origin is asked.
    const item = { channel: 'news', id: 'c', 'prev-id': 'b', formats: { 'http-response': { body: 'too new' } } };
    outer.publish({ ...item, 'no-seq': true });
    expect((await client.readAnswer()).body.toString()).toBe('fresh');
    const again = await origin.request(1);
    expect([again.url, again.headers['grip-last']]).toEqual(['/poll?since=1', 'news; last-id=a']);
  });

  it('a JSON instruct reaches the outer one as the origin wrote it', async () => {
    const instruct = { hold: { mode: 'stream', channels: [{ name: 'news' }] }, response: { body: 'open\n' } };
    const origin = await opened.origin(
      answering({ 'Content-Type': 'application/grip-instruct' }, JSON.stringify(instruct)),
    );
    const { outer, inner, port } = await chainOf(opened, { target: origin.target });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(port, '/');
    await ready;
    expect(await client.readUntil('open\n')).not.toContain('instruct');
    expect([outer.counters.holds.stream, inner.counters.holds.stream]).toEqual([1, 0]);
  });

  it('next links are followed by the outer one, through the inner one, to the last page', async () => {
    const page = (text: string, links: Readonly<Record<string, string>>) => answering(links, text);
    const origin = await opened.origin((request, response) => {
      const script =
        request.url === '/'
          ? page('one\n', { 'Grip-Link': '</two>; rel=next; timeout=100' })
          : page('two\n', { 'Grip-Hold': 'stream', 'Grip-Channel': 'news' });
      return script(request, response);
    });
    const { outer, inner, port } = await chainOf(opened, { target: origin.target });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('one\n');
    await client.readUntil('two\n');
    expect(origin.requests.map(({ url }) => url)).toEqual(['/', '/two']);
    expect(inner.counters.holds.stream).toBe(0);
    await expect(
      jwtVerify(String(origin.requests[1]?.headers['grip-sig']), Buffer.from(CHAIN_KEY)),
    ).resolves.toBeDefined();
  });

  it('a WebSocket over HTTP is the outer one’s affair, which hears of GRIP through the inner one', async () => {
    const origin = opened.add(
      await EventsOrigin.start(opening(['TEXT m:hello', subscribe('news'), 'TEXT unprefixed'], GRIP)),
      (one) => one.stop(),
    );
    const { outer, inner, port } = await chainOf(opened, { target: origin.target, properties: ',over_http' });
    const client = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    expect(await client.sees(1)).toBe('text hello');
    expect([outer.counters.holds.ws, inner.counters.holds.ws]).toEqual([1, 0]);
    expect(inner.publish(itemFor('news', 'from inside'))).toEqual(UNHEARD);
    expect(outer.publish(itemFor('news', 'from outside'))).toEqual(HEARD);
    expect(await client.sees(2)).toBe('text from outside');
    client.socket.send('from the client');
    const request = await origin.request(1);
    expect(request.events).toEqual(['TEXT from the client']);
    expect(request.header('sec-websocket-extensions')).toBe('grip');
    await expect(jwtVerify(request.header('grip-sig'), Buffer.from(CHAIN_KEY))).resolves.toBeDefined();
    client.socket.close(4_002, 'bye');
    expect((await origin.request(2)).events).toEqual(['CLOSE 4002 bye']);
    expect(await client.ended()).toBe('close 4002 bye');
    expect(client.heard.slice(0, 2)).toEqual(['text hello', 'text from outside']);
  });

  it('a proxy that is itself trusted passes on whose signature it got, so that the outermost of three holds', async () => {
    const origin = await opened.origin(holding('stream', 'news', 'open\n'));
    const innermost = await chainOf(opened, { target: origin.target });
    const middle = await opened.holdfast({
      routes: [`* 127.0.0.1:${clientPort(innermost.inner)}`],
      settings: TRUSTING,
    });
    const outermost = await opened.holdfast({ routes: [`* 127.0.0.1:${clientPort(middle)}`], settings: SIGNING });
    const ready = subscribed(outermost, 'news');
    const client = await opened.get(clientPort(outermost), '/');
    await ready;
    await client.readUntil('open\n');
    const held = [outermost, middle, innermost.inner].map(({ counters }) => counters.holds.stream);
    expect(held).toEqual([1, 0, 0]);
    await expect(
      jwtVerify(String(origin.requests[0]?.headers['grip-sig']), Buffer.from(CHAIN_KEY)),
    ).resolves.toBeDefined();
  });

  it('a route of the outer one without GRIP leaves the hold to the inner one', async () => {
    const origin = await opened.origin(holding('stream', 'news', 'open\n'));
    const inner = await opened.holdfast({ routes: [`* ${origin.target}`], settings: TRUSTING });
    const outer = await opened.holdfast({ routes: [`*,no_grip 127.0.0.1:${clientPort(inner)}`], settings: SIGNING });
    const ready = subscribed(inner, 'news');
    const client = await opened.get(clientPort(outer), '/');
    await ready;
    // The outer one does not sign on such a route, so that the inner one has nobody to trust, and holds.
    expect(await client.readUntil('open\n')).not.toContain('Grip-');
    expect([outer.counters.holds.stream, inner.counters.holds.stream]).toEqual([0, 1]);
  });
});

describe.each([
  ['with another key', 'some other key'],
  ['without a signature', ''],
])('behind a proxy %s', (_what, key) => {
  const opened = new Opened();

  it('a stream is held at the inner one, and the outer one passes it on as it comes', async () => {
    const origin = await opened.origin(holding('stream', 'news', 'open\n'));
    const { outer, inner, port } = await chainOf(opened, { target: origin.target, key });
    const ready = subscribed(inner, 'news');
    const client = await opened.get(port, '/');
    await ready;
    expect(await client.readUntil('open\n')).not.toContain('Grip-');
    expect([outer.counters.holds.stream, inner.counters.holds.stream]).toEqual([0, 1]);
    expect(outer.publish(itemFor('news', 'from outside\n'))).toEqual(UNHEARD);
    expect(inner.publish(itemFor('news', 'from inside\n'))).toEqual(HEARD);
    expect(await client.readUntil('from inside\n')).not.toContain('from outside');
    await expect(
      jwtVerify(String(origin.requests[0]?.headers['grip-sig']), Buffer.from(INNER_KEY)),
    ).resolves.toBeDefined();
  });

  it('a long poll is held at the inner one, and its answer passed on', async () => {
    const origin = await opened.origin(answering(POLL, 'nothing new'));
    const { outer, inner, port } = await chainOf(opened, { target: origin.target, key });
    const ready = subscribed(inner, 'news');
    const client = await opened.get(port, '/');
    await ready;
    expect([outer.counters.holds.response, inner.counters.holds.response]).toEqual([0, 1]);
    expect(outer.publish(itemFor('news', 'from outside'))).toEqual(UNHEARD);
    expect(inner.publish(itemFor('news', 'from inside'))).toEqual(HEARD);
    expect((await client.readAnswer()).body.toString()).toBe('from inside');
  });

  it('a WebSocket over HTTP does not get through to an origin that would take it for trusted', async () => {
    const origin = opened.add(await EventsOrigin.start(opening([subscribe('news')], GRIP)), (one) => one.stop());
    const { outer, port } = await chainOf(opened, { target: origin.target, key, properties: ',over_http' });
    const client = await opened.get(
      port,
      '/chat',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    );
    expect((await client.readAnswer()).status).toBe(403);
    expect(origin.requests).toEqual([]);
    expect(outer.counters.holds.ws).toBe(0);
  });
});

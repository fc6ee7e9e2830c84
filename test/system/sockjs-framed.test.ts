/** SockJS on WebSockets (spec 13): frames with arrays of messages, and the raw one without any. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { type EventsScript, encode, opening, opensOnly } from '../support/events-origin.js';
import { SockjsStage } from '../support/sockjs-stage.js';
import { closeFrame, closing, EventsClient, frame } from '../support/websocket-client.js';
import type { StageOptions } from '../support/websocket-stage.js';

const FRAMED = '/echo/000/abc/websocket';

describe('SockJS in the frames of a WebSocket', () => {
  const opened = new Opened();

  const set = (script?: EventsScript, options?: StageOptions) => SockjsStage.set(opened, script, options);

  it.each([FRAMED, '/echo//abc/anything', '/echo/000/abc/websocket?a=b'])(
    'opens at %s, and is a WebSocket of its own at the origin',
    async (target) => {
      const { stage, origin } = await set();
      const client = await stage.open(target);
      expect(await client.sees(1)).toBe('text o');
      const { url, events } = await origin.request(0);
      expect([url, events]).toEqual([`/echo/websocket${target.includes('?') ? '?a=b' : ''}`, ['OPEN']]);
    },
  );

  it('is one to another path where the route says so', async () => {
    const { stage, origin } = await set(opening(), { condition: '*,sockjs=/echo,sockjs_as_path=/chat' });
    await stage.open(FRAMED);
    await stage.open('/echo/websocket?a=b');
    expect((await origin.request(0)).url).toBe('/chat');
    expect((await origin.request(1)).url).toBe('/chat?a=b');
  });

  it('may be open many times with one id, and beside a session that polls', async () => {
    const one = await set();
    await one.open();
    const { stage, sockjs } = one;
    const first = await stage.open(FRAMED);
    const second = await stage.open(FRAMED);
    expect([await first.sees(1), await second.sees(1)]).toEqual(['text o', 'text o']);
    expect(await sockjs.post('/echo/000/abc/xhr_send', '[]')).toContain('ok');
  });

  it('brings the 101 and the first frame as bytes of RFC 6455', async () => {
    const { stage } = await set(opening(['TEXT hi']));
    const client = await stage.knock(FRAMED);
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/);
    expect(await client.readAsLongAs('\x81\x01o\x81\x07a["hi"]')).toBe('\x81\x01o\x81\x07a["hi"]');
  });

  it('carries each message of the origin in a frame, as text, and no pings', async () => {
    const bytes = Buffer.from('BINARY 3\r\na\xff\0\r\n', 'latin1');
    const { stage } = await set(opening(['TEXT one', 'PING p', bytes, 'PONG p', encode('TEXT "two"'), 'TEXT ']));
    const client = await stage.open(FRAMED);
    await client.sees(5);
    expect(client.heard).toEqual([
      'text o',
      'text a["one"]',
      'text a["a\xef\xbf\xbd\\u0000"]',
      'text a["\\"two\\""]',
      'text a[""]',
    ]);
  });

  it('takes arrays of messages, in text and binary frames', async () => {
    const { stage, origin } = await set();
    const client = await stage.open(FRAMED);
    client.socket.send('["a","b"]');
    expect((await origin.request(1)).events).toEqual(['TEXT a', 'TEXT b']);
    client.socket.send('[]');
    client.socket.send(Buffer.from(' ["c"]'));
    expect((await origin.request(2)).events).toEqual(['TEXT c']);
  });

  it.each(['', 'x', '"a"', '{}', '[1]', '["a",1]', '["a"'])('breaks off when it gets %j', async (message) => {
    const { stage, origin } = await set();
    const client = await stage.open(FRAMED);
    client.socket.send(message);
    client.socket.send('["not taken any more"]');
    expect(await client.ended()).toBe('close 1006');
    expect((await origin.request(1)).events).toEqual(['DISCONNECT']);
    expect(stage.holdfast.counters).toMatchObject({ badRequests: 1, holds: { ws: 0 } });
  });

  it('answers a ping itself, and does not show it to the origin', async () => {
    const { stage, origin } = await set();
    const client = await stage.open(FRAMED);
    client.socket.ping('are you');
    client.socket.pong('unasked');
    expect(await client.sees(2)).toBe('pong are you');
    client.socket.send('["x"]');
    expect((await origin.request(1)).events).toEqual(['TEXT x']);
  });

  it('closes with the codes of WebSocket, on either side', async () => {
    const { stage, origin } = await set(opensOnly);
    const first = await stage.open(FRAMED);
    first.socket.close(4005, 'me');
    const told = await origin.request(1);
    expect(told.events).toEqual(['CLOSE 4005 me']);
    told.answer(['CLOSE 4005 me']);
    expect(await first.ended()).toBe('close 4005 me');
    const second = await stage.open(FRAMED);
    second.socket.send('["x"]');
    (await origin.request(3)).answer(['TEXT last', 'CLOSE 4001 so long']);
    expect(await second.ended()).toBe('close 4001 so long');
    expect(second.heard).toEqual(['text o', 'text a["last"]', 'close 4001 so long']);
    expect((await origin.request(4)).events).toEqual(['CLOSE 4001 so long']);
  });

  it('says nothing behind its close', async () => {
    const { stage, origin, clock } = await set(opensOnly);
    const client = await stage.knock(FRAMED);
    await client.readUntil('\x81\x01o');
    client.write(frame('text', '["x"]'));
    (await origin.request(1)).answer(['CLOSE 4001 so long']);
    const last = closeFrame(4001, 'so long');
    expect(await client.readAsLongAs(last)).toBe(last);
    clock.advance(4_900);
    client.write(frame('close', closing(4001, 'so long')));
    await client.untilClosed();
    expect(client.pending).toBe('');
  });

  it('is broken off when its origin breaks off', async () => {
    const { stage, origin } = await set(opensOnly);
    const client = await stage.open(FRAMED);
    client.socket.send('["x"]');
    (await origin.request(1)).answer(['DISCONNECT']);
    expect(await client.ended()).toBe('close 1006');
  });

  it('lets its client know every 25 seconds that it lives, whatever else is said', async () => {
    const { stage, clock, origin } = await set(opensOnly);
    const client = await stage.open(FRAMED);
    await client.sees(1);
    clock.advance(20_000);
    client.socket.send('["x"]');
    (await origin.request(1)).answer(['TEXT y']);
    expect(await client.sees(2)).toBe('text a["y"]');
    clock.advance(4_900);
    expect(client.heard).toHaveLength(2);
    clock.advance(200);
    expect(await client.sees(3)).toBe('text h');
    clock.advance(25_100);
    expect(await client.sees(4)).toBe('text h');
    client.socket.terminate();
    await stage.abandoned();
    clock.advance(600_000);
    expect(clock.pending).toBe(0);
  });

  it('answers as the origin does when it is refused', async () => {
    const { stage } = await set((request) => request.reply(403, { 'X-Why': '1' }, 'not you\n'));
    const client = await stage.knock(FRAMED);
    await client.untilClosed();
    expect(client.pending).toContain('HTTP/1.1 403 Forbidden\r\nX-Why: 1\r\n');
    expect(client.pending).toContain('not you\n');
  });

  it('is not there without an origin', async () => {
    const { stage, origin } = await set();
    await origin.stop();
    const client = await stage.knock(FRAMED);
    await client.untilClosed();
    const failure = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 32\r\n\r\nError while proxying to origin.\n';
    expect(client.pending).toBe(failure);
  });

  it('goes to the built-in echo as well', async () => {
    const holdfast = await opened.holdfast({ routes: ['*,sockjs=/echo,sockjs_as_path=/ws test'] });
    const client = opened.add(new EventsClient(clientPort(holdfast), FRAMED), ({ socket }) => socket.terminate());
    await client.sees(1);
    client.socket.send('["a","b"]');
    await client.sees(3);
    expect(client.heard).toEqual(['text o', 'text a["a"]', 'text a["b"]']);
  });
});

describe('the raw WebSocket of SockJS', () => {
  const opened = new Opened();

  it('is an ordinary one to the SockJS path', async () => {
    const { stage, origin, clock } = await SockjsStage.set(opened, opening(['TEXT one', 'PING p']));
    const client = await stage.open('/echo/websocket?a=b');
    expect((await origin.request(0)).url).toBe('/echo/websocket?a=b');
    client.socket.send('not JSON');
    expect((await origin.request(1)).events).toEqual(['TEXT not JSON']);
    clock.advance(25_100);
    client.socket.ping('q');
    expect((await origin.request(2)).events).toEqual(['PING q']);
    expect(client.heard).toEqual(['text one', 'ping p']);
  });
});

/** WebSockets with a ZHTTP worker: opening, messages and windows both ways, GRIP, and every end (specification 9.5, 9.8). */
import { describe, expect, it } from 'vitest';
import { parseItemJson } from '../../../src/protocol/item-json.js';
import { Opened } from '../../support/closing.js';
import { turnUntil } from '../../support/deadline.js';
import { RecordingUplink } from '../../support/recording-uplink.js';
import { StepListener } from '../../support/step-listener.js';
import { closeFrame, frame } from '../../support/websocket-client.js';
import { ZhttpStage } from '../../support/zhttp-stage.js';

const GENERIC = 'Error while proxying to origin.\n';

describe('the opening of a WebSocket', () => {
  const opened = new Opened();

  it('is one packet with the handshake, and 101 accepts it', async () => {
    const stage = await ZhttpStage.start(opened, { condition: '*' });
    const worker = await stage.worker();
    const client = await stage.knock('/chat?a=b', 'Sec-WebSocket-Protocol: x, y', 'Sec-WebSocket-Extensions: other');
    const session = await worker.session();
    expect(session.first).toEqual({
      from: 'proxy_1-test',
      id: session.id,
      seq: 0,
      uri: 'ws://example.com/chat?a=b',
      headers: [
        ['Host', 'example.com'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ['Sec-WebSocket-Protocol', 'x, y'],
        ['Grip-Sig', expect.any(String)],
        ['Grip-Feature', expect.any(String)],
        ['Sec-WebSocket-Extensions', 'grip'],
      ],
      'router-resp': true,
      credits: 200_000,
      'ignore-policies': true,
      ext: { multi: true },
    });
    const headers = [
      ['X-Worker', 'yes'],
      ['Sec-WebSocket-Protocol', 'y'],
      ['Content-Length', '7'],
    ];
    await session.send({ code: 101, reason: 'Sure', headers, credits: 200_000 });
    expect(await client.readUntil('\r\n\r\n')).toBe(
      'HTTP/1.1 101 Sure\r\nX-Worker: yes\r\nSec-WebSocket-Protocol: y\r\nUpgrade: websocket\r\n' +
        'Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
  });

  it.each([',ssl', ''])('names the scheme of the target, with the option “%s”', async (properties) => {
    const stage = await ZhttpStage.start(opened, { properties });
    const worker = await stage.worker();
    await stage.knock('/chat');
    const scheme = properties === '' ? 'ws' : 'wss';
    expect((await worker.session()).first.uri).toBe(`${scheme}://example.com/chat`);
  });

  it('may be refused with an answer, which the client gets', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.knock();
    const headers = [['X-Why', 'so']];
    const session = await worker.session();
    await session.send({ type: 'error', condition: 'rejected', code: 403, reason: 'No', headers, body: 'go away' });
    const expected = 'HTTP/1.1 403 No\r\nX-Why: so\r\nContent-Length: 7\r\n\r\ngo away';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('has as much of a refusal as the limit allows', async () => {
    const stage = await ZhttpStage.start(opened, { settings: { websocket: { maxRejectBytes: 10 } } });
    const worker = await stage.worker();
    const client = await stage.knock();
    await (await worker.session()).send({ type: 'error', condition: 'rejected', code: 403, body: 'x'.repeat(50) });
    const { head, body } = await client.readAnswer();
    expect([body.toString(), head]).toEqual(['x'.repeat(10), expect.stringContaining('Content-Length: 10\r\n')]);
  });

  it.each([
    ['an error without an answer', { type: 'error', condition: 'rejected' }],
    ['another error', { type: 'error', condition: 'bad-request' }],
    ['a status that is none', { type: 'error', condition: 'rejected', code: 42 }],
    ['cancel', { type: 'cancel' }],
    ['a head that is no 101', { code: 200, headers: [] }],
    ['a message before the 101', { body: 'hi' }],
    ['a ping before the 101', { type: 'ping' }],
    ['an extension that nobody offered', { code: 101, headers: [['Sec-WebSocket-Extensions', 'permessage-deflate']] }],
    ['a protocol that nobody offered', { code: 101, headers: [['Sec-WebSocket-Protocol', 'z']] }],
  ])('is answered 502 after %s', async (_what, fields) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.knock();
    await (await worker.session()).send(fields);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, GENERIC]);
    await stage.empty();
  });

  it.each(['remote-connection-failed', 'connection-timeout', 'tls-error'])(
    'goes on to the next target after %s',
    async (condition) => {
      const stage = await ZhttpStage.start(opened, { properties: ' test' });
      const worker = await stage.worker();
      const client = stage.webSocket('/ws');
      await (await worker.session()).send({ type: 'error', condition });
      expect(await client.sees(0)).toBe('open');
    },
  );

  it('is answered 502 at once without a worker, and after a minute when the worker is silent', async () => {
    const stage = await ZhttpStage.start(opened);
    expect((await (await stage.knock()).readAnswer()).body.toString()).toBe(GENERIC);
    const worker = await stage.worker();
    const client = await stage.knock();
    await worker.session();
    stage.clock.advance(61_000);
    expect((await client.readAnswer()).body.toString()).toBe('Error: zhttp service for route is unreachable.\n');
    expect(stage.counters.originResults).toMatchObject({ timeout: 1, unreachable: 0 });
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
  });

  it('that the client gives up is cancelled as soon as the worker speaks', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.knock();
    const session = await worker.session();
    client.close();
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
    await session.send({ code: 101, headers: [] });
    await session.gets('cancel');
    await stage.empty();
  });

  it('that the client gives up behind the worker’s 101 is cancelled, and announced as what it was', async () => {
    // Nothing is said to the client before its channel is open.
    const uplink = new RecordingUplink();
    const stage = await ZhttpStage.start(opened, { properties: ',sub=all', uplink });
    const steps = StepListener.on(opened);
    const worker = await stage.worker();
    const client = await stage.knock();
    const session = await worker.session();
    await session.send({ code: 101, headers: [] });
    await turnUntil('the opening of the channel', () => uplink.calls.includes('open all'));
    client.close();
    await session.gets('cancel');
    await steps.until('request:end');
    const names = ['origin:start', 'origin:head', 'origin:end', 'request:end'];
    expect(steps.names.filter((name) => /^(origin:|request:end)/.test(name))).toEqual(names);
  });
});

describe('messages of a WebSocket', () => {
  const opened = new Opened();

  it('go both ways, with pings and pongs', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    expect(stage.counters.zhttpSessions).toBe(1);
    await session.send({ body: 'text' });
    await session.send({ 'content-type': 'binary', body: Buffer.from([0, 255]) });
    await session.send({ 'content-type': 'text', body: 'one ', more: true });
    await session.send({ type: 'ping', body: 'between' });
    await session.send({ body: 'two ', more: true });
    await session.send({ body: 'three' });
    await session.send({ type: 'pong' });
    await session.send({});
    await client.sees(6);
    expect(client.heard).toEqual([
      'text text',
      'binary \0\xff',
      'ping between',
      'text one two three',
      'pong ',
      'text ',
    ]);
    client.socket.send('hello');
    client.socket.send(Buffer.from([1, 2]));
    client.socket.ping('p');
    client.socket.pong('q');
    client.socket.send('');
    const said = (): unknown[] => session.packets.filter(({ type }) => type !== 'credit' && type !== 'keep-alive');
    await session.until('all of it', () => said().length === 5);
    const own = { from: 'proxy_1-test', id: session.id, seq: expect.any(Number) };
    expect(said()).toEqual([
      { ...own, 'content-type': 'text', body: 'hello' },
      { ...own, 'content-type': 'binary', body: '\x01\x02' },
      { ...own, type: 'ping', body: 'p' },
      { ...own, type: 'pong', body: 'q' },
      { ...own, 'content-type': 'text' },
    ]);
    expect(session.packets.map(({ seq }) => seq)).toEqual(session.packets.map((_, at) => at + 1));
    await session.until('the credits', () => session.credits === 4 + 2 + 4 + 7 + 4 + 5);
  });

  it('that come before the client has its 101 are not lost', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = stage.webSocket();
    const session = await worker.session();
    await session.send({ code: 101, headers: [], credits: 200_000 });
    await session.send({ body: 'early' });
    await session.send({ type: 'close', code: 4001, body: 'done' });
    expect(await client.ended()).toBe('close 4001 done');
    expect(client.heard[0]).toBe('text early');
    await stage.empty();
  });

  it('of the client wait for credits, and are cut to fit them', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = stage.webSocket();
    const session = await worker.session();
    await session.send({ code: 101, headers: [], credits: 4 });
    await client.sees(0);
    client.socket.send('0123456789');
    client.socket.ping('pinging');
    client.socket.send('last');
    await session.until('the first part', () => session.of('data').length === 1);
    await session.send({ type: 'credit', credits: 6 });
    await session.until('the second part', () => session.of('data').length === 2);
    // Six bytes are not enough for a ping of seven.
    await session.send({ type: 'credit', credits: 6 });
    await session.send({ type: 'credit', credits: 5 });
    await session.until('the last', () => session.of('data').length === 3);
    const seen = session.packets.map(({ type = 'data', body, more }) => [type, body, more]).filter(([, body]) => body);
    expect(seen).toEqual([
      ['data', '0123', true],
      ['data', '456789', undefined],
      ['ping', 'pinging', undefined],
      ['data', 'last', undefined],
    ]);
  });

  it('of a client make it wait when the worker takes none', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = stage.webSocket();
    const session = await worker.session();
    await session.send({ code: 101, headers: [] });
    await client.sees(0);
    const message = 'x'.repeat(100_000);
    const count = 300;
    for (let sent = 0; sent < count; sent += 1) client.socket.send(message);
    let before = -1;
    while (before !== client.socket.bufferedAmount) {
      before = client.socket.bufferedAmount;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(before).toBeGreaterThan(0);
    await session.send({ type: 'credit', credits: count * message.length });
    await session.until('all messages', () => session.of('data').filter(({ more }) => more !== true).length === count);
    expect(session.of('data').reduce((sum, { body }) => sum + String(body).length, 0)).toBe(count * message.length);
  });

  it.each([
    ['whole', 0],
    ['in a fragment and an empty end', 1],
    ['in more fragments than a window takes', 10],
  ])('of the worker, %s, make it wait when the client takes none', async (_what, fragments) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.pause();
    const left = 200_000;
    let sent = 0;
    let inMessage = 0;
    const piece = 'x'.repeat(50_000);
    const message = piece.repeat(fragments || 1);
    const size = 30_000_000;
    const send = async (): Promise<void> => {
      sent += piece.length;
      inMessage += 1;
      await session.send({ body: piece, more: fragments > 0 });
      if (inMessage < fragments) return;
      inMessage = 0;
      if (fragments > 0) await session.send({});
    };
    for (let idle = 0; sent < size && idle < 200; idle += 1) {
      if (left + session.credits - sent < piece.length) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      idle = 0;
      await send();
    }
    expect(sent).toBeLessThan(size);
    client.socket.resume();
    while (sent < size) {
      await session.until('credits', () => left + session.credits - sent >= piece.length);
      await send();
    }
    await client.sees(size / message.length);
    expect(client.heard.every((text) => text === `text ${message}`)).toBe(true);
    expect(stage.log.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('in a great many fragments may wait for the client like any others of their size', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.pause();
    // The client's window is full, and so is the system's.
    let sent = 0;
    for (let idle = 0; idle < 200; idle += 1) {
      if (sent - session.credits > 100_000) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      idle = 0;
      sent += 50_000;
      await session.send({ body: 'x'.repeat(50_000) });
    }
    for (let count = 0; count < 30_000; count += 1) await session.send({ body: 'y', more: true });
    await session.send({});
    client.socket.resume();
    await turnUntil('the message', () => client.heard.at(-1)?.startsWith('text y') === true);
    expect(client.heard.at(-1)).toBe(`text ${'y'.repeat(30_000)}`);
  });

  it('may be longer than a window, in parts', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    const part = 'y'.repeat(100_000);
    for (let count = 1; count <= 6; count += 1) {
      await session.send({ body: part, more: true });
      await session.until('the credits', () => session.credits === count * part.length);
    }
    await session.send({ body: 'end' });
    expect(await client.sees(1)).toBe(`text ${part.repeat(6)}end`);
  });

  it.each([
    ['are too long', [{ body: 'x'.repeat(600), more: true }, { body: 'x'.repeat(600) }], 1009],
    ['are text that is no UTF-8', [{ body: Buffer.from([0xc3, 0x28]) }], 1007],
    ['are a ping that is too long', [{ type: 'ping', body: 'x'.repeat(126) }], 1002],
  ])('that %s end it', async (_what, packets, code) => {
    const stage = await ZhttpStage.start(opened, { settings: { websocket: { maxRelayedMessageBytes: 1_000 } } });
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    for (const packet of packets) await session.send(packet);
    expect(await client.ended()).toBe('close 1006');
    expect(await session.gets('close')).toMatchObject({ code });
    await session.gets('cancel');
    await stage.empty();
  });

  it('that cost nothing may not pile up without end', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.pause();
    // The client's window is full, and so is the system's.
    let sent = 0;
    for (let idle = 0; idle < 200; idle += 1) {
      if (sent - session.credits > 100_000) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      idle = 0;
      sent += 50_000;
      await session.send({ body: 'x'.repeat(50_000) });
    }
    for (let count = 0; count < 20_100; count += 1) await session.send({});
    await session.gets('cancel');
    await stage.empty();
  });
});

describe('GRIP over a WebSocket with a worker', () => {
  const opened = new Opened();

  it('subscribes, takes the prefix off, and passes on what is published', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker, ['Sec-WebSocket-Extensions', 'grip; message-prefix="p:"']);
    await session.send({ body: 'c:{"type":"subscribe","channel":"news"}' });
    await session.send({ body: 'p:ready' });
    await session.send({ body: 'not for the client' });
    expect(await client.sees(1)).toBe('text ready');
    stage.hub.publish(parseItemJson({ channel: 'news', formats: { 'ws-message': { content: 'published' } } }));
    expect(await client.sees(2)).toBe('text published');
    // Detached, it listens on without its worker.
    await session.send({ body: 'c:{"type":"detach"}' });
    await session.gets('close');
    await session.send({ type: 'close' });
    await stage.empty();
    stage.hub.publish(parseItemJson({ channel: 'news', formats: { 'ws-message': { content: 'again' } } }));
    expect(await client.sees(3)).toBe('text again');
  });
});

describe('the end of a WebSocket', () => {
  const opened = new Opened();

  it.each([
    [4000, 'why'],
    [1000, ''],
  ])('by the client reaches the worker with its code %i, and its answer the client', async (code, reason) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.close(code, reason);
    const close = await session.gets('close');
    expect([close.code, close.body ?? '']).toEqual([code, reason]);
    await session.send({ type: 'close', code, ...(reason === '' ? {} : { body: reason }) });
    expect(await client.ended()).toBe(`close ${code} ${reason}`.trimEnd());
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('by the worker reaches the client behind its last words, and the answer the worker', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    await session.send({ body: 'last words' });
    await session.send({ type: 'close', code: 4001, body: 'done' });
    expect(await client.ended()).toBe('close 4001 done');
    expect(client.heard[0]).toBe('text last words');
    expect(await session.gets('close')).toMatchObject({ code: 4001 });
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('by the worker without a code closes the client with 1000', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    await session.send({ type: 'close' });
    expect(await client.ended()).toBe('close 1000');
  });

  it('by the worker is answered though the client’s messages wait for credits', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.knock();
    const session = await worker.session();
    await session.send({ code: 101, headers: [] });
    await client.readUntil('\r\n\r\n');
    client.write(frame('text', 'waits'));
    await session.send({ type: 'close', code: 4001, body: 'done' });
    expect(await client.readAsLongAs(closeFrame(4001, 'done'))).toBe(closeFrame(4001, 'done'));
    client.write(frame('close', Buffer.from([0x0f, 0xa1])));
    await session.gets('close');
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('that the worker does not answer comes after five seconds', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.close(4000);
    await session.gets('close');
    stage.clock.advance(6_000);
    await client.ended();
    await session.gets('cancel');
    await stage.empty();
  });

  it.each([
    ['cancels', { type: 'cancel' }],
    ['reports an error', { type: 'error', condition: 'disconnected' }],
    ['skips a number', { seq: 9, body: 'x' }],
  ])('comes without a close when the worker %s', async (_what, fields) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    await session.send(fields);
    expect(await client.ended()).toBe('close 1006');
    await stage.empty();
  });

  it('comes without a close when the worker is silent for a minute, or its sockets are gone', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client } = await stage.accepted(worker);
    stage.clock.advance(61_000);
    expect(await client.ended()).toBe('close 1006');
    const second = await stage.accepted(worker);
    worker.die();
    expect(await second.client.ended()).toBe('close 1006');
    await stage.empty();
  });

  it('by a client that breaks off is a cancel', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    client.socket.terminate();
    await session.gets('cancel');
    await stage.empty();
  });

  it('by a publish reaches both', async () => {
    const stage = await ZhttpStage.start(opened, { properties: ',sub=all' });
    const worker = await stage.worker();
    const { client, session } = await stage.accepted(worker);
    stage.hub.publish(parseItemJson({ channel: 'all', formats: { 'ws-message': { action: 'close', code: 4002 } } }));
    expect(await client.ended()).toBe('close 4002');
    await session.gets('close');
    await session.send({ type: 'close' });
    await stage.empty();
  });
});

/** HTTP requests to a ZHTTP worker: what it is sent, and how its answer reaches the client (specification 9.2, 9.4). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../../support/closing.js';
import { ZhttpStage } from '../../support/zhttp-stage.js';

const CHUNKED = 'HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a request to a zhttp target', () => {
  const opened = new Opened();

  it('begins with one packet that says everything, and more is streamed through as it comes', async () => {
    const stage = await ZhttpStage.start(opened, { condition: '*,no_grip' });
    const worker = await stage.worker();
    const client = await stage.get('/path?a=b', 'X-Some: thing');
    const session = await worker.session();
    expect(session.first).toEqual({
      from: 'proxy_1-test',
      id: session.id,
      seq: 0,
      method: 'GET',
      uri: 'http://example.com/path?a=b',
      headers: [
        ['Host', 'example.com'],
        ['X-Some', 'thing'],
      ],
      stream: true,
      'router-resp': true,
      credits: 200_000,
      'ignore-policies': true,
      ext: { multi: true },
    });
    await session.head([['X-Worker', 'yes']]);
    expect(await client.readUntil('\r\n\r\n')).toBe(CHUNKED.replace('OK\r\n', 'OK\r\nX-Worker: yes\r\n'));
    expect(await session.gets('keep-alive')).toMatchObject({ seq: 1, from: 'proxy_1-test' });
    for (const part of ['one\n', 'two\n']) {
      await session.send({ body: part, more: true });
      expect(await client.readAsLongAs(`4\r\n${part}\r\n`)).toBe(`4\r\n${part}\r\n`);
    }
    await session.until('the credits', () => session.credits === 8);
    await session.send({ body: 'end' });
    expect(await client.readUntil('0\r\n\r\n')).toBe('3\r\nend\r\n0\r\n\r\n');
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('is told of the options of its target', async () => {
    const stage = await ZhttpStage.start(opened, {
      properties: ',ssl,untrusted,trust_connect_host,insecure,host=other.example:81',
    });
    const worker = await stage.worker();
    await stage.get('/x');
    const { first } = await worker.session();
    expect(first).toMatchObject({
      uri: 'https://other.example:81/x',
      'trust-connect-host': true,
      'ignore-tls-errors': true,
    });
    expect(first).not.toHaveProperty('ignore-policies');
  });

  it('may be answered on the way back, over ROUTER', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.answer({ code: 203, reason: 'Maybe', headers: [], more: true });
    await session.answer({ body: 'routed' });
    expect(await client.readAnswer()).toMatchObject({ status: 203, body: Buffer.from('routed') });
    await stage.empty();
  });

  it('has its answer whole when that comes in one packet, whatever length is announced', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    for (const length of ['5', '3', '50', 'abc']) {
      const client = await stage.get('/x');
      const headers = [['Content-Length', length]] as const;
      await (await worker.session()).send({ code: 200, reason: 'OK', headers, body: 'hello' });
      const expected = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
      expect(await client.readAsLongAs(expected)).toBe(expected);
    }
  });

  it('has the length that is announced where it is kept to', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([['Content-Length', '6']]);
    await client.readUntil('Content-Length: 6\r\n\r\n');
    await session.send({ body: 'abc', more: true });
    await session.send({ body: 'def' });
    expect(await client.readAsLongAs('abcdef')).toBe('abcdef');
    client.write('GET /again HTTP/1.1\r\nHost: example.com\r\n\r\n');
    expect((await worker.session()).first.uri).toBe('http://example.com/again');
  });

  it.each([
    ['more', 'abcdefgh', true, ''],
    ['less', 'abc', false, 'abc'],
  ])('ends broken off when %s comes than was announced', async (_what, body, more, shown) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([['Content-Length', '6']]);
    await client.readUntil('Content-Length: 6\r\n\r\n');
    if (shown !== '') {
      await session.send({ body, more: true });
      await client.readUntil(shown);
      await session.send({});
    } else {
      await session.send({ body, more });
    }
    await client.untilClosed();
    expect(client.pending).toBe('');
    await session.gets('cancel');
    await stage.empty();
  });

  it.each([['3', '3'] as const, ['x', undefined] as const])(
    'with HEAD has no body, and the length that is announced: %s',
    async (announced, seen) => {
      const stage = await ZhttpStage.start(opened);
      const worker = await stage.worker();
      const client = await stage.send('HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n');
      await (await worker.session()).send({ code: 200, headers: [['Content-Length', announced]], body: 'abc' });
      const { head } = await client.readAnswer(true);
      expect(/^Content-Length: (.*)\r$/m.exec(head)?.[1]).toBe(seen);
      await (await worker.session()).send({ code: 200, headers: [], body: 'second' });
      expect((await client.readAnswer()).body.toString()).toBe('second');
    },
  );

  it.each([204, 304])('has no body with status %i, though the worker sends one', async (code) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.send({ code, headers: [], body: 'abc', more: true });
    await session.send({ body: 'def' });
    await client.readAnswer();
    client.write('GET /again HTTP/1.1\r\nHost: example.com\r\n\r\n');
    await (await worker.session()).send({ code: 200, headers: [], body: 'second' });
    expect((await client.readAnswer()).body.toString()).toBe('second');
  });

  it.each([[{ code: 101 }], [{ code: 99 }], [{ code: 1000 }], [{ body: 'no head' }]])(
    'is answered 502 when its first packet is no head: %j',
    async (fields) => {
      const stage = await ZhttpStage.start(opened);
      const worker = await stage.worker();
      const client = await stage.get('/x');
      const session = await worker.session();
      await session.send({ ...fields, more: true });
      expect((await client.readAnswer()).status).toBe(502);
      await session.gets('cancel');
      await stage.empty();
    },
  );

  it('is held by GRIP headers, and the session with the worker is over then', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    expect(session.first.headers).toContainEqual(['Grip-Feature', expect.any(String)]);
    await session.head([
      ['Grip-Hold', 'stream'],
      ['Grip-Channel', 'news'],
    ]);
    await session.send({ body: 'welcome\n' });
    await client.readUntil('welcome\n\r\n');
    await stage.empty();
    expect(stage.counters.holds.stream).toBe(1);
  });

  it('over_http carries WebSockets, as it does over HTTP', async () => {
    const stage = await ZhttpStage.start(opened, { properties: ',over_http' });
    const worker = await stage.worker();
    const client = stage.webSocket();
    const session = await worker.session();
    expect(session.first).toMatchObject({ method: 'POST', body: 'OPEN\r\n' });
    await session.head([['Content-Type', 'application/websocket-events']]);
    await session.send({ body: 'OPEN\r\nTEXT 5\r\nhello\r\n' });
    expect(await client.sees(1)).toBe('text hello');
    await stage.empty();
  });
});

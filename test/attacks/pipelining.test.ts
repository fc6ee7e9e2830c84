/**
 * Requests that come before the one in front of them is answered: each is answered once, in order, after what it waits
 * for, and however many there are the process does not pay for more than one packet of them.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AttackStage, chunk, early, INVALID_TOKEN, OK_ANSWER } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import { keptBytes } from '../support/memory.js';
import type { RawClient } from '../support/raw-client.js';
import { OK, type RawRequest, responseHold } from '../support/raw-origin.js';

const LAST_CHUNK = '0\r\n\r\n';
const BUSY = early('Failed to process request: an upgrade cannot follow requests that are not answered yet.', '1.1');

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: example.com\r\n\r\n`;
}

async function expectBytes(client: RawClient, expected: string): Promise<void> {
  expect(await client.readAsLongAs(expected)).toBe(expected);
}

describe.each(PARSERS)('pipelined requests (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('behind half a handshake are not answered, and harm nobody', async () => {
    const stage = await AttackStage.start(opened);
    const half = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n';
    const { text } = await stage.untilEnd(`${half}${get('/')}`.repeat(2));
    expect(text.match(/^HTTP/gm)).toHaveLength(1);
    await stage.undisturbed();
  });

  it.each([2, 50, 5_000])('are answered in order when %i come in one packet', async (count) => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    const targets = Array.from({ length: count }, (_, index) => `/${index}`);
    for (const target of targets) stage.origin.reply(target, OK.replace('ok', target.slice(-2).padStart(2, '0')));
    client.write(targets.map(get).join(''));
    await expectBytes(
      client,
      targets.map((target) => OK_ANSWER.replace('ok', target.slice(-2).padStart(2, '0'))).join(''),
    );
    expect(stage.forwarded).toEqual(targets.map((target) => `GET ${target}`));
    await stage.undisturbed();
  });

  it('are answered in order when they have bodies, in whatever portions they come', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    const bytes = Array.from({ length: 40 }, (_, index) => {
      const body = 'x'.repeat(index * 7);
      return `POST /${index} HTTP/1.1\r\nHost: example.com\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    }).join('');
    for (let at = 0; at < bytes.length; at += 997) client.write(bytes.slice(at, at + 997));
    await expectBytes(client, OK_ANSWER.repeat(40));
    expect(stage.forwarded).toEqual(Array.from({ length: 40 }, (_, index) => `POST /${index}`));
    expect(stage.origin.requests.slice(1).map(({ body }) => body.length)).toEqual(
      Array.from({ length: 40 }, (_, index) => index * 7),
    );
  });

  it('reach the origin one after the other, never at the same time', async () => {
    const stage = await AttackStage.start(opened);
    const slow: RawRequest[] = [];
    stage.origin.reply('/slow', (request) => slow.push(request));
    const client = await stage.client();
    client.write(get('/slow') + get('/slow') + get('/after'));
    (await stage.origin.request('/slow')).connection.write(OK);
    await expectBytes(client, OK_ANSWER);
    const second = await stage.origin.request('/slow', 2);
    expect(stage.forwarded).toEqual(['GET /slow', 'GET /slow']);
    second.connection.write(OK);
    await expectBytes(client, OK_ANSWER + OK_ANSWER);
    expect(stage.forwarded.at(-1)).toBe('GET /after');
  });

  it('wait behind a held stream, and are answered on its connection when it ends', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream(get('/a') + get('/b'));
    stage.say('news', 'one\n');
    await expectBytes(client, chunk('one\n'));
    client.write(get('/c'));
    stage.say('news', 'two\n');
    await expectBytes(client, chunk('two\n'));
    expect(stage.forwarded).toEqual(['GET /stream']);
    stage.endStream('news');
    await expectBytes(client, LAST_CHUNK + OK_ANSWER.repeat(3));
    expect(stage.forwarded.slice(1)).toEqual(['GET /a', 'GET /b', 'GET /c']);
    await stage.undisturbed();
  });

  it('wait behind a long poll, and may be long polls themselves', async () => {
    const stage = await AttackStage.start(opened);
    for (const name of ['a', 'b', 'c']) stage.origin.reply(`/${name}`, responseHold(name));
    const client = await stage.client();
    client.write(get('/a') + get('/b') + get('/c'));
    for (const name of ['a', 'b', 'c']) {
      await once(stage.holdfast, 'subscribe');
      stage.answerPoll(name, `for ${name}`);
      await expectBytes(client, `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfor ${name}`);
    }
    expect(stage.forwarded).toEqual(['GET /a', 'GET /b', 'GET /c']);
  });

  it('behind a hold are not read for ever: the client is slowed down', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    const flood = Buffer.from(get('/flood').repeat(600_000));
    client.write(flood);
    const before = keptBytes();
    // What the kernel takes on both sides, and no more: the rest stays with the client for as long as the hold lasts.
    for (let turn = 0; turn < 40; turn += 1) {
      stage.say('news', `${turn}\n`);
      await expectBytes(client, chunk(`${turn}\n`));
    }
    expect(client.socket.writableLength).toBeGreaterThan(flood.length / 2);
    expect(keptBytes() - before).toBeLessThan(40_000_000);
    expect(stage.forwarded).toEqual(['GET /stream']);
    await stage.undisturbed();
  });

  it('are not read further ahead than they are answered', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    const flood = Buffer.from(get('/flood').repeat(600_000));
    client.write(flood);
    await client.read(OK_ANSWER.length * 300);
    // What the kernel takes on both sides, and a packet or two.
    expect(client.socket.writableLength).toBeGreaterThan(flood.length / 2);
    client.close();
    await stage.onlyNeighbourLeft();
    await stage.undisturbed();
  });

  it('whose answers nobody reads are not answered ahead of time', async () => {
    const stage = await AttackStage.start(opened);
    const body = 'x'.repeat(60_000);
    stage.origin.reply('/large', `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const client = await stage.client();
    client.pause();
    client.write(get('/large').repeat(1_500));
    // The kernel's buffers take some of the answers; the next request is not served before there is room again.
    await stage.undisturbed();
    for (let turn = 0; turn < 20; turn += 1) await stage.undisturbed();
    expect(stage.forwarded.length).toBeLessThan(400);
    client.resume();
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    for (let at = 0; at < 1_500; at += 1) await client.read(answer.length);
    expect(stage.forwarded).toHaveLength(1_500);
  });
});

describe('pipelined requests with bodies behind a hold', () => {
  const POSTS = 150;
  const post = 'POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 1\r\n\r\nx';

  describe('parser: holdfast', () => {
    const opened = new Opened('holdfast');

    it('wait as all others do', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.stream();
      client.write(post.repeat(POSTS));
      for (let turn = 0; turn < 3; turn += 1) await stage.undisturbed();
      expect(stage.forwarded).toEqual(['GET /stream']);
      stage.endStream('news');
      await expectBytes(client, LAST_CHUNK + OK_ANSWER.repeat(POSTS));
      expect(stage.forwarded).toHaveLength(1 + POSTS);
    });
  });

  describe('parser: node', () => {
    const opened = new Opened('node');

    it('are limited to a hundred, of which node:http keeps a list', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.stream();
      client.write(post.repeat(POSTS));
      await client.untilClosed();
      expect(stage.forwarded).toEqual(['GET /stream']);
      await stage.onlyNeighbourLeft();
      expect(stage.holdfast.counters.holds.stream).toBe(1);
      await stage.undisturbed();
    });
  });
});

describe.each(PARSERS)('garbage behind a request (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('is refused after the answer', async () => {
    const stage = await AttackStage.start(opened);
    const { text, how } = await stage.untilEnd(`${get('/a')}\0garbage\r\n\r\n${get('/smuggled')}`);
    expect([text, how]).toEqual([OK_ANSWER + INVALID_TOKEN, 'fin']);
    expect(stage.forwarded).toEqual(['GET /a']);
  });

  it('does not touch a held stream: it is refused when the stream has ended', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    for (const garbage of ['\0\0\0', 'more of it\r\n\r\n', get('/smuggled')]) client.write(garbage);
    for (const line of ['one\n', 'two\n']) {
      stage.say('news', line);
      await expectBytes(client, chunk(line));
    }
    stage.endStream('news');
    await expectBytes(client, LAST_CHUNK + INVALID_TOKEN);
    await client.untilClosed();
    expect(stage.forwarded).toEqual(['GET /stream']);
    await stage.undisturbed();
  });

  it('does not touch a long poll', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    client.write(`${get('/poll')}\x16\x03\x01`);
    await once(stage.holdfast, 'subscribe');
    stage.answerPoll('news', 'here');
    await expectBytes(client, `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere${INVALID_TOKEN}`);
    await client.untilClosed();
    await stage.undisturbed();
  });

  it('is refused also when a bad request waits before it', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream(`GET /many HTTP/1.1\r\n${'X: y\r\n'.repeat(70)}\r\n${get('/after')}\0garbage`);
    stage.endStream('news');
    await expectBytes(client, LAST_CHUNK + early('Failed to parse request: too many headers'));
    await client.untilClosed();
    expect(stage.forwarded).toEqual(['GET /stream']);
  });

  it('takes the place of the request in whose body it stands', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream(
      'POST /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nxyz\r\n',
    );
    stage.endStream('news');
    await expectBytes(client, LAST_CHUNK + INVALID_TOKEN);
    await client.untilClosed();
    expect(stage.forwarded).toEqual(['GET /stream']);
  });

  it('in a body that is being forwarded breaks off the request at the origin', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/upload', () => {});
    const client = await stage.client();
    const piece = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    client.write(`POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${piece.repeat(4)}`);
    await stage.origin.until('the upload', () => stage.origin.received.includes('POST /upload'));
    client.write('not a chunk\r\n');
    await expectBytes(client, INVALID_TOKEN);
    await client.untilClosed();
    const upload = stage.origin.connections.find(({ received }) => received.includes('POST /upload'));
    await stage.origin.until('the end of the upload', () => upload?.closed === true);
    expect(upload?.received.endsWith('0\r\n\r\n')).toBe(false);
    await stage.undisturbed();
  });
});

describe.each(PARSERS)('an upgrade behind a request (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  async function upgradeBehindStream(headers: string): Promise<{ stage: AttackStage; client: RawClient }> {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    client.write(`GET /socket HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    for (const line of ['one\n', 'two\n']) {
      stage.say('news', line);
      await expectBytes(client, chunk(line));
    }
    stage.endStream('news');
    return { stage, client };
  }

  it('is refused after a held stream, which it does not touch', async () => {
    const { stage, client } = await upgradeBehindStream(
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n',
    );
    await expectBytes(client, LAST_CHUNK + BUSY);
    await client.untilClosed();
    expect(stage.forwarded).toEqual(['GET /stream']);
    await stage.onlyNeighbourLeft();
  });

  it('to another protocol touches no held stream, and is an ordinary request where that can still be', async () => {
    const { stage, client } = await upgradeBehindStream('Upgrade: h2c\r\nConnection: Upgrade\r\n');
    // Once node:http has parsed an upgrade, it parses nothing more on that connection.
    await expectBytes(client, LAST_CHUNK + (parser === 'node' ? BUSY : OK_ANSWER));
    expect(stage.forwarded).toEqual(parser === 'node' ? ['GET /stream'] : ['GET /stream', 'GET /socket']);
  });

  it('leaves a client that goes while it waits noticed', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    client.write(`${get('/poll')}CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(stage.holdfast, 'subscribe');
    client.close();
    await stage.onlyNeighbourLeft();
    expect(stage.holdfast.counters.holds.response).toBe(0);
  });
});

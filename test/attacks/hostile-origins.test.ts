/**
 * Origins that answer with something else than HTTP, break off, or never end. The client is told 502, or sees that its
 * answer is not whole; it never takes half an answer for one, and never gets the answer of another.
 */
import { describe, expect, it } from 'vitest';
import { AttackStage, OK_ANSWER, ORIGIN_ERROR } from '../support/attack-stage.js';
import { Opened } from '../support/closing.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import type { RawRequest } from '../support/raw-origin.js';

const GET = 'GET /bad HTTP/1.1\r\nHost: example.com\r\n\r\n';
const NEXT = 'GET /next HTTP/1.1\r\nHost: example.com\r\n\r\n';

function reset({ connection }: RawRequest): void {
  connection.socket.resetAndDestroy();
}

/** Writes bytes, and breaks the connection off once they are out. */
function thenReset(bytes: string): (request: RawRequest) => void {
  return ({ connection }) => connection.socket.write(bytes, 'latin1', () => connection.socket.resetAndDestroy());
}

function thenEnd(bytes: string): (request: RawRequest) => void {
  return ({ connection }) => connection.socket.end(bytes, 'latin1');
}

describe.each(ORIGIN_CLIENTS)('an origin whose answer cannot be understood, with the client %s', (client) => {
  const opened = new Opened(client);

  it.each([
    ['garbage', '\0\x01\x02garbage\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['a status line without a code', 'HTTP/1.1 OK\r\n\r\n'],
    ['a code of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nabc\r\nContent-Length: 2\r\n\r\nok'],
    ['a CR in a header', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil\r\nContent-Length: 2\r\n\r\nok'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok'],
    ['two equal lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\nok'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    [
      'chunks and a length',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    ['a head that is too large', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`],
    ['a head that never ends', `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(1_000)}\r\n`.repeat(100)}`],
    [
      'another protocol that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello',
    ],
    ['101 without a word', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ])('is answered for with 502: %s', async (_what, reply) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', reply);
    const client = await stage.client();
    client.write(GET + NEXT);
    expect(await client.readAsLongAs(ORIGIN_ERROR + OK_ANSWER)).toBe(ORIGIN_ERROR + OK_ANSWER);
    expect(stage.holdfast.counters.originFailures).toBe(1);
    await stage.undisturbed();
  });

  it.each([
    ['resets at once', reset],
    ['closes at once', thenEnd('')],
    ['resets in the middle of the head', thenReset('HTTP/1.1 200 OK\r\nContent-Le')],
    ['closes in the middle of the head', thenEnd('HTTP/1.1 200 OK\r\nContent-Le')],
    ['closes after an interim answer', thenEnd('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')],
    [
      'resets in the middle of an instruct',
      thenReset('HTTP/1.1 200 OK\r\nGrip-Hold: stream\r\nGrip-Channel: a\r\nContent-Length: 9\r\n\r\nhalf'),
    ],
    [
      'closes in the middle of an instruct in chunks',
      thenEnd(
        'HTTP/1.1 200 OK\r\nGrip-Hold: stream\r\nGrip-Channel: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      ),
    ],
  ])('is answered for with 502: it %s', async (_what, reply) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', reply);
    const client = await stage.client();
    client.write(GET + NEXT);
    expect(await client.readAsLongAs(ORIGIN_ERROR + OK_ANSWER)).toBe(ORIGIN_ERROR + OK_ANSWER);
    expect(stage.holdfast.counters.holds.stream).toBe(1);
    await stage.undisturbed();
  });
});

describe.each(ORIGIN_CLIENTS)('an origin that breaks off in the middle of a body, with the client %s', (client) => {
  const opened = new Opened(client);
  const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
  const CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';

  it.each([
    ['closing, with a length', thenEnd(LENGTH)],
    ['resetting, with a length', thenReset(LENGTH)],
    ['closing, with chunks', thenEnd(CHUNKS)],
    ['resetting, with chunks', thenReset(CHUNKS)],
    ['closing inside a chunk', thenEnd(CHUNKS.replace('4\r\n', '9\r\n').trimEnd())],
    ['a chunk that is none', ({ connection }: RawRequest) => connection.write(`${CHUNKS}xyz\r\n`)],
  ])('leaves its client a connection that is broken off: %s', async (_what, reply) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', reply);
    const { text } = await stage.untilEnd(GET + NEXT);
    // Whatever of it arrived: neither as long as announced, nor with a last chunk, nor followed by anything.
    expect(text).not.toContain('\r\n0\r\n');
    expect(text.length).toBeLessThan(120);
    expect(stage.forwarded).toEqual(['GET /bad']);
    expect(stage.holdfast.counters.originFailures).toBe(1);
    await stage.undisturbed();
  });

  it('leaves a client of HTTP/1.0 a reset: an ordinary close would be the end of the body', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', ({ connection }) => connection.write(CHUNKS));
    const client = await stage.client();
    let code: string | undefined;
    client.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    client.write(GET.replace('HTTP/1.1', 'HTTP/1.0'));
    await client.readUntil('half');
    stage.origin.requests.find(({ target }) => target === '/bad')?.connection.socket.resetAndDestroy();
    await client.untilClosed();
    expect(code).toBe('ECONNRESET');
  });

  it('may leave the answer to a HEAD whole: there is nothing to break off', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', thenReset('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'));
    const client = await stage.client();
    client.write(GET.replace('GET', 'HEAD') + NEXT);
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${OK_ANSWER}`;
    expect(await client.readAsLongAs(answer)).toBe(answer);
  });
});

describe.each(ORIGIN_CLIENTS)('an origin that says more than it was asked, with the client %s', (client) => {
  const opened = new Opened(client);

  it('has its interim answers kept to itself', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply(
      '/bad',
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK_ANSWER}`,
    );
    const client = await stage.client();
    client.write(GET);
    expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    await stage.undisturbed();
    expect(client.pending).toBe('');
  });

  it('cannot answer the next client’s request', async () => {
    const stage = await AttackStage.start(opened);
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
    stage.origin.reply('/bad', OK_ANSWER + poison);
    for (let time = 0; time < 20; time += 1) {
      const client = await stage.client();
      client.write(GET);
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
      await stage.undisturbed();
    }
  });

  it('may answer before it has been asked anything, and is not believed', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', ({ connection }) => {
      connection.write(OK_ANSWER);
      setImmediate(() => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'));
    });
    const client = await stage.client();
    for (let time = 0; time < 20; time += 1) {
      client.write(GET);
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
      client.write(NEXT);
      const answer = await client.readAnswer();
      expect(['ok', 'Error while proxying to origin.\n']).toContain(answer.body.toString());
    }
  });
});

/**
 * Connections that are used again and again: nothing of a request may stay behind, and whatever became of one, the
 * next is answered.
 */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { AttackStage, OK_ANSWER, ORIGIN_ERROR } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import { responseHold } from '../support/raw-origin.js';

/** A whole collection, so that what is left is what is kept. */
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const GET = 'GET /plain HTTP/1.1\r\nHost: example.com\r\n\r\n';

function post(target: string, body: string): string {
  return `POST ${target} HTTP/1.1\r\nHost: example.com\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

describe.each(PARSERS)('a connection that stays open (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('carries ten thousand requests without growing listeners, timers or memory', async () => {
    const stage = await AttackStage.start(opened, { routes: ['* ORIGIN', '*,path_beg=/test test'] });
    const client = await stage.client();
    const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 38\r\n\r\n';
    const ask = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        client.write('GET /test HTTP/1.1\r\nHost: example.com\r\n\r\n');
        await client.read(answer.length + 38);
      }
    };
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): number => warnings.push(warning);
    process.on('warning', onWarning);
    await ask(2_000);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    await ask(10_000);
    collectGarbage();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    // A hundred bytes kept for each request would be a megabyte; the test's own reading takes a part of this room.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
    expect(stage.holdfast.counters.openConnections).toBe(2);
  });

  it('changes between long polls and plain requests as often as it likes', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    for (let time = 0; time < 300; time += 1) {
      client.write('GET /poll HTTP/1.1\r\nHost: example.com\r\n\r\n');
      while (stage.holdfast.counters.holds.response === 0) await new Promise((resolve) => setImmediate(resolve));
      stage.answerPoll('news', 'here');
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere';
      expect(await client.readAsLongAs(answer)).toBe(answer);
      client.write(GET);
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    }
    expect(stage.forwarded).toHaveLength(600);
    await stage.undisturbed();
  });

  it.each([
    [
      'HEAD',
      'HEAD /a HTTP/1.1\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    ],
    [
      '204',
      'GET /a HTTP/1.1\r\n',
      'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n',
    ],
    [
      '204 that names a length',
      'GET /a HTTP/1.1\r\n',
      'HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ],
    [
      '304 that names a length',
      'GET /a HTTP/1.1\r\n',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\n\r\n',
    ],
    [
      'an empty body',
      'GET /a HTTP/1.1\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'an empty body in chunks',
      'GET /a HTTP/1.1\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
  ])('is in step after an answer without a body: %s', async (_what, line, reply, answer) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/a', reply);
    const client = await stage.client();
    for (let time = 1; time <= 3; time += 1) {
      client.write(`${line}Host: example.com\r\n\r\n${GET}`);
      expect(await client.readAsLongAs(answer + OK_ANSWER)).toBe(answer + OK_ANSWER);
    }
    expect(stage.forwarded).toHaveLength(6);
  });

  it('is in step after a body that came whole and that nobody read', async () => {
    const stage = await AttackStage.start(opened);
    const gone = await AttackStage.start(opened);
    await gone.origin.stop();
    const holdfast = await opened.holdfast({
      routes: [`*,path_beg=/gone ${gone.origin.target}`, `* ${stage.origin.target}`],
    });
    const client = await opened.client(holdfast.addresses.http[0]?.port ?? 0);
    for (const size of [1, 9_999, 10_000, 10_001, 16_384, 20_000, 40_000]) {
      client.write(post('/gone', 'x'.repeat(size)));
      const answer = await client.readAnswer();
      expect([answer.status, /connection: close/i.test(answer.head)]).toEqual([502, false]);
      client.write(GET);
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    }
  });

  it('is closed after an answer to a request that was not read to its end, and the answer arrives whole', async () => {
    const stage = await AttackStage.start(opened);
    const body = 'y'.repeat(100_000);
    stage.origin.reply('/early', () => {});
    const client = await stage.client();
    client.write(`POST /early HTTP/1.1\r\nHost: example.com\r\nContent-Length: 50000000\r\n\r\n${'x'.repeat(50_000)}`);
    await stage.origin.until('the upload', () => stage.origin.received.includes('POST /early'));
    const upload = stage.origin.connections.find(({ received }) => received.includes('POST /early'));
    upload?.write(`HTTP/1.1 413 Too Large\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const answer = `HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const read = client.readAsLongAs(answer);
    // The client goes on sending, as it would before it has seen the answer.
    for (let piece = 0; piece < 20; piece += 1) client.write('x'.repeat(50_000));
    expect(await read).toBe(answer);
    await client.untilClosed();
    await stage.undisturbed();
  });

  it('is closed after an answer of our own to a request that was not read to its end', async () => {
    const stage = await AttackStage.start(opened, { routes: ['example.com ORIGIN'] });
    const client = await stage.client();
    client.write(`POST / HTTP/1.1\r\nHost: nowhere.example\r\nContent-Length: 50000000\r\n\r\n${'x'.repeat(500_000)}`);
    const answer = await client.readAnswer();
    expect([answer.head, answer.body.toString()]).toEqual([
      'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 16\r\n\r\n',
      'Route not found\n',
    ]);
    await client.untilClosed();
  });

  it('that asked to be closed answers nothing that comes behind, however much it is', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.write(`GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET.repeat(20_000)}`);
    const answer = await client.readAnswer();
    expect(answer.head).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n');
    await client.untilClosed();
    expect(client.pending).toBe('');
    expect(stage.forwarded).toEqual(['GET /last']);
    client.close();
    await stage.onlyNeighbourLeft();
  });

  it('answers 502 within a moment, again and again, when the origin is down', async () => {
    const stage = await AttackStage.start(opened);
    await stage.origin.stop();
    const client = await stage.client();
    for (let time = 0; time < 100; time += 1) {
      client.write(GET);
      expect(await client.readAsLongAs(ORIGIN_ERROR)).toBe(ORIGIN_ERROR);
    }
    expect(stage.holdfast.counters.originFailures).toBe(100);
  });

  it('waits for 100 Continue only once, and only when its turn has come', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    client.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\n');
    client.write('POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    await once(stage.holdfast, 'subscribe');
    stage.answerPoll('news', 'here');
    const first = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhereHTTP/1.1 100 Continue\r\n\r\n';
    expect(await client.readAsLongAs(first)).toBe(first);
    client.write('body');
    expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    expect((await stage.origin.request('/up')).body).toBe('body');
  });
});

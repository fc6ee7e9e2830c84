/**
 * Instructs of an origin, and items of a publisher, that try to write more than they may: into a response head, into
 * the log, into a later request; and instructs that are too large.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { textLogger } from '../../src/runtime/text-log.js';
import { AttackStage, OK_ANSWER, ORIGIN_ERROR, STREAM_OPENED } from '../support/attack-stage.js';
import { Opened } from '../support/closing.js';
import { OK, responseHold } from '../support/raw-origin.js';

const GET = 'GET /bad HTTP/1.1\r\nHost: example.com\r\n\r\n';
const NEXT = 'GET /next HTTP/1.1\r\nHost: example.com\r\n\r\n';

function json(instruct: unknown): string {
  const body = typeof instruct === 'string' ? instruct : JSON.stringify(instruct);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/grip-instruct\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${Buffer.from(body).toString('latin1')}`;
}

function answering(response: object): string {
  return json({ response });
}

describe('a JSON instruct that tries to write into the response head', () => {
  const opened = new Opened();

  it.each([
    ['CR and LF in a value', answering({ headers: { 'X-A': 'b\r\nSet-Cookie: evil' } })],
    ['LF in a value', answering({ headers: [['X-A', 'b\nSet-Cookie: evil']] })],
    ['a NUL in a value', answering({ headers: { 'X-A': 'b\0' } })],
    ['CR and LF in a name', answering({ headers: { 'X-A: b\r\nSet-Cookie': 'evil' } })],
    ['a colon in a name', answering({ headers: { 'X-A:': 'b' } })],
    ['no name', answering({ headers: [['', 'b']] })],
    ['a character above ASCII in a name', answering({ headers: { 'X-Ä': 'b' } })],
    ['CR and LF in the reason', answering({ reason: 'OK\r\nSet-Cookie: evil' })],
    ['a whole answer in the reason', answering({ reason: `OK\r\nContent-Length: 0\r\n\r\n${OK}` })],
    ['a code of four digits', answering({ code: 2000 })],
    ['a code that is text', answering({ code: '200 OK\r\nSet-Cookie: evil' })],
    ['something that is no JSON', json('{')],
    ['something that is no UTF-8', `${json('').replace('Length: 0', 'Length: 4')}"\xff\xff"`],
    ['a thousand brackets', json('['.repeat(1_000))],
    ['fifty thousand brackets', json(`${'['.repeat(49_000)}${']'.repeat(49_000)}`)],
  ])('is refused with 502: %s', async (_what, reply) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', reply);
    const client = await stage.client();
    client.write(GET + NEXT);
    expect(await client.readAsLongAs(ORIGIN_ERROR + OK_ANSWER)).toBe(ORIGIN_ERROR + OK_ANSWER);
    await stage.undisturbed();
  });

  it.each([
    [
      'framing headers',
      { headers: { 'Content-Length': '9', 'Transfer-Encoding': 'chunked', Connection: 'close' }, body: 'body' },
      '200 OK',
      '',
    ],
    ['an interim code', { code: 100, body: 'body' }, '502 Bad Gateway', ''],
    [
      'a code that switches protocols',
      { code: 101, headers: { Upgrade: 'x' }, body: 'body' },
      '502 Bad Gateway',
      'Upgrade: x\r\n',
    ],
    ['a code of nothing', { code: 0, reason: 'Nothing', body: 'body' }, '502 Bad Gateway', ''],
    [
      'names that mean something to JavaScript',
      JSON.parse('{"headers":{"__proto__":"a","constructor":"b"},"body":"body","__proto__":{"code":404}}'),
      '200 OK',
      '__proto__: a\r\nconstructor: b\r\n',
    ],
    [
      'characters above Latin-1',
      { headers: { 'X-A': 'Ċ\u010d' }, body: 'body' },
      '200 OK',
      `X-A: ${Buffer.from('Ċ\u010d').toString('latin1')}\r\n`,
    ],
  ])('is answered in order, with our own framing: %s', async (_what, response, status, headers) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', answering(response));
    const client = await stage.client();
    client.write(GET + NEXT);
    const expected = `HTTP/1.1 ${status}\r\n${headers}Content-Length: 4\r\n\r\nbody${OK_ANSWER}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(Object.hasOwn(Object.prototype, 'code')).toBe(false);
    await stage.undisturbed();
  });
});

describe('Grip headers that are wrong', () => {
  const opened = new Opened();

  it.each([
    'Grip-Hold: forever',
    'Grip-Status: 1000 Far',
    'Grip-Hold: stream\r\nGrip-Channel: a\r\nGrip-Keep-Alive: \\xzz; format=cstring',
    'Grip-Hold: response\r\nGrip-Channel: a\r\nGrip-Timeout: -1',
    'Grip-Hold: response\r\nGrip-Channel: a\r\nGrip-Timeout: 99999999999999999999',
    'Grip-Link: nothing; rel=next',
    'Grip-Hold: stream\r\nGrip-Channel: a; filter=1; filter=2; filter=3; filter=4; filter=5; filter=6',
  ])('are refused with 502: %j', async (headers) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', `HTTP/1.1 200 OK\r\n${headers}\r\nContent-Length: 2\r\n\r\nok`);
    const client = await stage.client();
    client.write(GET + NEXT);
    expect(await client.readAsLongAs(ORIGIN_ERROR + OK_ANSWER)).toBe(ORIGIN_ERROR + OK_ANSWER);
    expect(stage.holdfast.counters.holds).toEqual({ response: 0, stream: 1, ws: 0 });
  });

  it('never reach a client, however they are written', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply(
      '/bad',
      'HTTP/1.1 200 OK\r\nGRIP-Foo: a\r\ngrip-bar: b\r\nX-Grip-Baz: c\r\nContent-Length: 2\r\n\r\nok',
    );
    const client = await stage.client();
    client.write(GET);
    const expected = 'HTTP/1.1 200 OK\r\nX-Grip-Baz: c\r\nContent-Length: 2\r\n\r\nok';
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('of a client never reach an origin', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.write(GET.replace('\r\n\r\n', '\r\nGrip-Sig: forged\r\ngRiP-Last: a; last-id=1\r\nGrip-Feature: x\r\n\r\n'));
    await client.readAnswer();
    const { head } = await stage.origin.request('/bad');
    expect(head.match(/^grip-.*$/gim)?.map((line) => line.slice(0, 14))).toEqual(['Grip-Sig: eyJ0', 'Grip-Feature: ']);
  });
});

describe('what is too large for a hold', () => {
  const opened = new Opened();

  it.each([
    ['a JSON instruct', json({ response: { body: 'x'.repeat(100_000) } })],
    [
      'the body of a response hold',
      responseHold('a').replace(/Length: 4\r\n\r\nlate$/, `Length: 100001\r\n\r\n${'x'.repeat(100_001)}`),
    ],
  ])('is refused with 502, and its origin is not listened to any longer: %s', async (_what, reply) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', reply);
    const client = await stage.client();
    client.write(GET + NEXT);
    expect(await client.readAsLongAs(ORIGIN_ERROR + OK_ANSWER)).toBe(ORIGIN_ERROR + OK_ANSWER);
    expect(stage.holdfast.counters.holds.response).toBe(0);
  });

  it('is refused with 400 when it is the request’s own body', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/bad', responseHold('a'));
    const client = await stage.client();
    client.write(`POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n${'x'.repeat(100_001)}${NEXT}`);
    const text = 'Request too large to accept GRIP instruct.\n';
    const expected = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}${OK_ANSWER}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(stage.holdfast.counters.holds.response).toBe(0);
  });

  it('is taken to the last byte', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply(
      '/bad',
      responseHold('a').replace(/Length: 4\r\n\r\nlate$/, `Length: 100000\r\n\r\n${'x'.repeat(100_000)}`),
    );
    const client = await stage.client();
    client.write(`POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`);
    await once(stage.holdfast, 'subscribe');
    stage.answerPoll('a', 'here');
    expect((await client.readAnswer()).body.toString()).toBe('here');
  });
});

describe('a channel whose name has control characters', () => {
  const opened = new Opened();
  const NAME = 'a\r\n[INFO] forged: line\u001b[31m\u2028b; last-id=evil, c';

  it('writes no log lines', async () => {
    const lines: string[] = [];
    const logger = textLogger('debug', { write: (line: string) => lines.push(line) }, () => 0);
    const stage = await AttackStage.start(opened, { logger });
    stage.origin.reply(
      '/bad',
      json({ hold: { mode: 'stream', channels: [{ name: NAME }] }, response: { body: 'open\n' } }),
    );
    const client = await stage.client();
    client.write(GET);
    expect(await client.readAsLongAs(STREAM_OPENED)).toBe(STREAM_OPENED);
    stage.say(NAME, 'hello\n');
    await client.readUntil('hello');
    const about = lines.filter((line) => line.includes('forged'));
    expect(about.length).toBeGreaterThan(1);
    for (const line of about) {
      expect(line).toMatch(/^\[INFO\] [-\d]+ [.:\d]+ (?:subscribe|publish) /);
      expect(line.slice(0, -1)).not.toMatch(/\p{Cc}/u);
    }
  });

  it('writes no headers into the request of a retry', async () => {
    const stage = await AttackStage.start(opened);
    let asked = 0;
    const hold = { mode: 'response', channels: [{ name: NAME, 'prev-id': '1\r\nX-Evil: yes' }] };
    stage.origin.reply('/bad', ({ connection }) => {
      asked += 1;
      connection.write(asked === 1 ? json({ hold }) : OK);
    });
    const client = await stage.client();
    const subscribed = once(stage.holdfast, 'subscribe');
    client.write(GET + NEXT);
    await subscribed;
    stage.holdfast.publish({ channel: NAME, formats: { 'http-response': { action: 'hint' } } });
    await client.readAnswer();
    await stage.undisturbed();
    expect(stage.origin.received).not.toMatch(/^X-Evil/im);
    expect(stage.origin.received).not.toMatch(/^\[INFO\]/im);
  });
});

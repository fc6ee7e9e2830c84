/**
 * Items that try to be more than items: to reach into objects of the program, to exhaust it, or to write into the
 * response heads of the clients they are published to. One way in stands for all: the control port.
 */
import { request } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttackStage, chunk, OK_ANSWER, STREAM_OPENED } from '../support/attack-stage.js';
import { Opened } from '../support/closing.js';
import { responseHold, streamHold } from '../support/raw-origin.js';

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** One POST to the control port. */
function post(stage: AttackStage, body: string | Buffer): Promise<Reply> {
  const { control } = stage.holdfast.addresses;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: control?.port,
        path: '/publish/',
        method: 'POST',
        headers: { 'Content-Length': Buffer.byteLength(body) },
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (some: string) => {
          text += some;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function publish(stage: AttackStage, ...items: unknown[]): Promise<Reply> {
  return post(stage, JSON.stringify({ items }));
}

const PUBLISHED: Reply = { status: 200, text: 'Published\n' };

function stream(extra: object = {}, channel: unknown = 'news'): object {
  return { channel, 'http-stream': { content: 'hello\n' }, ...extra };
}

describe('an item', () => {
  const opened = new Opened();

  it('with names that mean something to JavaScript is an item like any other', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/stream', streamHold('__proto__'));
    const client = await stage.client();
    client.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readAsLongAs(STREAM_OPENED);
    const evil =
      '{"items":[{"channel":"__proto__","http-stream":{"content":"hello\\n"},"id":"constructor","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"meta":{"__proto__":"a","hasOwnProperty":"b"}}],"__proto__":{"items":[]}}';
    expect(await post(stage, evil)).toEqual(PUBLISHED);
    expect(await client.readAsLongAs(chunk('hello\n'))).toBe(chunk('hello\n'));
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    await stage.undisturbed();
  });

  it.each([
    [
      'only its prototype has what is needed',
      '{"items":[{"__proto__":{"channel":"a","http-stream":{"content":"b"}}}]}',
      "does not contain 'channel'",
    ],
    ['the list of items is in the prototype', '{"__proto__":{"items":[]}}', "object does not contain 'items'"],
    [
      'the content is in the prototype',
      '{"items":[{"channel":"a","http-stream":{"__proto__":{"content":"b"}}}]}',
      "does not contain 'content'",
    ],
    ['a format is called like a method', '{"items":[{"channel":"a","formats":{"toString":{}}}]}', ''],
    [
      'the channel is an object',
      '{"items":[{"channel":{},"http-stream":{"content":"b"}}]}',
      "contains 'channel' with wrong type",
    ],
    [
      'the channel is a list',
      '{"items":[{"channel":["a"],"http-stream":{"content":"b"}}]}',
      "contains 'channel' with wrong type",
    ],
    ['the item is null', '{"items":[null]}', 'is not an object'],
    [
      'the code is too large',
      '{"items":[{"channel":"a","http-response":{"code":1e300,"body":""}}]}',
      "contains 'code' with invalid value",
    ],
    [
      'the size is infinite',
      '{"items":[{"channel":"a","size":1e999,"http-stream":{"content":"b"}}]}',
      "contains 'size' with invalid value",
    ],
  ])('is refused or means nothing when %s', async (_what, body, text) => {
    const stage = await AttackStage.start(opened);
    const reply = await post(stage, body);
    if (text === '') {
      expect(reply).toEqual(PUBLISHED);
    } else {
      expect(reply.status).toBe(400);
      expect(reply.text).toContain(text);
      expect(stage.holdfast.counters.dropped['invalid-item']).toBe(1);
      expect(stage.holdfast.counters.published).toBe(0);
    }
    await stage.undisturbed();
  });

  it('of a hundred thousand levels, lists or digits takes nothing with it', async () => {
    const stage = await AttackStage.start(opened);
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const bodies = [
      `{"items":[{"channel":"news","http-stream":{"content":"a"},"meta":${deep}}]}`,
      `{"items":[{"channel":"news","http-response":{"body-patch":${deep}}}]}`,
      `{"items":${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}}`,
      '['.repeat(900_000),
      `{"items":[${'{},'.repeat(200_000)}{}]}`,
      `{"items":[{"channel":"news","size":${'9'.repeat(500_000)},"http-stream":{"content":"a"}}]}`,
      `{"items":[{"channel":"news","http-response":{"body":"","headers":[${'["a","b"],'.repeat(80_000)}["a","b"]]}}]}`,
    ];
    for (const body of bodies) expect([200, 400]).toContain((await post(stage, body)).status);
    await stage.undisturbed();
  });

  it('with a name, an id and a content of hundreds of thousands of bytes arrives', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    const huge = 'x'.repeat(200_000);
    expect(await publish(stage, stream({ id: huge, 'prev-id': huge }), stream({ id: 'b' }, huge))).toEqual(PUBLISHED);
    const expected = chunk('hello\n');
    expect(await client.readAsLongAs(expected)).toBe(expected);
    await stage.undisturbed();
  });

  it('whose ids nobody has seen before are forgotten in time, however many there are', async () => {
    const stage = await AttackStage.start(opened);
    for (let round = 0; round < 20; round += 1) {
      const items = Array.from({ length: 500 }, (_, at) => stream({ id: `${round}-${at}` }, `channel-${round}-${at}`));
      expect(await publish(stage, ...items)).toEqual(PUBLISHED);
    }
    expect(stage.holdfast.counters.published).toBe(10_000);
    await stage.undisturbed();
  });

  it('with half a character is published as what UTF-8 has for it', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    const body =
      '{"items":[{"channel":"news","id":"\\udc00","meta":{"\\ud800":"\\udfff"},"http-stream":{"content":"a\\ud800b"}}]}';
    expect(await post(stage, body)).toEqual(PUBLISHED);
    const expected = Buffer.from(chunk('a\ufffdb')).toString('latin1');
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });
});

describe('an answer that is published', () => {
  const opened = new Opened();

  it.each([
    ['CR and LF in a value', { headers: { 'X-A': 'b\r\nSet-Cookie: evil' } }],
    ['LF in a value', { headers: [['X-A', 'b\nSet-Cookie: evil']] }],
    ['a NUL in a value', { headers: { 'X-A': 'b\0' } }],
    ['CR and LF in a name', { headers: { 'X-A: b\r\nSet-Cookie': 'evil' } }],
    ['a colon in a name', { headers: { 'X-A: b': 'evil' } }],
    ['no name', { headers: { '': 'evil' } }],
    ['a blank in a name', { headers: { 'X A': 'evil' } }],
    ['CR and LF in the reason', { reason: 'OK\r\nSet-Cookie: evil' }],
    ['a whole answer in the reason', { reason: 'OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK' }],
  ])('cannot write into the head: %s', async (_what, response) => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    client.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    while (stage.holdfast.counters.holds.response === 0) await new Promise((resolve) => setImmediate(resolve));
    const reply = await publish(stage, { channel: 'news', 'http-response': { body: 'here', ...response } });
    expect(reply.status).toBe(400);
    expect(stage.holdfast.counters.holds.response).toBe(1);
    stage.answerPoll('news', 'good');
    const expected = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood${OK_ANSWER}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('has our own framing, whatever it says about it', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const client = await stage.client();
    client.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    while (stage.holdfast.counters.holds.response === 0) await new Promise((resolve) => setImmediate(resolve));
    const headers = {
      'Content-Length': '900',
      'Transfer-Encoding': 'chunked',
      Connection: 'close',
      'keep-alive': 'a',
      'Grip-Hold': 'stream',
    };
    expect(
      await publish(stage, { channel: 'news', 'http-response': { code: 100, reason: 'Go', headers, body: 'here' } }),
    ).toEqual(PUBLISHED);
    const expected = `HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nhere${OK_ANSWER}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });
});

describe('any JSON', () => {
  const opened = new Opened();

  it('gets an answer from the control port, and the process lives', async () => {
    const stage = await AttackStage.start(opened);
    const names = [
      'channel',
      'id',
      'prev-id',
      'formats',
      'http-stream',
      'http-response',
      'ws-message',
      'content',
      'content-bin',
      'body',
      'body-patch',
      'headers',
      'code',
      'reason',
      'action',
      'type',
      'meta',
      'size',
      'no-seq',
      'content-filters',
      '__proto__',
      'items',
    ];
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue(),
        fc.constantFrom('news', 'send', 'close', 'hint', 'text'),
        fc.dictionary(fc.constantFrom(...names), tie('value')),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 3 }), async (items) => {
        const reply = await post(stage, JSON.stringify({ items }));
        expect(reply.text).toMatch(/^(?:Published|Invalid format: .*)\n$/s);
      }),
      { numRuns: 300 },
    );
    await stage.undisturbed();
  });
});

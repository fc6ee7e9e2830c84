/** The control port: every answer byte for byte, its limits, and what it does with bytes that are no request. */
import { describe, expect, it } from 'vitest';
import { AttackStage, chunk } from '../support/attack-stage.js';
import { Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import type { RawClient } from '../support/raw-client.js';

const ITEM = { channel: 'news', formats: { 'http-stream': { content: 'hello\n' } } };
const PUBLISHED = answer('200 OK', 'Published\n', '');

/** The whole answer; `close` is the connection header it has when it is the last. */
function answer(status: string, body: string, close = 'Connection: close\r\n', allow = '', version = '1.1'): string {
  return `HTTP/${version} ${status}\r\n${allow}Content-Type: text/plain\r\n${close}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function publish(body: unknown, headers = ''): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `POST /publish/ HTTP/1.1\r\nHost: control\r\n${headers}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

function controlPort(stage: AttackStage): number {
  return stage.holdfast.addresses.control?.port ?? 0;
}

/** Everything that comes on one connection until it ends. */
async function untilEnd(opened: Opened, stage: AttackStage, bytes: string): Promise<string> {
  const client = await opened.client(controlPort(stage));
  client.write(Buffer.from(bytes, 'latin1'));
  await client.untilClosed();
  return client.pending;
}

const BAD_HEADER = answer('400 Bad Request', 'Failed to parse request header.\n');
const BAD_LENGTH = answer('400 Bad Request', 'Bad Content-Length.\n');
const NO_LENGTH = answer('411 Length Required', 'Request requires Content-Length.\n');
const TOO_LARGE = answer('400 Bad Request', 'Request body too large.\n');

describe('a request that the control port cannot read', () => {
  const opened = new Opened();

  it.each([
    ['garbage', '\0\x01garbage\r\n\r\n', BAD_HEADER],
    ['no version', 'GET /\r\n\r\n', BAD_HEADER],
    ['no target', 'GET HTTP/1.1\r\n\r\n', BAD_HEADER],
    ['another protocol', 'GET / SIP/2.0\r\n\r\n', BAD_HEADER],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nX: a\0b\r\n\r\n', BAD_HEADER],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(10_001)}\r\n\r\n`,
      answer('400 Bad Request', 'Request header too large.\n'),
    ],
    [
      'a head that never ends',
      `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(20_000)}`,
      answer('400 Bad Request', 'Request header too large.\n'),
    ],
    ['a length that is no number', 'POST /publish/ HTTP/1.1\r\nContent-Length: ten\r\n\r\n', BAD_LENGTH],
    ['a negative length', 'POST /publish/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n', BAD_LENGTH],
    ['two lengths', 'POST /publish/ HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}', BAD_LENGTH],
    ['no length', 'POST /publish/ HTTP/1.1\r\n\r\n{"items":[]}', NO_LENGTH],
    ['no length for an unknown path', 'PUT /nowhere HTTP/1.1\r\n\r\n', NO_LENGTH],
    ['chunks', 'POST /publish/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n', NO_LENGTH],
    ['chunks of a GET', 'GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', NO_LENGTH],
    ['a length beyond the limit', 'POST /publish/ HTTP/1.1\r\nContent-Length: 1000001\r\n\r\n{', TOO_LARGE],
    [
      'a length beyond the limit in HTTP/1.0',
      'POST /publish/ HTTP/1.0\r\nContent-Length: 1000001\r\n\r\n{',
      answer('400 Bad Request', 'Request body too large.\n', undefined, '', '1.0'),
    ],
    ['a length beyond all limits', 'POST /publish/ HTTP/1.1\r\nContent-Length: 9007199254740993\r\n\r\n{', TOO_LARGE],
    ['a body that ends too soon', 'HALF', BAD_HEADER],
  ])('is refused, and the connection closed: %s', async (what, bytes, expected) => {
    const stage = await AttackStage.start(opened);
    if (bytes === 'HALF') {
      const client = await opened.client(controlPort(stage));
      client.socket.end('POST /publish/ HTTP/1.1\r\nContent-Length: 20\r\n\r\n{"items":[');
      await client.untilClosed();
      expect([what, client.pending]).toEqual([what, expected]);
    } else {
      expect(await untilEnd(opened, stage, bytes)).toBe(expected);
    }
    expect(stage.holdfast.counters.published).toBe(0);
    await stage.undisturbed();
  });

  it('gets its answer although a body far beyond the limit is on its way', async () => {
    const stage = await AttackStage.start(opened);
    const before = keptBytes();
    const body = 'x'.repeat(20_000_000);
    expect(await untilEnd(opened, stage, publish(body))).toBe(TOO_LARGE);
    expect(keptBytes() - before).toBeLessThan(100_000_000);
    await stage.undisturbed();
  });
});

describe('the answers of the control port', () => {
  const opened = new Opened();
  const NOT_ALLOWED = (method: string): string =>
    answer('405 Method Not Allowed', `Method not allowed: ${method}.\n`, '', 'Allow: POST\r\n');
  const NOT_FOUND = answer('404 Not Found', 'Not Found\n', '');
  const JSON_PUBLISHED = answer('200 OK', '{"message":"Published"}\n', '').replace('text/plain', 'application/json');
  const NOT_ACCEPTABLE = answer(
    '406 Not Acceptable',
    'Not Acceptable. Supported formats are text/plain and application/json.\n',
    '',
  );

  it.each([
    ['the root', 'GET / HTTP/1.1\r\n\r\n', answer('200 OK', 'Holdfast API\n', '')],
    ['a publish', publish({ items: [ITEM] }), PUBLISHED],
    ['a publish without a slash', publish({ items: [ITEM] }).replace('/publish/', '/publish'), PUBLISHED],
    ['a publish of nothing', publish({ items: [] }), PUBLISHED],
    ['a publish that wants JSON', publish({ items: [] }, 'Accept: application/json\r\n'), JSON_PUBLISHED],
    [
      'types in two lines',
      publish({ items: [] }, 'Accept: text/plain\r\nAccept: application/json\r\n'),
      JSON_PUBLISHED,
    ],
    ['the last of several types', publish({ items: [] }, 'Accept: application/*;q=1, text/*;q=0\r\n'), PUBLISHED],
    ['no type it knows', publish({ items: [] }, 'Accept: image/png\r\n'), NOT_ACCEPTABLE],
    ['another method', 'GET /publish/ HTTP/1.1\r\n\r\n', NOT_ALLOWED('GET')],
    ['a DELETE', 'DELETE /publish HTTP/1.1\r\n\r\n', NOT_ALLOWED('DELETE')],
    ['two slashes', 'POST /publish// HTTP/1.1\r\nContent-Length: 0\r\n\r\n', NOT_FOUND],
    ['a query', 'POST /publish/?a HTTP/1.1\r\nContent-Length: 0\r\n\r\n', NOT_FOUND],
    ['an absolute URI', 'POST http://control/publish/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n', NOT_FOUND],
    ['another path', 'GET /secret HTTP/1.1\r\n\r\n', NOT_FOUND],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\n\r\n', NOT_FOUND],
    ['an empty body', publish(''), answer('400 Bad Request', 'Body is not valid JSON.\n', '')],
    [
      'a body that is no UTF-8',
      publish('"xx"').replace('xx', '\xff\xff'),
      answer('400 Bad Request', 'Body is not valid JSON.\n', ''),
    ],
    ['a number', publish('5'), answer('400 Bad Request', 'Body is not valid JSON.\n', '')],
    ['a list', publish('[]'), answer('400 Bad Request', 'Invalid format.\n', '')],
    [
      'an object without items',
      publish('{}'),
      answer('400 Bad Request', "Invalid format: object does not contain 'items'\n", ''),
    ],
    [
      'items that are no list',
      publish({ items: {} }),
      answer('400 Bad Request', "Invalid format: object contains 'items' with wrong type\n", ''),
    ],
    ['a trailing comma', publish('{"items":[],}'), answer('400 Bad Request', 'Body is not valid JSON.\n', '')],
  ])('are exact, and leave the connection open: %s', async (_what, bytes, expected) => {
    const stage = await AttackStage.start(opened);
    const client = await opened.client(controlPort(stage));
    client.write(Buffer.from(bytes, 'latin1'));
    expect(await client.readAsLongAs(expected)).toBe(expected);
    client.write(publish({ items: [] }));
    expect(await client.readAsLongAs(PUBLISHED)).toBe(PUBLISHED);
  });

  it('have no body for a HEAD, and the version of an HTTP/1.0 request', async () => {
    const stage = await AttackStage.start(opened);
    expect(await untilEnd(opened, stage, 'HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n')).toBe(
      answer('200 OK', 'Holdfast API\n').slice(0, -13),
    );
    const old = publish({ items: [ITEM] }).replace('HTTP/1.1', 'HTTP/1.0');
    expect(await untilEnd(opened, stage, old)).toBe(answer('200 OK', 'Published\n', undefined, '', '1.0'));
  });

  it('say 100 Continue to a publisher that waits for it', async () => {
    const stage = await AttackStage.start(opened);
    const client = await opened.client(controlPort(stage));
    const body = JSON.stringify({ items: [ITEM] });
    client.write(`POST /publish/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
    await client.readAsLongAs('HTTP/1.1 100 Continue\r\n\r\n');
    client.write(body);
    expect(await client.readAsLongAs(PUBLISHED)).toBe(PUBLISHED);
  });
});

describe('several requests on one connection of the control port', () => {
  const opened = new Opened();

  it('are answered in order, and garbage behind them is refused last', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.stream();
    const text = await untilEnd(
      opened,
      stage,
      `${publish({ items: [ITEM] }).repeat(50)}\0garbage${publish({ items: [ITEM] })}`,
    );
    expect(text).toBe(PUBLISHED.repeat(50) + BAD_HEADER);
    expect(await client.readAsLongAs(chunk('hello\n').repeat(50))).toBe(chunk('hello\n').repeat(50));
    expect(stage.holdfast.counters.published).toBe(50);
  });

  it.each([
    [
      'one that asked to close',
      publish({ items: [ITEM] }, 'Connection: close\r\n'),
      answer('200 OK', 'Published\n'),
      2,
    ],
    [
      'one of HTTP/1.0',
      publish({ items: [ITEM] }).replace('HTTP/1.1', 'HTTP/1.0'),
      answer('200 OK', 'Published\n', undefined, '', '1.0'),
      2,
    ],
    ['one without a length', 'POST /publish/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', NO_LENGTH, 1],
  ])('end with the last: what comes behind is not published: %s', async (_what, last, expected, published) => {
    const stage = await AttackStage.start(opened);
    const text = await untilEnd(
      opened,
      stage,
      publish({ items: [ITEM] }) + last + publish({ items: [ITEM] }).repeat(10),
    );
    expect(text).toBe(PUBLISHED + expected);
    expect(stage.holdfast.counters.published).toBe(published);
  });

  it('are no tunnel and no WebSocket', async () => {
    const stage = await AttackStage.start(opened);
    const upgrade = 'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    const client = await opened.client(controlPort(stage));
    client.write(upgrade);
    expect((await client.readAnswer()).status).toBe(200);
    expect(await untilEnd(opened, stage, 'CONNECT a:80 HTTP/1.1\r\n\r\n')).toBe('');
  });
});

describe('connections to the control port', () => {
  const opened = new Opened();

  const HALF = 'POST /publish/ HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf';

  /** As many as there may be, each of which has been answered once. */
  async function publishers(stage: AttackStage): Promise<RawClient[]> {
    const clients: RawClient[] = [];
    for (let count = 0; count < 128; count += 1) clients.push(await opened.client(controlPort(stage)));
    for (const client of clients) {
      client.write(publish({ items: [ITEM] }));
      expect(await client.readAsLongAs(PUBLISHED)).toBe(PUBLISHED);
    }
    return clients;
  }

  it('are 128: one more ends that which has been unused for the longest time, and is served', async () => {
    const stage = await AttackStage.start(opened);
    const clients = await publishers(stage);
    const [first, second, third] = clients;
    first?.write(publish({ items: [ITEM] }));
    await first?.readAsLongAs(PUBLISHED);
    second?.write('POST /publish/ HT');
    third?.write(HALF);
    // What those two have sent has come when a later connection has been answered.
    const fourth = clients[3];
    fourth?.write(publish({ items: [ITEM] }));
    await fourth?.readAsLongAs(PUBLISHED);
    const more = await opened.client(controlPort(stage));
    more.write(publish({ items: [ITEM] }));
    expect(await more.readAsLongAs(PUBLISHED)).toBe(PUBLISHED);
    await clients[4]?.untilClosed();
    expect(clients.flatMap(({ closed }, at) => (closed ? [at] : []))).toEqual([4]);
    second?.write('TP/1.1\r\nContent-Length: 0\r\n\r\n');
    expect((await second?.readAnswer())?.status).toBe(400);
  });

  it('end one after the other for publishers who never say goodbye', async () => {
    const stage = await AttackStage.start(opened);
    for (let count = 0; count < 400; count += 1) {
      const client = await opened.client(controlPort(stage));
      client.write(publish({ items: [ITEM] }));
      expect(await client.readAsLongAs(PUBLISHED)).toBe(PUBLISHED);
    }
    await stage.undisturbed();
  });

  it('are 128: one more is closed at once when all are in use, and is taken again when another has gone', async () => {
    const stage = await AttackStage.start(opened);
    const port = controlPort(stage);
    const clients = await publishers(stage);
    // The answer to the first shows that the second has come with it.
    for (const client of clients) client.write(publish({ items: [ITEM] }) + HALF);
    for (const client of clients) await client.readAsLongAs(PUBLISHED);
    const refused = await opened.client(port);
    await refused.untilClosed();
    expect(refused.receivedBytes).toBe(0);
    clients.at(-1)?.close();
    const taken = async (): Promise<number> => {
      for (;;) {
        const client = await opened.client(port);
        client.write('GET / HTTP/1.1\r\n\r\n');
        const status = await client.readAnswer().then(
          (one) => one.status,
          () => undefined,
        );
        if (status !== undefined) return status;
      }
    };
    expect(await within('room for another publisher', taken())).toBe(200);
    await stage.undisturbed();
  });
});

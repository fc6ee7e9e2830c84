/** The control port, byte for byte: what publishers send and what they are answered (specification 7). */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import type { RawClient } from '../support/raw-client.js';

const ITEM = '{"channel":"test","formats":{"http-stream":{"content":"hello\\n"}}}';

/** The bytes of an answer that leaves the connection open. */
function answer(status: string, body: string, type = 'text/plain', extra = ''): string {
  return `HTTP/1.1 ${status}\r\n${extra}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function closing(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function post(path: string, body: string, ...headers: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, 'Host: x', ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join(
    '\r\n',
  );
}

describe('the control port', () => {
  const opened = new Opened();

  async function start() {
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    const { control } = holdfast.addresses;
    return { holdfast, client: await opened.client(control?.port ?? 0) };
  }

  async function asked(client: RawClient, request: string, expected: string): Promise<void> {
    client.write(request);
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(client.pending).toBe('');
  }

  it.each(['/publish', '/publish/'])('takes items at %s and publishes them', async (path) => {
    const { holdfast, client } = await start();
    const stream = await opened.get(clientPort(holdfast), '/stream');
    await stream.readUntil('[stream opened]\n\r\n');
    await asked(client, post(path, `{"items":[${ITEM},${ITEM}]}`), answer('200 OK', 'Published\n'));
    expect(await stream.readUntil('hello\n\r\n6\r\nhello\n\r\n')).toBe('6\r\nhello\n\r\n6\r\nhello\n\r\n');
    expect(holdfast.counters.published).toBe(2);
  });

  it('takes an empty list', async () => {
    const { client } = await start();
    await asked(client, post('/publish', '{"items":[]}'), answer('200 OK', 'Published\n'));
  });

  it.each([
    ['text/plain', 'text/plain', 'Published\n'],
    ['text/*', 'text/plain', 'Published\n'],
    ['*/*', 'text/plain', 'Published\n'],
    ['application/json', 'application/json', '{"message":"Published"}\n'],
    ['application/*; q=0.1', 'application/json', '{"message":"Published"}\n'],
    ['text/html, application/json', 'application/json', '{"message":"Published"}\n'],
    ['application/json, text/plain', 'text/plain', 'Published\n'],
  ])('answers a publisher that accepts %s with %s', async (accept, type, body) => {
    const { client } = await start();
    await asked(client, post('/publish', '{"items":[]}', `Accept: ${accept}`), answer('200 OK', body, type));
  });

  it('answers 406 when it has nothing that the publisher accepts, whatever the path', async () => {
    const { client } = await start();
    const body = 'Not Acceptable. Supported formats are text/plain and application/json.\n';
    const head = 'Accept: image/png, text/html';
    await asked(client, post('/nowhere', '', head), answer('406 Not Acceptable', body));
  });

  it.each([
    ['GET', '/', '200 OK', 'Holdfast API\n', ''],
    ['GET', '/publish', '405 Method Not Allowed', 'Method not allowed: GET.\n', 'Allow: POST\r\n'],
    ['DELETE', '/publish/', '405 Method Not Allowed', 'Method not allowed: DELETE.\n', 'Allow: POST\r\n'],
    ['GET', '/nowhere', '404 Not Found', 'Not Found\n', ''],
    ['GET', '/publish?x=1', '404 Not Found', 'Not Found\n', ''],
  ])('answers %s %s with %s', async (method, path, status, body, extra) => {
    const { client } = await start();
    await asked(client, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, answer(status, body, 'text/plain', extra));
  });

  it.each([
    ['no JSON', 'Body is not valid JSON.'],
    ['"text"', 'Body is not valid JSON.'],
    ['{"items":[],}', 'Body is not valid JSON.'],
    ['[]', 'Invalid format.'],
    ['{}', "Invalid format: object does not contain 'items'"],
    ['{"items":{}}', "Invalid format: object contains 'items' with wrong type"],
    ['{"items":["x"]}', 'Invalid format: publish item object is not an object'],
    ['{"items":[{}]}', "Invalid format: publish item object does not contain 'channel'"],
    ['{"items":[{"channel":1}]}', "Invalid format: publish item object contains 'channel' with wrong type"],
    ['{"items":[{"channel":"a"}]}', 'Invalid format: no formats specified'],
    [
      '{"items":[{"channel":"a","formats":{"http-stream":{}}}]}',
      "Invalid format: 'http-stream' does not contain 'content' or 'content-bin'",
    ],
  ])('refuses %s in one sentence', async (body, text) => {
    const { client, holdfast } = await start();
    await asked(client, post('/publish', body, 'Accept: application/json'), answer('400 Bad Request', `${text}\n`));
    expect(holdfast.counters.published).toBe(0);
  });

  it('publishes none of the items when one of them is bad', async () => {
    const { client, holdfast } = await start();
    const body = "Invalid format: publish item object does not contain 'channel'\n";
    await asked(client, post('/publish', `{"items":[${ITEM},{}]}`), answer('400 Bad Request', body));
    expect(holdfast.counters.published).toBe(0);
  });

  it.each([
    ['a publish without a length', 'POST /publish HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a publish in chunks', 'POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a GET in chunks', 'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('asks for a length in answer to %s', async (_name, request) => {
    const { client } = await start();
    await asked(client, request, closing('411 Length Required', 'Request requires Content-Length.\n'));
    await client.untilClosed();
  });

  it.each([
    [
      'a body that is too large',
      'POST /publish HTTP/1.1\r\nContent-Length: 1000001\r\n\r\n',
      'Request body too large.\n',
    ],
    ['a head that is too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(10_001)}\r\n\r\n`, 'Request header too large.\n'],
    ['a length that is none', 'POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n', 'Bad Content-Length.\n'],
    ['what is not HTTP', 'hello\r\n\r\n', 'Failed to parse request header.\n'],
  ])('answers 400 to %s and closes', async (_name, request, text) => {
    const { client } = await start();
    await asked(client, request, closing('400 Bad Request', text));
    await client.untilClosed();
  });

  it('tells a publisher that waits for it to go on', async () => {
    const { client } = await start();
    const [head = ''] = post('/publish', '{"items":[]}', 'Expect: 100-continue').split('{');
    await asked(client, head, 'HTTP/1.1 100 Continue\r\n\r\n');
    await asked(client, '{"items":[]}', answer('200 OK', 'Published\n'));
  });

  it('serves one publish after the other on one connection, pipelined ones too', async () => {
    const { client, holdfast } = await start();
    const request = post('/publish', `{"items":[${ITEM}]}`);
    const expected = answer('200 OK', 'Published\n');
    await asked(client, request, expected);
    await asked(client, request.repeat(5), expected.repeat(5));
    expect(holdfast.counters.published).toBe(6);
  });

  it('closes when the publisher asks for it, or speaks HTTP/1.0', async () => {
    const { client, holdfast } = await start();
    await asked(client, post('/publish', '{"items":[]}', 'Connection: close'), closing('200 OK', 'Published\n'));
    await client.untilClosed();
    const old = await opened.client(holdfast.addresses.control?.port ?? 0);
    old.write('GET / HTTP/1.0\r\n\r\n');
    await old.untilClosed();
    expect(old.pending).toMatch(/^HTTP\/1\.\d 200 OK\r\n.*\r\n\r\nHoldfast API\n$/s);
  });

  it('answers everything that came before a publisher said its end', async () => {
    const { client, holdfast } = await start();
    const reported = post('/publish/?report=1', `{"items":[${ITEM}]}`);
    const plain = post('/publish', `{"items":[${ITEM}]}`);
    client.socket.end(reported + plain.repeat(3));
    await client.untilClosed();
    expect(client.pending.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(holdfast.counters.published).toBe(4);
  });

  it('answers 400 to a publisher that ends in the middle of a request, behind what came before', async () => {
    const { client, holdfast } = await start();
    const plain = post('/publish', `{"items":[${ITEM}]}`);
    client.socket.end(`${plain}${plain.slice(0, -5)}`);
    await client.untilClosed();
    expect(client.pending).toBe(
      answer('200 OK', 'Published\n') + closing('400 Bad Request', 'Failed to parse request header.\n'),
    );
    expect(holdfast.counters.published).toBe(1);
  });

  it('ends a connection that nobody uses, also when its publisher does not end it', async () => {
    const { client } = await start();
    client.write(post('/publish', `{"items":[${ITEM}]}`));
    await client.readAsLongAs(answer('200 OK', 'Published\n'));
    await client.untilClosed();
  });

  it.each(['', 'Connection: close'])('names channels of any alphabet in its reports (%s)', async (header) => {
    const { client } = await start();
    const item = '{"channel":"канал é","formats":{"http-stream":{"content":"x"}}}';
    client.write(post('/publish/?report=1', `{"items":[${item}]}`, ...(header === '' ? [] : [header])));
    const { body } = await client.readAnswer();
    expect(JSON.parse(body.toString('utf8'))).toMatchObject({ items: [{ channel: 'канал é' }] });
  });
});

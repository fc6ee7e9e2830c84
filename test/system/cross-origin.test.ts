/** Answers for pages of other origins: CORS headers and JSON-P, plain and held, byte for byte. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { answering, holding } from '../support/origin.js';

const settings = { hold: { updateOnFirstSubscription: false } };

const CORS =
  'Access-Control-Allow-Methods: OPTIONS, HEAD, GET, POST, PUT, DELETE\r\n' +
  'Access-Control-Allow-Credentials: true\r\n' +
  'Access-Control-Allow-Origin: http://page.example\r\n' +
  'Access-Control-Max-Age: 3600\r\n';

describe('a route with aco', () => {
  const opened = new Opened();

  async function setUp(
    script: Parameters<Opened['origin']>[0],
    props = '',
  ): Promise<{
    port: number;
    holdfast: Awaited<ReturnType<Opened['holdfast']>>;
    origin: Awaited<ReturnType<Opened['origin']>>;
  }> {
    const origin = await opened.origin(script);
    const holdfast = await opened.holdfast({ routes: [`*,aco${props} ${origin.target}`], settings });
    return { port: clientPort(holdfast), holdfast, origin };
  }

  it('adds the headers to an ordinary answer', async () => {
    const { port } = await setUp(answering({ 'Content-Type': 'text/plain', 'Content-Length': '3' }, 'hi\n'));
    const client = await opened.get(port, '/', 'Origin: http://page.example');
    const expected = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${CORS}Content-Length: 3\r\n\r\nhi\n`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('adds them to an error of ours', async () => {
    const holdfast = await opened.holdfast({ routes: ['*,aco 127.0.0.1:1'] });
    const client = await opened.get(clientPort(holdfast), '/', 'Origin: http://page.example');
    const { head, status } = await client.readAnswer();
    expect(status).toBe(502);
    expect(head).toContain(CORS);
  });

  it('adds them to a stream', async () => {
    const { port } = await setUp(holding('stream', 'news', 'open\n'));
    const client = await opened.get(port, '/', 'Origin: http://page.example');
    expect(await client.readUntil('\r\n\r\n')).toContain(CORS);
  });

  it('wraps a JSON-P answer', async () => {
    const { port, origin } = await setUp(async (asked, response) => {
      const body = await asked.body();
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end(`hello ${body}\n`);
    });
    const client = await opened.get(port, '/x?a=1&callback=cb&_method=POST&_body=in');
    const { head, body } = await client.readAnswer();
    expect(head).toContain('Content-Type: application/javascript\r\n');
    expect(body.toString()).toBe(
      '/**/cb({"code": 200, "reason": "OK", "headers": {"Content-Type":"text/plain"}, "body": "hello in\\n"});\n',
    );
    const [request] = origin.requests;
    expect([request?.method, request?.url]).toEqual(['POST', '/x?a=1']);
  });

  it('refuses a callback without a name', async () => {
    const { port } = await setUp(answering({}));
    const client = await opened.get(port, '/?callback=');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([400, 'Invalid callback parameter.\n']);
  });

  it('wraps the answer to a held poll', async () => {
    const { port, holdfast } = await setUp(holding('response', 'news'));
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/?callback=cb');
    await ready;
    holdfast.publish({ channel: 'news', formats: { 'http-response': { body: 'new\n' } } });
    const { body } = await client.readAnswer();
    expect(body.toString()).toBe(
      '/**/cb({"body":"new\\n","code":200,"headers":{"Content-Type":"text/plain"},"reason":"OK"});\n',
    );
  });

  it('wraps the answer that comes after a hold as one that was never held', async () => {
    let asked = 0;
    const { port, holdfast } = await setUp((_request, response) => {
      asked += 1;
      if (asked === 1) holding('response', 'news')(_request, response);
      else answering({ 'Content-Type': 'text/plain', 'X-A': '1' }, 'fresh\n')(_request, response);
    });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/?callback=cb');
    await ready;
    holdfast.publish({ channel: 'news', formats: { 'http-response': { action: 'hint' } } });
    const { head, body } = await client.readAnswer();
    expect(head).not.toContain('X-A: 1');
    expect(body.toString()).toMatch(
      /^\/\*\*\/cb\(\{"code": 200, "reason": "OK", "headers": .*"body": "fresh\\n"\}\);\n$/,
    );
  });

  it('does not wrap a held stream', async () => {
    const { port, holdfast } = await setUp(holding('stream', 'news', 'open\n'));
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/?callback=cb');
    await ready;
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'more\n' } } });
    await client.readUntil('5\r\nopen\n\r\n5\r\nmore\n\r\n');
  });

  it('wraps in basic mode without a status', async () => {
    const { port } = await setUp(answering({ 'Content-Type': 'application/json' }, '{"a":1}\n'), ',jsonp_mode=basic');
    const client = await opened.get(port, '/?callback=cb');
    expect((await client.readAnswer()).body.toString()).toBe('/**/cb({"a":1});\n');
  });

  it('does not wrap a held stream that begins with a long body', async () => {
    const long = 'y'.repeat(150_000);
    const { port, holdfast } = await setUp(holding('stream', 'news', long));
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/?callback=cb');
    await ready;
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'close' } } });
    expect((await client.readAnswer()).body.toString()).toBe(long);
  });
});

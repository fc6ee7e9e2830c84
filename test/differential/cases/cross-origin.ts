/** What a route with `aco` adds to answers for scripts of other origins (specification 3.10). */
import { answer, type Case, get, post } from '../case.js';
import { close, content, instruct, opened, poll, response, stream, TEXT } from '../holds.js';
import type { AnswerScript } from '../recording-origin.js';

/** One request to a route with `aco`, and its answer. */
function allowed(
  name: string,
  origin: AnswerScript,
  headers: readonly string[] = [],
  host = 'cors.example',
  method = 'GET',
): Case {
  return {
    name: `3.10 ${name}`,
    origin,
    run: async (script) => {
      const client = await script.client(get(host, `/${script.key}`, headers).replace('GET', method));
      await client.answered();
    },
  };
}

/** A script of another page that asks for everything it may ask for. */
const ASKING = [
  'Origin: http://page.example',
  'Access-Control-Request-Method: PATCH',
  'Access-Control-Request-Headers: X-One, x-two',
];

const ok = (headers: readonly string[] = []): AnswerScript => {
  return () => answer('200 OK', [TEXT, ...headers], 'ok\n');
};

const ALL_OF_ITS_OWN = [
  'Access-Control-Max-Age: 60',
  'Access-Control-Allow-Origin: http://only.example',
  'Access-Control-Allow-Credentials: false',
  'Access-Control-Expose-Headers: X-Mine',
  'Access-Control-Allow-Headers: X-Mine',
  'Access-Control-Allow-Methods: GET',
];

export const CROSS_ORIGIN: readonly Case[] = [
  allowed('a request without Origin is answered for all', ok()),
  allowed('Origin, method and headers of the request are allowed', ok(), ASKING),
  allowed('names of requested headers come from several lines', ok(), [
    'Access-Control-Request-Headers: X-One,X-Two ,, ',
    'Access-Control-Request-Headers:  X-Three',
  ]),
  allowed('an opaque origin is allowed as it is', ok(), ['Origin: null']),
  allowed('of two origins the first is allowed', ok(), ['Origin: http://one.example', 'Origin: http://two.example']),
  allowed(
    'a preflight is answered by the origin',
    () => 'HTTP/1.1 204 No Content\r\nAllow: GET, PUT\r\n\r\n',
    ASKING,
    'cors.example',
    'OPTIONS',
  ),
  allowed(
    'a preflight is answered by an origin that speaks GRIP',
    () => answer('200 OK', ['Grip-Status: 204', 'X-A: 1'], ''),
    ASKING,
    'cors.example',
    'OPTIONS',
  ),
  allowed(
    'a preflight is answered by a JSON instruct',
    () => instruct({ response: { headers: { Allow: 'GET' }, body: 'sure\n' } }),
    ASKING,
    'cors.example',
    'OPTIONS',
  ),
  {
    name: '3.10 a preflight that is held is answered by a publish',
    origin: poll(['X-Held: 1']),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('cors.example', `/${script.key}`, ASKING).replace('GET', 'OPTIONS'));
      await script.originRequests(1);
      await script.publishUntil(client, 'now\n', response(script, 'a', { body: 'now\n' }));
    },
  },
  allowed('an origin that says everything itself is left alone', ok(ALL_OF_ITS_OWN), ASKING),
  allowed('an origin that says some of it is completed', ok(ALL_OF_ITS_OWN.slice(0, 2)), ASKING),
  allowed('an origin that forbids credentials is obeyed', ok(ALL_OF_ITS_OWN.slice(2, 3)), ASKING),
  allowed('names are compared without case', ok(['access-control-allow-ORIGIN: http://only.example']), ASKING),
  allowed(
    'headers are exposed once, and those that need it not never',
    ok([
      'X-B: 1',
      'x-a: 1',
      'X-b: 2',
      'Cache-Control: no-store',
      'Content-Language: en',
      'Expires: 0',
      'Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT',
      'Pragma: no-cache',
      'Access-Control-Other: 1',
      'Set-Cookie: a=1',
      'ETag: "1"',
    ]),
  ),
  allowed('headers that are meant for Pushpin are not exposed', ok(['Grip-Foo: 1', 'X-A: 1', 'Keep-Alive: 5'])),
  allowed('an answer without a body', () => 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'),
  allowed('an answer to HEAD', () => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ASKING, 'cors.example', 'HEAD'),
  allowed('an answer of a chunked origin', () => {
    return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nok\n\r\n0\r\n\r\n';
  }),
  allowed('a redirect', () => answer('302 Found', ['Location: /elsewhere'], '')),
  allowed('an error of the origin', () => answer('500 Internal Server Error', [TEXT], 'no\n'), ASKING),
  {
    name: '3.10 an answer to POST',
    origin: ok(['X-A: 1']),
    run: async (script) => {
      const client = await script.client(post('cors.example', `/${script.key}`, ASKING, 'body'));
      await client.answered();
    },
  },
  allowed('a route without GRIP', ok(['Grip-Foo: 1']), ASKING, 'cors-signless.example'),
  allowed('no origin is there', ok(), ASKING, 'cors-dead.example'),
  allowed(
    'an instruct that is refused',
    () => answer('200 OK', ['Grip-Hold: never'], ''),
    ASKING,
    'cors-debug.example',
  ),
  allowed('a WebSocket that is refused', () => answer('403 Forbidden', [TEXT, 'X-A: 1'], 'no\n'), [
    ...ASKING.slice(0, 1),
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]),
  {
    name: '3.10 a stream',
    origin: stream(['X-A: 1', 'Access-Control-Max-Age: 7']),
    run: async (script) => {
      const client = await opened(script, get('cors.example', `/${script.key}`, ASKING));
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '3.10 a stream of which only named headers are exposed',
    origin: stream(['X-A: 1', 'X-B: 2', 'Grip-Expose-Headers: X-B']),
    run: async (script) => {
      const client = await opened(script, get('cors.example', `/${script.key}`));
      await script.publish(close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '3.10 a poll that is answered by a publish exposes headers of both',
    origin: poll(['X-Held: 1']),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('cors.example', `/${script.key}`, ASKING));
      await script.originRequests(1);
      const format = { code: 202, headers: { 'X-New': '1', 'Cache-Control': 'no-store' }, body: 'now\n' };
      await script.publishUntil(client, 'now\n', response(script, 'a', format));
    },
  },
  {
    name: '3.10 a publish may allow another origin',
    origin: poll(['Access-Control-Allow-Origin: http://held.example']),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('cors.example', `/${script.key}`, ASKING));
      await script.originRequests(1);
      const headers = { 'access-control-allow-origin': 'http://new.example', 'Access-Control-Max-Age': '9' };
      await script.publishUntil(client, 'now\n', response(script, 'a', { headers, body: 'now\n' }));
    },
  },
  {
    name: '3.10 a poll whose time is over',
    origin: poll(['X-Held: 1', 'Grip-Timeout: 5']),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('cors.example', `/${script.key}`, ASKING));
      await client.answered(12);
    },
  },
];

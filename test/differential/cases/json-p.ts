/** Requests that a script element makes, and answers that are a call of its function (specification 3.11, 4.6, 3.2). */
import { answer, type Case, get } from '../case.js';
import { content, instruct, poll, response, stream, TEXT } from '../holds.js';
import type { AnswerScript } from '../recording-origin.js';

const ok: AnswerScript = () => answer('200 OK', [TEXT], 'ok\n');

/** One request and its answer. `query` stands behind the path as it is. */
function called(
  name: string,
  query: string,
  origin: AnswerScript = ok,
  host = 'cors.example',
  more: Partial<Case> = {},
): Case {
  return {
    name: `3.11 ${name}`,
    origin,
    run: async (script) => {
      const client = await script.client(get(host, `/${script.key}${query}`));
      await client.answered();
    },
    ...more,
  };
}

/** Its origin does not name a length. */
const CHUNKED: Partial<Case> = { freedoms: ['framing'] };

const on = (host: string, name: string, query: string, origin: AnswerScript = ok) => called(name, query, origin, host);

const json = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

const chunked = (...chunks: readonly string[]): AnswerScript => {
  const body = [...chunks, ''].map((chunk) => `${Buffer.byteLength(chunk, 'latin1').toString(16)}\r\n${chunk}\r\n`);
  return () => `HTTP/1.1 200 OK\r\n${TEXT}\r\nTransfer-Encoding: chunked\r\n\r\n${body.join('')}`;
};

/** A held request that a publish answers. */
function heldCall(name: string, host: string, format: object, seen: string, headers: readonly string[] = []): Case {
  return {
    name: `3.11 ${name}`,
    origin: poll(headers),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get(host, `/${script.key}?callback=f`));
      await script.originRequests(1);
      await script.publishUntil(client, seen, response(script, 'a', format));
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  };
}

const REQUESTS: readonly Case[] = [
  called('a callback makes an answer a call', '?callback=f'),
  called('the callback is taken out, the order of the others stays', '?b=2&callback=f&a=1&b=3'),
  called('parameters without a value', '?a&callback=f&b='),
  called('an empty parameter between others', '?a&&callback=f&b='),
  on('basic.example', 'a call in basic mode whose whole answer is known has a length', '?callback=f'),
  on('cors-debug.example', 'an instruct that is refused', '?callback=f', () => answer('200 OK', ['Grip-Hold: x'], '')),
  called('the last of the parameters is the callback', '?a=1&callback=f'),
  called('two callbacks', '?callback=f&callback=g'),
  called('an empty callback', '?callback='),
  called('a callback without a value', '?callback'),
  called('a callback with escapes', '?callback=a.b%5B%22c%22%5D'),
  called('a callback of any letters', '?callback=%C3%A9%2B+'),
  called('a callback whose escape is broken', '?callback=f%zz'),
  called('a callback whose name is escaped', '?call%62ack=f'),
  called('a callback whose name has another case', '?Callback=f'),
  called('another parameter with an escape', '?callback=f&x=a%2Fb'),
  called('other parameters with escapes of all kinds', '?x=%20%25%2B%C3%A9%22&callback=f&%61=b+c%26'),
  called('a method', '?callback=f&_method=DELETE'),
  called('a method in lower case', '?callback=f&_method=patch'),
  called('an empty method', '?callback=f&_method='),
  called('a method with a blank', '?callback=f&_method=A%20B'),
  called('a method with a line break', '?callback=f&_method=A%0aB'),
  called('a body', '?callback=f&_method=POST&_body=a%26b%3D%C3%A9'),
  called('a body with GET', '?callback=f&_body=hello'),
  called('an empty body', '?callback=f&_method=POST&_body='),
  called('no body with POST', '?callback=f&_method=POST'),
  called('a body whose escape is broken', '?callback=f&_method=POST&_body=%4'),
  called('headers', `?callback=f&_headers=${json({ 'X-B': '2', 'X-A': 'one' })}`),
  called('headers that are not taken', `?callback=f&_headers=${json({ Host: 'other', Accept: 'a/b', 'X-A': '1' })}`),
  called(
    'headers, method and body together',
    `?_body=%7B%7D&_method=PUT&callback=f&_headers=${json({ 'Content-Type': 'a/b' })}&x=1`,
  ),
  called('headers of no members', '?callback=f&_headers=%7B%7D'),
  called('empty headers', '?callback=f&_headers='),
  called('headers that are no JSON', '?callback=f&_headers=%7B'),
  called('headers that are a list', '?callback=f&_headers=%5B%5D'),
  called('headers that are text', '?callback=f&_headers=%22a%22'),
  called('a header that is a number', `?callback=f&_headers=${json({ 'X-A': 1 })}`),
  called('a header that is null', `?callback=f&_headers=${json({ 'X-A': null })}`),
  called('method, headers and body without a callback are only parameters', '?_method=PUT&_headers=x&_body=y'),
  {
    name: '3.11 headers of the client come last, its Accept is dropped',
    origin: ok,
    run: async (script) => {
      const target = `/${script.key}?callback=f&_headers=${json({ 'X-A': 'asked', 'User-Agent': 'asked' })}`;
      const headers = ['Accept: text/html', 'X-A: own', 'User-Agent: own', 'Origin: http://page.example'];
      const client = await script.client(get('cors.example', target, headers));
      await client.answered();
    },
  },
  {
    name: '3.11 only GET makes calls',
    origin: ok,
    run: async (script) => {
      const request = `POST /${script.key}?callback=f HTTP/1.1\r\nHost: cors.example\r\nContent-Length: 1\r\n\r\nx`;
      await (await script.client(request)).answered();
    },
  },
  {
    name: '3.11 HEAD makes no call',
    origin: () => 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
    run: async (script) => {
      const client = await script.client(`HEAD /${script.key}?callback=f HTTP/1.1\r\nHost: cors.example\r\n\r\n`);
      await client.answered();
    },
  },
];

const ROUTES: readonly Case[] = [
  on('plain.example', 'a route without aco makes no calls', '?callback=f&_method=PUT'),
  on('basic.example', 'basic mode asks with POST', '?callback=f'),
  on('basic.example', 'basic mode with method, headers and body', `?callback=f&_method=PUT&_headers=%7B%7D&_body=b`),
  on('renamed.example', 'a callback of another name', '?cb=f&callback=g&x=1'),
  on('renamed.example', 'a callback of the usual name on a route that names another', '?callback=f'),
  on('renamed.example', 'a body of another name is JSON', '?cb=f&data=%7B%22a%22%3A1%7D&_method=POST'),
  on(
    'renamed.example',
    'a body of another name replaces the type among the headers',
    `?cb=f&data=1&_headers=${json({ 'content-type': 'a/b', 'X-A': '1' })}`,
  ),
  on('renamed.example', 'an empty body of another name', '?cb=f&data='),
  on('renamed.example', 'a body of the usual name on a route that names another', '?cb=f&_body=x'),
  on('renamed.example', 'a body without a callback', '?data=1'),
  on('fallback.example', 'a body without a callback on a route that has one', '?data=1&x=2'),
  on('fallback.example', 'an empty body without a callback on a route that has one', '?data='),
  on('fallback.example', 'a callback on a route that has one', '?cb=f&data=1'),
  on('fallback.example', 'a callback without a body on a route that has one', '?cb=f'),
  on('fallback.example', 'neither callback nor body on a route that has one', '?x=1'),
];

const ANSWERS: readonly Case[] = [
  called('code, reason and headers stand in the call', '?callback=f', () => {
    return answer('404 Not There', ['X-B: 1', 'X-A: "q"', 'X-B: 2', 'Cache-Control: no-store'], 'no\n');
  }),
  called('two Cache-Control lines', '?callback=f', () => {
    return answer('200 OK', ['Cache-Control: no-store', 'X-A: 1', 'cache-control: private'], 'ok\n');
  }),
  called('text of every kind', '?callback=f', () => {
    return answer('200 OK', [TEXT], '"\\/\b\f\n\r\t\u0001\u007f</script>é€\u{1f600}');
  }),
  called('line ends of JavaScript', '?callback=f', () => answer('200 OK', [TEXT], 'a\u2028b\u2029c')),
  called('an empty answer', '?callback=f', () => answer('200 OK', [], '')),
  called('an answer without a body', '?callback=f', () => 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n'),
  called('a redirect', '?callback=f', () => answer('302 Found', ['Location: /x'], '')),
  called('an answer in chunks', '?callback=f', chunked('one\n', '"two"', '\n'), 'cors.example', CHUNKED),
  called('an instruct without a hold', '?callback=f', () => {
    return answer('200 OK', [TEXT, 'Grip-Status: 203 Told', 'X-A: 1'], 'ok\n');
  }),
  called('a JSON instruct without a hold', '?callback=f', () => {
    return instruct({ response: { code: 202, headers: [['X-A', '1']], body: 'ok\n' } });
  }),
  on('basic.example', 'basic mode gives the body', '?callback=f', () => {
    return answer('404 Not Found', ['X-A: 1', 'Cache-Control: no-store'], '{"a": 1}\r\n');
  }),
  on('basic.example', 'basic mode takes one line end off', '?callback=f', () => answer('200 OK', [], '[1]\n\n')),
  on('basic.example', 'basic mode with an empty answer', '?callback=f', () => answer('200 OK', [], '')),
  on('basic.example', 'basic mode without a line end', '?callback=f', () => answer('200 OK', [], '"x"')),
  on('basic.example', 'basic mode with a body that is no script', '?callback=f', () => answer('200 OK', [], 'a b(\n')),
  called('basic mode with an answer in chunks', '?callback=f', chunked('[1,', '2]\n'), 'basic.example', CHUNKED),
  on('basic.example', 'basic mode with an empty callback', '?callback='),
];

const HELD: readonly Case[] = [
  heldCall('a held call is answered by a publish', 'cors.example', { body: 'now\n' }, '\n', ['X-A: 1']),
  heldCall(
    'a held call gets code, reason and headers in the call',
    'cors.example',
    {
      code: 404,
      reason: 'Not "There"',
      headers: [
        ['X-B', '2'],
        ['x-b', '3'],
        ['Cache-Control', 'no-store'],
      ],
      body: '"é\n',
    },
    ');\n',
    ['X-A: 1', 'X-A: 2'],
  ),
  heldCall('a held call in basic mode', 'basic.example', { code: 404, body: '{"a":1}\n' }, ');\n', ['X-A: 1']),
  heldCall('a held call in basic mode and two line ends', 'basic.example', { body: '[1]\n\n' }, ');\n'),
  heldCall('a held call in basic mode without text', 'basic.example', { body: '' }, ');\n'),
  {
    name: '3.11 a held call whose time is over',
    origin: poll(['X-A: 1', 'Grip-Timeout: 5']),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const extended = await script.client(get('cors.example', `/${script.key}?callback=f`));
      await script.originRequests(1);
      await extended.answered(12);
    },
  },
  {
    name: '3.11 a stream in a call',
    origin: stream(['X-A: 1']),
    run: async (script) => {
      const client = await script.client(get('cors.example', `/${script.key}?callback=f`));
      await client.until('open');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish(content(script, 'a', 'one "1"\n'));
      await client.until('one');
    },
  },
];

export const JSON_P: readonly Case[] = [...REQUESTS, ...ROUTES, ...ANSWERS, ...HELD];

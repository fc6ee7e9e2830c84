/** What the client reads of an origin's answer (specification 3.6, 3.7, 4.4, 15.5). */
import { answer, type Case, get } from '../case.js';
import type { Answer } from '../recording-origin.js';

const text = 'Content-Type: text/plain';

function relayed(name: string, bytes: Answer, more: Partial<Case> = {}): Case {
  return {
    name,
    origin: () => bytes,
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.answered();
    },
    ...more,
  };
}

export const PASS_THROUGH: readonly Case[] = [
  relayed(
    '3.6 headers are relayed in order with their duplicates',
    answer('200 OK', [text, 'X-B: 1', 'Set-Cookie: a=1', 'x-a: 2', 'Set-Cookie: b=2'], 'body\n'),
  ),
  relayed(
    '3.6 hop-by-hop headers of the origin are removed',
    answer('200 OK', [text, 'Connection: keep-alive', 'Keep-Alive: timeout=9', 'X-Kept: 1'], 'body\n'),
  ),
  relayed('3.6 a status with a phrase of its own', answer('299 Quite Fine', [text], 'body\n')),
  relayed('3.6 a redirect is relayed, not followed', answer('302 Found', ['Location: /elsewhere'], '')),
  relayed('3.6 an error of the origin is relayed', answer('500 Internal Server Error', [text], 'broken\n')),
  relayed('3.6 an empty answer has length zero', answer('200 OK', [], '')),
  relayed('3.6 a 204 has neither body nor length', 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n'),
  relayed('3.6 a 304 has no body', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'),
  relayed(
    '3.6 a chunked answer',
    `HTTP/1.1 200 OK\r\n${text}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n there\n\r\n0\r\n\r\n`,
    { freedoms: ['framing'] },
  ),
  relayed(
    '3.6 an answer that ends with its connection',
    { bytes: `HTTP/1.1 200 OK\r\n${text}\r\n\r\nuntil the end\n`, after: 'close' },
    { freedoms: ['framing'] },
  ),
  relayed('3.6 a header without a blank after its colon', answer('200 OK', ['X-Tight:1'], 'body\n')),
  relayed('3.6 a header without a value', answer('200 OK', ['X-Empty: ', 'X-B: 1'], 'body\n')),
  relayed('3.6 a long answer', answer('200 OK', [text], `${'0123456789abcdef'.repeat(20_000)}last\n`)),
  {
    name: '3.6 an answer to HEAD has no body',
    origin: () => `HTTP/1.1 200 OK\r\n${text}\r\nContent-Length: 5\r\n\r\n`,
    run: async (script) => {
      const client = await script.client(`HEAD /${script.key} HTTP/1.1\r\nHost: plain.example\r\n\r\n`);
      await client.until('\r\n\r\n');
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  },
  {
    name: '3.6 an origin that dies in the middle of a chunked answer',
    origin: () => `HTTP/1.1 200 OK\r\n${text}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n20\r\nand`,
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('and');
      script.hangUpOrigin();
      await client.untilOrClosed('0\r\n\r\n');
    },
  },
  {
    name: '3.7 a Grip header without a hold makes a plain answer with a length',
    origin: () =>
      `HTTP/1.1 200 OK\r\n${text}\r\nGrip-Foo: 1\r\nX-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n1\r\n\n\r\n0\r\n\r\n`,
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.answered();
    },
  },
  relayed(
    '3.7 a channel without a hold makes a plain answer',
    answer('201 Created', [text, 'Grip-Channel: a'], 'body\n'),
  ),
  {
    name: '3.7 Grip-Expose-Headers and a long first body',
    origin: ({ key }) =>
      answer(
        '200 OK',
        [text, 'X-A: 1', 'X-B: 2', 'Grip-Hold: stream', `Grip-Channel: ${key}-a`, 'Grip-Expose-Headers: x-a'],
        `${'x'.repeat(150_000)}last\n`,
      ),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('last\n');
    },
  },
  {
    name: '3.7 an instruct that is too large is refused',
    origin: () => answer('200 OK', ['Grip-Hold: response', 'Grip-Channel: a'], 'x'.repeat(100_001)),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  },
  relayed(
    '4.2 Grip-Status and Grip-Expose-Headers shape an answer without a hold',
    answer(
      '200 OK',
      [text, 'X-A: 1', 'X-B: 2', 'Grip-Status: 418 Teapot', 'Grip-Expose-Headers: x-b, content-type'],
      'tea\n',
    ),
  ),
  relayed(
    '4.3 a JSON instruct without a hold replaces the whole answer',
    answer(
      '200 OK',
      ['Content-Type: application/grip-instruct', 'X-Gone: 1'],
      JSON.stringify({
        response: { code: 404, headers: { 'X-Z': '1', 'Content-Type': 'text/plain' }, body: 'none\n' },
      }),
    ),
  ),
  relayed(
    '4.3 a JSON instruct with a list of headers and a binary body',
    answer(
      '200 OK',
      ['Content-Type: application/grip-instruct; charset=utf-8'],
      JSON.stringify({
        response: {
          headers: [
            ['X-Z', '1'],
            ['X-A', '2'],
            ['X-Z', '3'],
          ],
          'body-bin': 'AGJpbgo=',
        },
      }),
    ),
  ),
  relayed(
    '4.3 a JSON instruct with a status of its own and no reason',
    answer(
      '200 OK',
      ['Content-Type: application/grip-instruct'],
      JSON.stringify({ response: { code: 299, body: 'own\n' } }),
    ),
  ),
  {
    name: '15.5 a connection serves one request after the other',
    origin: (_request, index) => answer('200 OK', [text], `answer ${index + 1}\n`),
    run: async (script) => {
      const one = get('plain.example', `/${script.key}/1`);
      const client = await script.client(one);
      await client.until('answer 1\n');
      client.send(get('plain.example', `/${script.key}/2`));
      await client.until('answer 2\n');
      client.send(get('plain.example', `/${script.key}/3`, ['Connection: close']));
      await client.closed();
    },
  },
  {
    name: '15.5 an HTTP/1.0 client gets its answer and the end',
    origin: () => answer('200 OK', [text], 'old\n'),
    run: async (script) => {
      const client = await script.client(`GET /${script.key} HTTP/1.0\r\nHost: plain.example\r\n\r\n`);
      await client.closed();
    },
  },
  {
    name: '15.5 an HTTP/1.0 client may keep its connection',
    origin: () => answer('200 OK', [text], 'old\n'),
    run: async (script) => {
      const request = `GET /${script.key} HTTP/1.0\r\nHost: plain.example\r\nConnection: Keep-Alive\r\n\r\n`;
      const client = await script.client(request);
      await client.until('old\n');
      client.send(request);
      await client.until('old\n');
    },
  },
  {
    name: '15.5 Expect: 100-continue is answered before the body is read',
    origin: () => answer('200 OK', [text], 'thanks\n'),
    run: async (script) => {
      const head = `POST /${script.key} HTTP/1.1\r\nHost: plain.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
      const client = await script.client(head);
      await client.until('100 Continue\r\n\r\n');
      client.send('body');
      await client.answered();
    },
  },
];

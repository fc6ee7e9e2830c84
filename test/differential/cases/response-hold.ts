/** Long polls: a request held until something is published or its time is over (specification 4.2, 4.3, 4.6, 4.12). */
import { answer, type Case, get, post } from '../case.js';

const text = 'Content-Type: text/plain';

/** A refused instruct, seen on a debug route. */
function refused(name: string, headers: readonly string[], body: string): Case {
  return {
    name,
    origin: () => answer('200 OK', headers, body),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  };
}

const instruct = 'Content-Type: application/grip-instruct';

export const RESPONSE_HOLD: readonly Case[] = [
  {
    name: '4.6 a held request is answered by a publish',
    origin: ({ key }) => answer('200 OK', [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a`], 'late\n'),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      const body = { code: 201, reason: 'Made', headers: { 'X-E': '1' }, body: 'published\n' };
      await script.publishUntil(client, 'published\n', { channel: script.channel('a'), 'http-response': body });
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  },
  {
    name: '4.6 published headers replace held ones and come after them',
    origin: ({ key }) =>
      answer(
        '200 OK',
        [text, 'X-One: held', 'X-Two: held', 'X-Three: held', 'Grip-Hold: response', `Grip-Channel: ${key}-a`],
        'late\n',
      ),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      const headers = [
        ['x-two', 'published'],
        ['X-New', '1'],
        ['X-New', '2'],
        ['Grip-Hidden', '1'],
      ];
      const item = { channel: script.channel('a'), 'http-response': { headers, body: 'published\n' } };
      await script.publishUntil(client, 'published\n', item);
    },
  },
  {
    name: '4.6 a publish with a binary body and a status without a reason',
    origin: ({ key }) => answer('200 OK', [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a`], ''),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      const item = { channel: script.channel('a'), 'http-response': { code: 404, 'body-bin': 'AP9ieQo=' } };
      await script.publishUntil(client, 'by\n', item);
    },
  },
  {
    name: '5.3 a publish with an empty reason',
    origin: ({ key }) => answer('200 OK', [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a`], ''),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      const format = { code: 404, reason: '', body: 'gone\n' };
      await script.publishUntil(client, 'gone\n', { channel: script.channel('a'), 'http-response': format });
    },
  },
  {
    name: '4.6 any of several channels answers, a stream format does not',
    origin: ({ key }) => {
      return answer(
        '200 OK',
        [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a, ${key}-b`, `Grip-Channel: ${key}-c`],
        '',
      );
    },
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(
        client,
        'from c\n',
        { channel: script.channel('a'), 'http-stream': { content: 'stream\n' } },
        { channel: script.channel('b'), 'http-response': { action: 'close' } },
        { channel: script.channel('c'), 'http-response': { body: 'from c\n' } },
      );
    },
  },
  {
    name: '4.6 Grip-Timeout answers with the held response',
    origin: ({ key }) =>
      answer(
        '200 OK',
        [text, 'X-Held: 1', 'Grip-Hold: response', `Grip-Channel: ${key}-a`, 'Grip-Timeout: 5'],
        'nothing\n',
      ),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.answered(12);
    },
  },
  {
    name: '4.3 a JSON hold without a mode is a response hold',
    origin: ({ key }) =>
      answer(
        '200 OK',
        [instruct],
        JSON.stringify({ hold: { channels: [{ name: `${key}-a` }] }, response: { body: 'late\n' } }),
      ),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(post('plain.example', `/${script.key}`, [text], 'question'));
      await script.originRequests(1);
      const item = { channel: script.channel('a'), 'http-response': { body: 'published\n' } };
      await script.publishUntil(client, 'published\n', item);
    },
  },
  {
    name: '4.5 the route prefix is put before channel names',
    origin: ({ key }) => answer('200 OK', [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a`], ''),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('prefix.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(
        client,
        'prefixed\n',
        { channel: script.channel('a'), 'http-response': { body: 'bare\n' } },
        { channel: `pre-${script.channel('a')}`, 'http-response': { body: 'prefixed\n' } },
      );
    },
  },
  {
    name: '4.12 a first subscription asks the origin once more a second later',
    origin: ({ key }, index) =>
      index === 0
        ? answer('200 OK', [text, 'Grip-Hold: response', `Grip-Channel: ${key}-a`, 'Grip-Timeout: 5'], 'same\n')
        : answer('200 OK', [text], 'same\n'),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.answered(10);
    },
  },
  refused('4.3 an unknown hold mode is refused', ['Grip-Hold: Response', 'Grip-Channel: a'], ''),
  refused(
    '4.3 too many filters are refused',
    ['Grip-Channel: a; filter=1; filter=2; filter=3; filter=4; filter=5; filter=6'],
    "not 'a'\n",
  ),
  refused('4.3 a timeout that is no number is refused', ['Grip-Hold: response', 'Grip-Timeout: soon'], ''),
  refused('4.3 a negative timeout is refused', ['Grip-Hold: response', 'Grip-Timeout: -1'], ''),
  refused('4.3 a bad Grip-Status is refused', ['Grip-Status: fine'], ''),
  refused(
    '4.3 a keep-alive of an unknown format is refused',
    ['Grip-Hold: stream', 'Grip-Keep-Alive: a; format=x'],
    '',
  ),
  refused(
    '4.3 a keep-alive with a broken escape is refused',
    ['Grip-Hold: stream', 'Grip-Keep-Alive: a\\x1; format=cstring'],
    '',
  ),
  refused('4.3 a JSON instruct that is no JSON is refused', [instruct], '{'),
  refused('4.3 a JSON instruct that is a list is refused', [instruct], '[]'),
  refused('4.3 a JSON hold without channels is refused', [instruct], '{"hold":{}}'),
  refused('4.3 a JSON channel without a name is refused', [instruct], '{"hold":{"channels":[{}]}}'),
  refused('4.3 a JSON header of the wrong type is refused', [instruct], '{"response":{"headers":{"A":1}}}'),
  {
    name: '4.3 a JSON instruct must come with status 200',
    origin: () => answer('201 Created', [instruct], '{}'),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '4.3 a refused instruct tells nothing without debug',
    origin: () => answer('200 OK', ['Grip-Hold: never'], ''),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.answered();
    },
  },
];

/** What a publish makes of a held request: status, headers, body, patches, and actions (specification 4.6, 5.3, 5.5). */
import { answer, type Case, get } from '../case.js';
import { close, content, opened, poll, response, stream } from '../holds.js';
import type { Script } from '../script.js';

/** A held request that one format answers; `seen` ends the answer. */
function answered(name: string, format: object, seen = '\r\n\r\n', headers: readonly string[] = ['X-Held: 1']): Case {
  return {
    name,
    origin: poll(headers, 'late\n', '200 Fine'),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(client, seen, response(script, 'a', format));
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  };
}

/** Patches a held body. `held` is the origin's body as it is. */
function patched(name: string, held: string, patch: readonly unknown[], more: object = {}): Case {
  return {
    name: `5.5 ${name}`,
    origin: ({ key }) =>
      answer('200 OK', ['Content-Type: application/json', 'Grip-Hold: response', `Grip-Channel: ${key}-a`], held),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(client, '\r\n\r\n', response(script, 'a', { 'body-patch': patch, ...more }));
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  };
}

const op = (name: string, path: string, more: object = {}): object => ({ op: name, path, ...more });

const ANSWERS: readonly Case[] = [
  answered('5.3 a code without a reason takes the usual one', { code: 413, body: 'x\n' }, 'x\n'),
  answered('5.3 a code nobody knows', { code: 299, body: 'x\n' }, 'x\n'),
  answered('5.3 a code that is numeric text', { code: '404', body: 'x\n' }, 'x\n'),
  answered('5.3 a code with a fraction', { code: 404.9, body: 'x\n' }, 'x\n'),
  answered('5.3 a reason without a code', { reason: 'Sure', body: 'x\n' }, 'x\n'),
  answered('5.3 a reason of other letters', { reason: 'Sch\u00f6n \u20ac', body: 'x\n' }, 'x\n'),
  answered('5.3 an empty body', { code: 201, body: '' }),
  answered(
    '5.3 a binary body goes before a body, and that before a patch',
    {
      body: 'text\n',
      'body-bin': 'YmluCg==',
      'body-patch': [],
    },
    'bin\n',
  ),
  answered('5.3 base64 with letters that are none of it', { 'body-bin': 'YW\nJj-Cg' }, 'bc'),
  answered(
    '5.3 headers as an object come sorted',
    { headers: { 'X-B': '2', 'X-A': '1', 'x-held': 'new' }, body: 'x\n' },
    'x\n',
  ),
  answered(
    '5.3 headers as a list keep order and doubles',
    {
      headers: [
        ['X-B', '2'],
        ['X-A', '1'],
        ['x-b', '3'],
      ],
      body: 'x\n',
    },
    'x\n',
  ),
  answered(
    '5.3 headers that are not for a publisher',
    {
      headers: {
        'Content-Length': '99',
        Connection: 'close',
        'Transfer-Encoding': 'chunked',
        'Keep-Alive': '5',
        'Grip-X': '1',
      },
      body: 'x\n',
    },
    'x\n',
  ),
  answered(
    '5.3 a header without a value',
    {
      headers: [
        ['X-Empty', ''],
        ['X-A', '1'],
      ],
      body: 'x\n',
    },
    'x\n',
  ),
  answered('5.3 a header value of other letters', { headers: { 'X-A': '\u00e9\u20ac' }, body: 'x\n' }, 'x\n'),
  answered(
    '4.6 exposed headers of a publish are taken out',
    { headers: { 'Grip-Expose-Headers': 'X-Held, x-new', 'X-New': '1', 'X-Other': '2' }, body: 'x\n' },
    'x\n',
  ),
  answered('4.6 the status of the hold is of no account', { body: 'x\n' }, 'x\n', [
    'Grip-Status: 404 Gone',
    'X-Held: 1',
  ]),
  answered('4.6 exposed headers of the hold', { headers: { 'X-New': '1' }, body: 'x\n' }, 'x\n', [
    'Grip-Expose-Headers: X-Held',
    'X-Held: 1',
    'X-Hidden: 1',
  ]),
  {
    name: '4.6 close and refresh are nothing to a held request',
    origin: poll(),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(
        client,
        'now\n',
        response(script, 'a', { action: 'close' }),
        response(script, 'a', { action: 'send', body: 'now\n' }),
      );
    },
  },
  {
    name: '4.6 two held requests are answered by one publish',
    origin: poll(),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const first = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      const second = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(2);
      const item = response(script, 'a', { body: 'now\n' });
      await Promise.all([script.publishUntil(first, 'now\n', item), script.publishUntil(second, 'now\n', item)]);
    },
  },
];

const HELD = '{"b":[1,2,3],"a":{"x":1.0,"y":"t","k/1":{"m~n":null}},"e":12345678901234567890}';

const PATCHES: readonly Case[] = [
  patched('an empty patch writes the body anew', '{"b":1.50,"a":[1e3,-0.0,true, null],"c":{}}\r\n', []),
  patched('a list at the root', '[1, 2]\n', [op('add', '/-', { value: { b: 1, a: [2] } })]),
  patched('add sets a member', HELD, [op('add', '/a/new', { value: 'v' }), op('add', '/a/x', { value: 2 })]),
  patched('add puts a value in the place of one in a list', HELD, [op('add', '/b/1', { value: 'new' })]),
  patched('add behind the end of a list fails', HELD, [op('add', '/b/3', { value: 4 })]),
  patched('remove takes out members and elements', HELD, [op('remove', '/a/y'), op('remove', '/b/0')]),
  patched('replace', HELD, [op('replace', '/a/x', { value: null }), op('replace', '/b/2', { value: [] })]),
  patched('replace of the root', HELD, [op('replace', '/', { value: { all: 'new' } })]),
  patched('replace of what is not there fails', HELD, [op('replace', '/z', { value: 1 })]),
  patched('move', HELD, [op('move', '/c', { from: '/a/y' }), op('move', '/b/-', { from: '/b/0' })]),
  patched('move into itself fails', HELD, [op('move', '/a/x/y', { from: '/a' })]),
  patched('copy', HELD, [op('copy', '/c', { from: '/a' }), op('add', '/c/x', { value: 9 })]),
  patched('test passes', HELD, [op('test', '/a/y', { value: 't' }), op('add', '/ok', { value: true })]),
  patched('test of a number that is rounded up', '{"x":2}', [op('test', '/x', { value: 1.9 })]),
  patched('test of a list', HELD, [op('test', '/b', { value: [1, 2, 3] })]),
  patched('test of an object', '{"o":{"a":"1","b":true}}', [op('test', '/o', { value: { b: true, a: '1' } })]),
  patched('test of nothing', HELD, [op('test', '/a/k~11/m~0n', { value: null })]),
  patched('test of a whole number', HELD, [op('test', '/a/x', { value: 1 })]),
  patched('test of a number that is rounded down', HELD, [op('test', '/a/x', { value: 1.4 })]),
  patched('test of a number and text', HELD, [op('test', '/a/x', { value: '1' })]),
  patched('test fails', HELD, [op('test', '/a/y', { value: 'u' })]),
  patched('escapes in a pointer', HELD, [op('replace', '/a/k~11/m~0n', { value: 'found' })]),
  patched('a pointer without a slash fails', HELD, [op('remove', 'a')]),
  patched('a pointer with an empty part fails', HELD, [op('add', '/a//x', { value: 1 })]),
  patched('an index that is no number fails', HELD, [op('remove', '/b/x')]),
  patched('an operation nobody knows fails', HELD, [op('merge', '/a', { value: {} })]),
  patched('an operation without a value fails', HELD, [op('add', '/a/new')]),
  patched('a body that is no JSON fails', 'late\n', [op('add', '/a', { value: 1 })]),
  patched('a body that is a number fails', '1', []),
  patched('a patch with a status and headers', '{"a":1}', [op('add', '/b', { value: 2 })], {
    code: 206,
    reason: 'Patched',
    headers: { 'X-Patched': '1', 'content-type': 'application/merged+json' },
  }),
];

/** A stream and what actions of formats that are not for it do. */
function unmoved(name: string, items: (script: Script) => readonly object[]): Case {
  return {
    name,
    origin: stream(),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      for (const item of items(script)) await script.publish({ channel: script.channel('a'), ...item });
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  };
}

const STREAMS: readonly Case[] = [
  unmoved('5.3 formats for others are nothing to a stream', () => [
    { 'http-response': { body: 'no\n' } },
    { 'ws-message': { content: 'no\n' } },
    { 'http-response': { action: 'close' }, 'ws-message': { action: 'close', code: 1000, reason: 'no' } },
    { formats: { 'http-response': { body: 'no\n' } }, 'http-stream': { content: 'no\n' } },
  ]),
  unmoved('5.3 an action other than send has no content', () => [
    { 'http-stream': { action: 'hint', content: 1 } },
    { 'http-stream': { action: 'hint', 'content-filters': 1 } },
  ]),
  unmoved('5.3 an action written out', () => [{ 'http-stream': { action: 'send', content: 'sent\n' } }]),
  unmoved('5.3 empty content', () => [{ 'http-stream': { content: '' } }, { 'http-stream': { 'content-bin': '' } }]),
  unmoved('5.3 binary content goes before content', () => [
    { 'http-stream': { content: 'no', 'content-bin': 'YmluCg==' } },
  ]),
  unmoved('5.2 members nobody knows', () => [{ user: 1, expires: 'x', 'http-stream': { content: 'in\n', extra: {} } }]),
  unmoved('5.2 a size is of no account to a subscriber', () => [{ size: 100000, 'http-stream': { content: 'in\n' } }]),
  unmoved('5.6 no-seq lets an item pass its turn', () => [
    { id: 'a', 'http-stream': { content: 'a\n' } },
    { id: 'c', 'prev-id': 'b', 'no-seq': true, 'http-stream': { content: 'c\n' } },
  ]),
  unmoved('5.6 no-seq leaves the last id as it was', () => [
    { id: 'a', 'http-stream': { content: 'a\n' } },
    { id: 'x', 'no-seq': true, 'http-stream': { content: 'x\n' } },
    { id: 'b', 'prev-id': 'a', 'http-stream': { content: 'b\n' } },
  ]),
  unmoved('5.6 an item without an id lets the next one pass', () => [
    { id: 'a', 'http-stream': { content: 'a\n' } },
    { 'http-stream': { content: 'nameless\n' } },
    { id: 'z', 'prev-id': 'y', 'http-stream': { content: 'z\n' } },
  ]),
  unmoved('5.6 of two items after the same one the second is lost when both wait', () => [
    { id: 'a', 'http-stream': { content: 'a\n' } },
    { id: 'c', 'prev-id': 'b', 'http-stream': { content: 'c\n' } },
    { id: 'd', 'prev-id': 'b', 'http-stream': { content: 'd\n' } },
    { id: 'b', 'prev-id': 'a', 'http-stream': { content: 'b\n' } },
  ]),
];

export const HELD_PUBLISHING: readonly Case[] = [...ANSWERS, ...PATCHES, ...STREAMS];

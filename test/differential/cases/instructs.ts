/** What an origin may say in headers and in a JSON instruct, and how a bad word of it is refused (specification 4.2, 4.3). */
import { answer, type Case, get } from '../case.js';
import { close, content, INSTRUCT, instruct, opened, stream, TEXT } from '../holds.js';
import type { AnswerScript } from '../recording-origin.js';
import type { Script, Wire } from '../script.js';

/** One request to the debug route, which tells why an instruct is refused. */
function told(name: string, origin: AnswerScript): Case {
  return {
    name,
    origin,
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  };
}

const headers = (name: string, ...lines: readonly string[]): Case =>
  told(`4.2 ${name}`, () => answer('200 Fine', [TEXT, 'X-A: 1', ...lines], 'body\n'));

const json = (name: string, text: string): Case => told(`4.3 ${name}`, () => answer('200 Fine', [INSTRUCT], text));

/** Members of a hold beside its channels. */
const hold = (name: string, members: string): Case => json(name, `{"hold":{"channels":[],${members}}}`);

const channel = (name: string, members: string): Case => json(name, `{"hold":{"channels":[{"name":"c",${members}}]}}`);

const held = (name: string, members: string): Case => json(name, `{"response":{${members}}}`);

const BAD_HEADERS: readonly Case[] = [
  headers('an empty hold mode is refused', 'Grip-Hold: '),
  headers('an empty timeout is refused', 'Grip-Hold: response', 'Grip-Timeout: '),
  headers('a timeout that is no whole number is refused', 'Grip-Hold: response', 'Grip-Timeout: 1.5'),
  headers('a timeout is refused without a hold too', 'Grip-Timeout: x'),
  headers('of a bad hold and a bad timeout the hold is named', 'Grip-Timeout: x', 'Grip-Hold: x'),
  headers('a keep-alive of parameters only is refused', 'Grip-Hold: stream', 'Grip-Keep-Alive: ; format=raw'),
  headers('a keep-alive of an unknown mode is refused', 'Grip-Hold: stream', 'Grip-Keep-Alive: a; mode=often'),
  headers('a keep-alive whose time is no number is refused', 'Grip-Hold: stream', 'Grip-Keep-Alive: a; timeout=x'),
  headers('a keep-alive of a negative time is refused', 'Grip-Hold: stream', 'Grip-Keep-Alive: a; timeout=-1'),
  headers(
    'a keep-alive that ends in an escape is refused',
    'Grip-Hold: stream',
    'Grip-Keep-Alive: a\\; format=cstring',
  ),
  headers('a keep-alive without hex digits is refused', 'Grip-Hold: stream', 'Grip-Keep-Alive: \\xg0; format=cstring'),
  headers('a status of three nines and one is refused', 'Grip-Status: 1000'),
  headers('a negative status is refused', 'Grip-Status: -1'),
  headers('a status without a number is refused', 'Grip-Status: OK 200'),
  headers('a link without brackets is refused', 'Grip-Link: /next; rel=next'),
  headers('a link of nothing is refused', 'Grip-Link: <>; rel=next'),
  headers('a link that is no URI is refused', 'Grip-Link: <http://[/>; rel=next'),
  headers('a link whose time is no number is refused', 'Grip-Link: </next>; rel=next; timeout=x'),
  headers('a link of a negative time is refused', 'Grip-Link: </next>; rel=next; timeout=-1'),
];

const PLAIN_HEADERS: readonly Case[] = [
  headers('a status with a reason', 'Grip-Status: 404 Not There'),
  headers('a status without a reason takes the usual one', 'Grip-Status: 413'),
  headers('a status nobody knows', 'Grip-Status: 299'),
  headers('the least status', 'Grip-Status: 0'),
  headers('the last status', 'Grip-Status: 999 The Last'),
  headers('a status of three blanks', 'Grip-Status: 201   Made  It '),
  headers('an empty status is none', 'Grip-Status: '),
  headers('of two status headers the first counts', 'Grip-Status: 201', 'Grip-Status: 202'),
  headers('only exposed headers remain', 'X-B: 2', 'x-c: 3', 'Grip-Expose-Headers: X-C,, x-a'),
  headers('exposed headers are named on two lines', 'X-B: 2', 'Grip-Expose-Headers: x-b', 'Grip-Expose-Headers: X-A'),
  headers('exposed headers that are not there', 'Grip-Expose-Headers: X-Z'),
  headers('an empty list of exposed headers exposes all', 'Grip-Expose-Headers: '),
  headers('links without parameters are passed over', 'Grip-Link: </next>'),
  headers('links of another kind are passed over', 'Grip-Link: </next>; rel=last'),
  headers('a hold on no channel that is no hold', 'Grip-Channel: a; filter=skip-self, b'),
  headers('meta without a hold', 'Grip-Set-Meta: a=1, b="2, 3", c'),
];

const BAD_JSON: readonly Case[] = [
  json('an empty JSON instruct is refused', ''),
  json('a JSON instruct that is text is refused', '"x"'),
  json('a JSON instruct that is null is refused', 'null'),
  json('a JSON instruct with something behind it is refused', '{} {}'),
  json('a hold that is a list is refused', '{"hold":[]}'),
  json('a hold that is null is refused', '{"hold":null}'),
  hold('a mode that is a number is refused', '"mode":1'),
  hold('a mode of another case is refused', '"mode":"Stream"'),
  json('channels that are an object are refused', '{"hold":{"channels":{}}}'),
  json('a channel that is text is refused', '{"hold":{"channels":["a"]}}'),
  json('a channel whose name is a number is refused', '{"hold":{"channels":[{"name":1}]}}'),
  channel('a prev-id that is a number is refused', '"prev-id":1'),
  channel('filters that are text are refused', '"filters":"skip-self"'),
  channel('a filter that is a number is refused', '"filters":[1]'),
  hold('a timeout that is a list is refused', '"timeout":[]'),
  hold('a timeout that is null is refused', '"timeout":null'),
  hold('a timeout below nothing is refused', '"timeout":-1'),
  hold('a keep-alive that is text is refused', '"keep-alive":"x"'),
  hold('a keep-alive whose content is a number is refused', '"keep-alive":{"content":1}'),
  hold('a keep-alive whose binary content is a number is refused', '"keep-alive":{"content-bin":1}'),
  hold('a keep-alive whose time is an object is refused', '"keep-alive":{"content":"a","timeout":{}}'),
  hold('a keep-alive whose time is negative is refused', '"keep-alive":{"content":"a","timeout":-1}'),
  hold('meta that is a list is refused', '"meta":[]'),
  hold('meta with a number is refused', '"meta":{"k":1}'),
  json('a response that is a list is refused', '{"response":[]}'),
  held('a code that is a list is refused', '"code":[]'),
  held('a code that is text without a number', '"code":"x","body":"b"'),
  held('a code of four digits is refused', '"code":1000'),
  held('a negative code is refused', '"code":-1'),
  held('a reason that is a number is refused', '"reason":1'),
  held('headers that are text are refused', '"headers":"x"'),
  held('a header that is no pair is refused', '"headers":[1]'),
  held('a header of three elements is refused', '"headers":[["a","b","c"]]'),
  held('a header whose name is a number is refused', '"headers":[[1,"b"]]'),
  held('a header whose value is a number is refused', '"headers":[["a",1]]'),
  held('a body that is an object is refused', '"body":{}'),
  held('a binary body that is a number is refused', '"body-bin":1'),
];

const PLAIN_JSON: readonly Case[] = [
  json('a JSON instruct of nothing', '{}'),
  json('members nobody knows', '{"x":1,"response":{"y":2,"body":"z"}}'),
  held('a code without a reason', '"code":404,"body":"no\\n"'),
  held('a reason without a code', '"reason":"Sure","body":"yes\\n"'),
  held('an empty reason', '"code":201,"reason":"","body":"yes\\n"'),
  held('a code that is numeric text', '"code":"201","body":"b"'),
  held('a code that is true', '"code":true,"body":"b"'),
  held('a code with a fraction', '"code":201.5,"body":"b"'),
  held('headers without a body', '"headers":{"X-A":"1"}'),
  held('an empty body', '"headers":{"X-A":"1"},"body":""'),
  held(
    'headers as an object come sorted',
    '"headers":{"X-B":"1","X-A":"2","Content-Length":"9","Grip-X":"1"},"body":"b"',
  ),
  held(
    'headers as a list keep order and doubles',
    '"headers":[["X-B","1"],["X-A","2"],["x-b","3"],["Connection","x"]],"body":"b"',
  ),
  held('a binary body goes before a body', '"body":"text","body-bin":"AP8="'),
  held('a body of all letters', '"body":"\\u00e9\\ud83d\\ude00\\n"'),
  told('4.3 a type with a parameter', () =>
    answer('200 OK', ['Content-Type: application/grip-instruct; charset=utf-8', 'X-A: 1'], '{"response":{"body":"b"}}'),
  ),
  told('4.3 a type of another case is no instruct', () =>
    answer('200 OK', ['Content-Type: Application/grip-instruct'], '{"response":{"body":"b"}}'),
  ),
  told('4.1 a status in headers is laid over by JSON', () =>
    instruct({ response: { code: 203, body: 'b' } }, [
      'Grip-Status: 404 Not There',
      'X-A: 1',
      'Grip-Expose-Headers: X-B',
    ]),
  ),
  told('4.1 a status in headers stands where JSON names none', () =>
    instruct({ response: { body: 'b' } }, ['Grip-Status: 404 Not There', 'X-A: 1']),
  ),
];

/** A stream whose JSON hold has these members beside its channels. */
function streamOf(members: object, more: readonly string[] = []): AnswerScript {
  return ({ key }) =>
    instruct(
      {
        hold: { mode: 'stream', channels: [{ name: `${key}-a` }, { name: `${key}-ready` }], ...members },
        response: { body: 'open\n' },
      },
      more,
    );
}

/** Several clients at once, each on a path of its own, because what they wait for takes time. */
function together(name: string, answers: readonly AnswerScript[], wait: (client: Wire) => Promise<void>): Case {
  return {
    name,
    origin: (request, index) => {
      const number = Number(/^\S+ \/[^/]+\/(\d+)/.exec(request.message.startLine)?.[1]);
      return answers[number]?.(request, index) ?? answer('500 Unexpected', [], '');
    },
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const clients: Wire[] = [];
      for (const number of answers.keys()) {
        clients.push(await script.client(get('plain.example', `/${script.key}/${number}`)));
        await script.originRequests(number + 1);
      }
      await Promise.all(clients.map(wait));
    },
  };
}

/** Ends with what was published after this many streams took part. */
async function endedBy(script: Script, client: Wire, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) await script.publish(content(script, 'a', line));
  await script.publish(close(script));
  await client.until('0\r\n\r\n');
}

const HOLDS: readonly Case[] = [
  together(
    '4.2 a keep-alive in every format',
    [
      stream(['Grip-Keep-Alive: a "beat"\\n!; timeout=2']),
      stream(['Grip-Keep-Alive: beat!; format=raw; mode=idle; timeout=2']),
      stream(['Grip-Keep-Alive: \\\\\\r\\x00\\q\\xfFbeat!\\n; format=cstring; mode=interval; timeout=2']),
      stream(['Grip-Keep-Alive: beat!; timeout="2"; FORMAT=raw', 'Grip-Keep-Alive: other; timeout=2']),
      stream(['Grip-Keep-Alive: YmVh-dC!EK; format=base64; timeout=2']),
      streamOf({ 'keep-alive': { content: '\u00e9 beat!', timeout: '2' } }),
      streamOf({ 'keep-alive': { content: 'no', 'content-bin': 'YmVhdCE=', timeout: 2.2 } }),
      streamOf({ 'keep-alive': { timeout: 2 } }, ['Grip-Keep-Alive: beat!; timeout=50']),
    ],
    async (client) => await client.until('!'),
  ),
  {
    name: '4.2 an empty keep-alive is none',
    origin: stream(['Grip-Keep-Alive: ']),
    run: async (script) => await endedBy(script, await opened(script, get('plain.example', `/${script.key}`)), 'one\n'),
  },
  together(
    '4.2 a response hold takes five seconds or more',
    ['0', '1', '5'].map((seconds) => ({ key }) => {
      return answer(
        '200 OK',
        [TEXT, 'Grip-Hold: response', `Grip-Channel: ${key}-${seconds}`, `Grip-Timeout: ${seconds}`],
        'over\n',
      );
    }),
    async (client) => {
      const began = Date.now();
      await client.answered(12);
      if (Date.now() - began < 4900) throw new Error('a hold was over too early');
    },
  ),
  together(
    '4.3 a timeout in JSON may be a number, text or a truth',
    [1, '5', true, false, 2.5].map((timeout, i) => ({ key }) => {
      return instruct({ hold: { channels: [{ name: `${key}-${i}` }], timeout }, response: { body: 'over\n' } });
    }),
    async (client) => await client.answered(12),
  ),
  {
    name: '4.1 channels of headers and of JSON come together',
    origin: ({ key }) =>
      instruct({ hold: { mode: 'stream', channels: [{ name: `${key}-ready` }] }, response: { body: 'open\n' } }, [
        `Grip-Channel: ${key}-a`,
        'Grip-Hold: response',
      ]),
    run: async (script) => await endedBy(script, await opened(script, get('plain.example', `/${script.key}`)), 'one\n'),
  },
  {
    name: '4.5 a channel that is named twice delivers once',
    origin: ({ key }) =>
      answer('200 OK', [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${key}-a,${key}-a , ${key}-ready`], 'open\n'),
    run: async (script) => await endedBy(script, await opened(script, get('plain.example', `/${script.key}`)), 'one\n'),
  },
  {
    name: '4.5 one channel',
    origin: ({ key }) => answer('200 OK', [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${key}-ready`], 'open\n'),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(content(script, 'ready', 'one\n'));
      await client.until('one\n');
    },
  },
  {
    name: '4.5 a name is taken with its quotes and inner blanks',
    origin: ({ key }) =>
      answer('200 OK', [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${key}-"a b, c" d , ${key}-ready`], 'open\n'),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(content(script, '"a b, c" d', 'quoted\n'));
      await client.until('quoted\n');
    },
  },
  {
    name: '4.5 the twenty-first channel is not heard',
    origin: ({ key }) => {
      const channels = Array.from({ length: 19 }, (_, i) => `${key}-${i + 2}`);
      const list = [`${key}-ready`, ...channels, `${key}-21`].join(', ');
      return answer('200 OK', [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${list}`], 'open\n');
    },
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      for (let i = 2; i <= 21; i += 1) await script.publish(content(script, `${i}`, `${i}\n`));
      await script.publish(content(script, 'ready', 'end\n'));
      await client.until('end\n');
    },
  },
];

export const INSTRUCTS: readonly Case[] = [...BAD_HEADERS, ...PLAIN_HEADERS, ...BAD_JSON, ...PLAIN_JSON, ...HOLDS];

/** Streams: an answer that stays open and grows with what is published (specification 4.2, 4.3, 4.7, 4.8). */
import { answer, type Case, get } from '../case.js';
import { close, content, opened, stream, TEXT } from '../holds.js';

export const STREAM_HOLD: readonly Case[] = [
  {
    name: '4.7 a stream gets what is published, in order, and ends with a close action',
    origin: stream(['X-Kept: 1']),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(content(script, 'a', 'one\n'), content(script, 'a', 'two\n'));
      await script.publish({ channel: script.channel('a'), 'http-stream': { 'content-bin': 'AP90aHJlZQo=' } });
      await client.until('three\n');
      await script.publish(close(script));
      await client.until('0\r\n\r\n');
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  },
  {
    name: '4.7 a stream to an HTTP/1.0 client ends with its connection',
    origin: stream(),
    run: async (script) => {
      const client = await opened(script, `GET /${script.key} HTTP/1.0\r\nHost: plain.example\r\n\r\n`);
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.closed();
    },
  },
  {
    name: '4.7 a stream that was asked to close its connection does so at the end',
    origin: stream(),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`, ['Connection: close']));
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.closed();
    },
  },
  {
    name: '4.7 an empty initial body',
    origin: stream([], ''),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`), '\r\n\r\n');
      await script.publish(content(script, 'a', 'one\n'));
      await client.until('one\n');
    },
  },
  {
    name: '4.2 Grip-Status sets the status of a stream and drops the reason of the origin',
    origin: stream(['Grip-Status: 202'], 'open\n', '200 Fine'),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '4.2 Grip-Expose-Headers keeps only the named headers of a stream',
    origin: stream(['X-A: 1', 'X-B: 2', 'X-C: 3', 'Grip-Expose-Headers: x-a, X-C']),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '4.2 channels come from several header lines and every one of them delivers',
    origin: ({ key }) =>
      answer(
        '200 OK',
        [
          TEXT,
          'Grip-Hold: stream',
          `Grip-Channel: ${key}-a, ${key}-b`,
          `Grip-Channel: ${key}-c`,
          `grip-channel: ${key}-ready`,
        ],
        'open\n',
      ),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      for (const name of ['a', 'b', 'c']) await script.publish(content(script, name, `${name}\n`));
      await script.publish(content(script, 'd', 'd\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '4.2 a keep-alive in C notation is sent while a stream idles',
    origin: stream(['Grip-Keep-Alive: \\r\\n\\x2dbeat\\\\; format=cstring; timeout=2']),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('open\n');
      await client.until('\r\n-beat\\');
    },
  },
  {
    name: '4.2 a keep-alive in base64',
    origin: stream(['Grip-Keep-Alive: YmVhdAo=; format=base64; mode=interval; timeout=2']),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('beat\n');
    },
  },
  {
    name: '4.3 a stream from a JSON instruct',
    origin: ({ key }) =>
      answer(
        '200 OK',
        ['Content-Type: application/grip-instruct', 'X-Gone: 1'],
        JSON.stringify({
          hold: { mode: 'stream', channels: [{ name: `${key}-a` }, { name: `${key}-ready` }] },
          response: { code: 203, reason: 'Told', headers: { 'X-Z': '1', 'X-A': '2' }, body: 'open\n' },
        }),
      ),
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '4.3 a keep-alive from a JSON instruct',
    origin: ({ key }) =>
      answer(
        '200 OK',
        ['Content-Type: application/grip-instruct'],
        JSON.stringify({
          hold: {
            mode: 'stream',
            channels: [{ name: `${key}-a` }],
            'keep-alive': { 'content-bin': 'YmVhdAo=', timeout: 2 },
          },
          response: { body: 'open\n' },
        }),
      ),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('beat\n');
    },
  },
  {
    name: '4.5 the route prefix is put before the channels of a stream',
    origin: stream(),
    run: async (script) => {
      const client = await script.client(get('prefix.example', `/${script.key}`));
      await client.until('open\n');
      await script.untilSubscribed(client, `pre-${script.channel('ready')}`);
      await script.publish(content(script, 'a', 'bare\n'));
      await script.publish({ channel: `pre-${script.channel('a')}`, 'http-stream': { content: 'prefixed\n' } });
      await client.until('prefixed\n');
    },
  },
  {
    name: '4.7 a prev-id without a next link ends the stream',
    origin: ({ key }) => answer('200 OK', [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${key}-a; prev-id=1`], 'open\n'),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.until('found\n');
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
    freedoms: ['framing'],
  },
  {
    name: '4.10 a next link without a hold is fetched and appended',
    origin: ({ key }, index) =>
      index === 0
        ? answer('200 OK', [TEXT, `Grip-Link: </${key}/more?page=2>; rel=next`], 'page one\n')
        : answer('200 OK', [TEXT], 'page two\n'),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`, ['X-Of-Client: 1']));
      await client.until('page two\n');
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  },
  {
    name: '3.7 a stream whose initial body is too large for an instruct is still held',
    origin: stream(['X-Kept: 1'], `${'0123456789abcdef'.repeat(7000)}open\n`),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await opened(script, get('plain.example', `/${script.key}`));
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  },
];

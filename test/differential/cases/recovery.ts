/** How nothing is missed: last ids, gaps, and asking again (specification 4.6 to 4.8, 4.12). */
import { answer, type Case, get, post } from '../case.js';
import { close, content, opened, poll, response, stream, TEXT } from '../holds.js';
import { byPath, link, numbered, settled } from '../pages.js';
import type { AnswerScript } from '../recording-origin.js';
import type { Script, Wire } from '../script.js';

/** For `watched`. */
const WATCHED: Readonly<Record<string, AnswerScript>> = {
  watch: numbered('watching\n', '1', [link('/KEY/seen')]),
  seen: settled('seen\n'),
};

/**
 * Resolves when the update that follows the first subscription to channel `KEY-a` (4.12) is over: nothing but what the case
 * does makes anybody ask again then.
 */
async function watched(script: Script): Promise<Wire> {
  const client = await script.client(get('debug.example', `/${script.key}/watch`));
  await client.until('seen\n');
  return client;
}

/** Held at `/KEY/stream`, so that the channel is known and remembers ids. */
async function remembering(script: Script, id: string): Promise<Wire> {
  const client = await opened(script, get('debug.example', `/${script.key}/stream`));
  await script.publish(content(script, 'a', `item ${id}\n`, { id }));
  await client.until(`item ${id}\n`);
  return client;
}

/** A stream that has seen item 1; `/KEY/more` gives what it missed. `last` ends the case. */
function following(name: string, last: string, play: (script: Script, client: Wire) => Promise<void>): Case {
  return {
    name,
    origin: byPath({
      ...WATCHED,
      stream: numbered('open\n', '1', [link('/KEY/more')]),
      more: settled('filled\n'),
    }),
    freedoms: ['framing'],
    run: async (script) => {
      const watch = await watched(script);
      const client = await opened(script, get('debug.example', `/${script.key}/stream`, ['X-Of-Client: 1']));
      watch.drop();
      await play(script, client);
      await client.until(last);
    },
  };
}

/** A poll that is asked a second time, which it answers at once. */
function askingAgain(name: string, first: AnswerScript, play: (script: Script, client: Wire) => Promise<void>): Case {
  return {
    name,
    origin: byPath({
      ...WATCHED,
      poll: (request, index) => (index === 2 ? first(request, index) : answer('200 OK', [TEXT], 'asked again\n')),
    }),
    run: async (script) => {
      await watched(script);
      const client = await script.client(post('debug.example', `/${script.key}/poll`, ['X-Of-Client: 1'], 'question'));
      await script.originRequests(3);
      await play(script, client);
    },
  };
}

const item = (script: Script, line: string, id: string | undefined, prevId?: string, noSeq = false) =>
  content(script, 'a', line, { id, 'prev-id': prevId, ...(noSeq ? { 'no-seq': true } : {}) });

const STREAMS: readonly Case[] = [
  following('4.8 a gap in the ids of a stream is filled from its link', 'live\n', async (script, client) => {
    await script.publish(item(script, 'not this\n', '3', '2', true));
    await client.until('filled\n');
    await script.untilSubscribed(client, script.channel('ready'));
    await script.publish(content(script, 'a', 'live\n'));
  }),
  following('4.8 ids that follow are delivered, and asked for when one is missing', 'filled\n', async (script) => {
    await script.publish(item(script, 'two\n', '2', '1'));
    await script.publish(item(script, 'three\n', '3', '2'));
    await script.publish(item(script, 'not this\n', '5', '4', true));
  }),
  following('4.8 an item without prev-id is a gap too', 'filled\n', async (script) => {
    await script.publish(item(script, 'not this\n', '2'));
  }),
  following('4.8 an item without id ends the counting', 'nine\n', async (script) => {
    await script.publish(item(script, 'two\n', undefined, '1'));
    await script.publish(item(script, 'nine\n', '9', '8'));
  }),
  following('4.7 a hint makes a stream ask its link', 'filled\n', async (script) => {
    await script.publish({ channel: script.channel('a'), 'prev-id': '1', 'http-stream': { action: 'hint' } });
  }),
  {
    name: '4.7 a stream that starts behind the last id asks for what it missed',
    origin: byPath({
      ...WATCHED,
      stream: stream(),
      late: numbered('late\n', '1', [link('/KEY/more')]),
      more: settled('filled\n'),
    }),
    freedoms: ['framing'],
    run: async (script) => {
      (await watched(script)).drop();
      await remembering(script, '2');
      const client = await script.client(get('debug.example', `/${script.key}/late`));
      await client.until('filled\n');
    },
  },
  {
    name: '4.7 a stream that starts at the last id asks for nothing',
    origin: byPath({ stream: stream(), late: numbered('late\n', '2', [link('/KEY/more')]), more: settled('never\n') }),
    run: async (script) => {
      const first = await remembering(script, '2');
      const client = await opened(script, get('debug.example', `/${script.key}/late`), 'late\n');
      await script.publish(content(script, 'a', 'three\n', { id: '3', 'prev-id': '2' }));
      await Promise.all([first.until('three\n'), client.until('three\n')]);
    },
  },
  {
    name: '4.7 a hint is nothing to a stream without a link',
    origin: stream(),
    run: async (script) => {
      const client = await opened(script, get('debug.example', `/${script.key}`));
      await script.publish({ channel: script.channel('a'), 'http-stream': { action: 'hint' } });
      await script.publish(content(script, 'a', 'one\n'), close(script));
      await client.until('0\r\n\r\n');
    },
  },
  {
    name: '4.12 recover makes streams ask their links',
    origin: byPath({
      late: numbered('late\n', '1', [link('/KEY/more')]),
      more: numbered('again\n', '1', [link('/KEY/more')]),
    }),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}/late`));
      // Asked for by the first subscription.
      await client.until('again\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.controlAnswer(
        'POST /recover HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      await client.until('again\n');
    },
  },
  {
    name: '4.10 a link whose time is over is fetched',
    origin: byPath({
      '': numbered('open\n', '1', [link('/KEY/more', '; timeout=30')]),
      more: numbered('again\n', '1', [link('/KEY/end', '; timeout=1')]),
      end: settled('end\n'),
    }),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      // Asked for by the first subscription.
      await client.until('again\n');
      await client.until('end\n');
    },
  },
];

const POLLS: readonly Case[] = [
  {
    name: '4.6 a poll that starts behind the last id asks again',
    origin: byPath({
      ...WATCHED,
      stream: stream(),
      poll: (request) =>
        request.message.headers.some(([name]) => name.toLowerCase() === 'grip-last')
          ? answer('200 OK', [TEXT], 'caught up\n')
          : answer('200 OK', [TEXT, 'Grip-Hold: response', `Grip-Channel: ${request.key}-a; prev-id=1`], 'late\n'),
    }),
    run: async (script) => {
      await watched(script);
      await remembering(script, '2');
      const client = await script.client(
        post('debug.example', `/${script.key}/poll?x=1`, ['X-Of-Client: 1', 'Connection: keep-alive'], 'question'),
      );
      await client.until('caught up\n');
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  },
  {
    name: '4.6 a poll names the last ids of all its channels when it asks again',
    origin: byPath({
      ...WATCHED,
      stream: stream(),
      poll: (request) =>
        request.message.headers.some(([name]) => name.toLowerCase() === 'grip-last')
          ? answer('200 OK', [TEXT], 'caught up\n')
          : answer(
              '200 OK',
              [
                TEXT,
                'Grip-Hold: response',
                `Grip-Channel: ${request.key}-a; prev-id="1; x", ${request.key}-b; prev-id=8, ${request.key}-c`,
              ],
              'late\n',
            ),
    }),
    run: async (script) => {
      await watched(script);
      await remembering(script, '2');
      const client = await script.client(get('debug.example', `/${script.key}/poll`));
      await client.until('caught up\n');
    },
  },
  askingAgain('4.6 a hint makes a poll ask again', poll(['X-A: 1']), async (script, client) => {
    await script.publishUntil(client, 'asked again\n', response(script, 'a', { action: 'hint' }));
  }),
  askingAgain(
    '4.8 a gap in the ids of a poll makes it ask again',
    ({ key }) => answer('200 OK', [TEXT, 'Grip-Hold: response', `Grip-Channel: ${key}-a; prev-id=1`], 'late\n'),
    async (script, client) => {
      const missing = response(script, 'a', { body: 'not this\n' }, { 'prev-id': '2' });
      await script.publishUntil(client, 'asked again\n', missing);
    },
  ),
];

export const RECOVERY: readonly Case[] = [...STREAMS, ...POLLS];

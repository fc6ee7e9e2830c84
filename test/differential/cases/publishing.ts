/** From the publish to the subscriber: de-duplication, order, patches (specification 5.1 to 5.6). */
import { answer, type Case, get } from '../case.js';
import type { PublishItem, Script, Wire } from '../script.js';

const text = 'Content-Type: text/plain';

/** A case on a stream that takes part in publishing; `last` is the content that ends the case. */
function onStream(name: string, play: (script: Script, client: Wire) => Promise<void>): Case {
  return {
    name,
    origin: ({ key }) =>
      answer('200 OK', [text, 'Grip-Hold: stream', `Grip-Channel: ${key}-a, ${key}-b, ${key}-ready`], 'open\n'),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('open\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await play(script, client);
      // Items of one channel keep their order, so whatever was to come has come before this one.
      for (const channel of ['a', 'b']) {
        await script.publish({
          channel: script.channel(channel),
          'no-seq': true,
          'http-stream': { content: `end ${channel}\n` },
        });
        await client.until(`end ${channel}\n`);
      }
    },
  };
}

function item(
  script: Script,
  channel: string,
  line: string,
  more: Readonly<Record<string, unknown>> = {},
): PublishItem {
  return { channel: script.channel(channel), ...more, formats: { 'http-stream': { content: line } } };
}

/** A held request whose JSON body is patched by the publish. */
function patched(name: string, held: string, patch: readonly object[], last: string): Case {
  return {
    name,
    origin: ({ key }) =>
      answer('200 OK', ['Content-Type: application/json', 'Grip-Hold: response', `Grip-Channel: ${key}-a`], held),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(client, last, {
        channel: script.channel('a'),
        'http-response': { 'body-patch': patch },
      });
      client.send(get('ready.test', '/none'));
      await client.answered();
    },
  };
}

export const PUBLISHING: readonly Case[] = [
  onStream('5.2 formats hides formats at the top level', async (script) => {
    await script.publish({
      channel: script.channel('a'),
      'http-stream': { content: 'top\n' },
      formats: { 'http-stream': { content: 'inside\n' }, 'x-unknown': 1 },
    });
  }),
  onStream('5.2 text is UTF-8', async (script) => {
    await script.publish(item(script, 'a', 'ä € \u{1f600}\n'));
  }),
  onStream('5.6 an id is delivered once for each channel', async (script) => {
    await script.publish(item(script, 'a', 'first\n', { id: 'one' }));
    await script.publish(
      item(script, 'a', 'again\n', { id: 'one' }),
      item(script, 'b', 'other channel\n', { id: 'one' }),
    );
    await script.publish(item(script, 'a', 'again, not in sequence\n', { id: 'one', 'no-seq': true }));
    await script.publish(item(script, 'a', 'second\n', { id: 'two' }));
  }),
  onStream('5.6 an item waits for the one before it', async (script, client) => {
    await script.publish(item(script, 'a', 'a\n', { id: 'a' }));
    await script.publish(item(script, 'a', 'c\n', { id: 'c', 'prev-id': 'b' }));
    await script.publish(item(script, 'a', 'd\n', { id: 'd', 'prev-id': 'c' }));
    await script.publish(item(script, 'a', 'b\n', { id: 'b', 'prev-id': 'a' }));
    await client.until('d\n');
  }),
  onStream('5.6 the first item of a channel needs nothing before it', async (script, client) => {
    await script.publish(item(script, 'a', 'five\n', { id: '5', 'prev-id': '4' }));
    await client.until('five\n');
  }),
  onStream('5.6 an item whose turn never comes is delivered after message_wait', async (script, client) => {
    await script.publish(item(script, 'a', 'a\n', { id: 'a' }));
    await script.publish(item(script, 'a', 'c\n', { id: 'c', 'prev-id': 'b' }));
    await script.publish(item(script, 'b', 'meanwhile\n'));
    await client.until('c\n', 10);
  }),
  onStream('5.6 a whole list is refused for one bad item', async (script) => {
    const items = [item(script, 'a', 'good\n'), { channel: script.channel('a'), formats: {} }];
    const body = JSON.stringify({ items });
    const head = `POST /publish/ HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    await script.controlAnswer(`${head}${body}`);
  }),
  patched(
    '5.5 a patch changes the held JSON body',
    '{"b":[1,2],"a":{"x":1.50},"z":null}\n',
    [
      { op: 'add', path: '/b/-', value: 3 },
      { op: 'replace', path: '/a/x', value: 'new' },
      { op: 'remove', path: '/z' },
    ],
    '}\n',
  ),
  patched('5.5 a patch that fails', '{"a":1}', [{ op: 'remove', path: '/missing' }], '\r\n\r\n'),
];

/** The built-in `test` target, reached over the default route (specification 16). It has no origin. */
import { type Case, get } from '../case.js';
import { clientFrame, closePayload } from '../websocket-bytes.js';

function tested(name: string, target: string, host = 'anything.example'): Case {
  return {
    name,
    run: async (script) => {
      const client = await script.client(get(host, target));
      await client.answered();
    },
  };
}

export const TEST_TARGET: readonly Case[] = [
  tested('16 the root says hello', '/'),
  tested('16 a slash at the end is ignored', '/stream/none/'),
  tested('16 any other path is not found', '/other'),
  tested('16 a path that begins with a prefix loses it', '/foo/', 'under.example'),
  tested('16 a path that is just the prefix', '/foo', 'under.example'),
  {
    name: '16 a POST is answered like a GET',
    run: async (script) => {
      const client = await script.client('POST / HTTP/1.1\r\nHost: anything.example\r\nContent-Length: 4\r\n\r\nbody');
      await client.answered();
    },
  },
  {
    name: '16 a stream on the channels of the query',
    run: async (script) => {
      const channels = `channel=${script.channel('a')}&channel=${script.channel('ready')}`;
      const client = await script.client(get('anything.example', `/stream?${channels}`));
      await client.until('[stream opened]\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish({ channel: script.channel('a'), 'http-stream': { content: 'one\n' } });
      await client.until('one\n');
    },
  },
  {
    name: '16 a response hold on a channel of the query',
    run: async (script) => {
      const client = await script.client(get('anything.example', `/response?channel=${script.channel('a')}`));
      const item = { channel: script.channel('a'), 'http-response': { body: 'published\n' } };
      await script.publishUntil(client, 'published\n', item);
    },
  },
  {
    name: '16 a WebSocket that echoes and gets what is published',
    run: async (script) => {
      const headers = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      const channels = `channel=${script.channel('a')}&channel=${script.channel('ready')}`;
      const client = await script.client(get('anything.example', `/ws?${channels}`, [...headers, key]));
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'm:echo'));
      await client.until('echo');
      client.send(clientFrame('PING', 'ping'));
      await client.until('ping');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'news' } });
      await client.until('news');
      client.send(clientFrame('CLOSE', closePayload(4000, 'done')));
      await client.until('done');
    },
  },
];

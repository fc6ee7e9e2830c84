/** SockJS on WebSockets (specification 13): with frames in them, and raw. */
import type { Case } from '../case.js';
import type { Script, Wire } from '../script.js';
import { event, opening, SUBSCRIBED, upgraded } from '../sockjs-steps.js';
import { clientFrame, closePayload } from '../websocket-bytes.js';

async function framed(script: Script): Promise<Wire> {
  const client = await upgraded(script, '/sockjs/0/any/websocket');
  await client.until('\x81\x01o');
  return client;
}

/** A framed connection that ends when it says this. */
function dropped(name: string, text: string): Case {
  return {
    name,
    origin: opening(),
    run: async (script) => {
      const client = await framed(script);
      client.send(clientFrame('TEXT', text));
      await client.closed();
      await script.originRequests(2);
    },
  };
}

export const SOCKJS_SOCKETS: readonly Case[] = [
  {
    name: '13 a WebSocket with frames in it',
    origin: opening([event('TEXT', 'a'), event('PING', 'p'), event('BINARY', 'b')], [event('TEXT', 'answer')]),
    run: async (script) => {
      const client = await framed(script);
      await client.until('a["b"]');
      client.send(clientFrame('TEXT', '["x"]'));
      await client.until('a["answer"]');
      client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
      await client.closed();
    },
  },
  {
    name: '13 a WebSocket with frames in it that its origin closes',
    origin: opening([], [event('CLOSE', closePayload(4001, 'go'))]),
    run: async (script) => {
      const client = await framed(script);
      client.send(clientFrame('TEXT', '["x"]'));
      await client.until('go');
      client.send(clientFrame('CLOSE', closePayload(4001, 'go')));
      await client.closed();
      await script.originRequests(3);
    },
  },
  {
    name: '13 a WebSocket with frames in it that is published to',
    origin: SUBSCRIBED,
    run: async (script) => {
      const client = await framed(script);
      await script.publish({ channel: script.channel('a'), 'ws-message': { type: 'ping', content: 'p' } });
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'news' } });
      await client.until('a["news"]');
    },
  },
  dropped('13 a WebSocket with frames in it that says what is no JSON', 'x'),
  dropped('13 a WebSocket with frames in it that says a text', '"x"'),
  {
    name: '13 the raw WebSocket',
    origin: opening([event('TEXT', 'a')], [event('TEXT', 'answer')]),
    run: async (script) => {
      const client = await upgraded(script, '/sockjs/websocket');
      await client.until('\x81\x01a');
      client.send(clientFrame('TEXT', 'not JSON'));
      await client.until('answer');
    },
  },
  {
    name: '13 a WebSocket at another path of its origin',
    origin: opening(),
    run: async (script) => {
      const client = await upgraded(script, '/sockjs/websocket', 'sockjs-as.example');
      await client.until('\r\n\r\n');
    },
  },
  {
    name: '13 a WebSocket where there is none',
    run: async (script) => {
      for (const path of ['/sockjs', '/sockjs/', '/sockjs/a', '/sockjs/a/b', '/sockjs/a/b/c/d']) {
        await (await upgraded(script, path)).closed();
      }
    },
  },
];

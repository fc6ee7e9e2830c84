/** A WebSocket of a client as a row of HTTP requests to the origin (specification 10, 11.2 to 11.6). */
import { answer, type Case } from '../case.js';
import type { AnswerScript } from '../recording-origin.js';
import type { Script, Wire } from '../script.js';
import { clientFrame, closePayload, type FrameName } from '../websocket-bytes.js';
import { control, event, events, fence, GRIP, inTurn, upgrade } from '../websocket-steps.js';

/** Opens with GRIP and subscribes to `KEY-a` and then `KEY-ready`; answers a CLOSE with the same, all else with nothing. */
const subscribing: AnswerScript = ({ key, message }, index) => {
  if (index === 0) {
    const channels = [`${key}-a`, `${key}-ready`];
    return events([event('OPEN'), ...channels.map((channel) => control({ type: 'subscribe', channel }))], [GRIP]);
  }
  const close = message.body.indexOf('CLOSE');
  return close < 0 ? events([]) : events([message.body.subarray(close)]);
};

async function subscribed(script: Script): Promise<Wire> {
  const client = await upgrade(script);
  await client.until('\r\n\r\n');
  await script.untilSubscribed(client, script.channel('ready'));
  return client;
}

/** Plays a publish on a subscribed WebSocket and closes it from the client's side. */
function published(name: string, format: object, seen: string): Case {
  return {
    name,
    origin: subscribing,
    run: async (script) => {
      const client = await subscribed(script);
      await script.publish({ channel: script.channel('a'), 'ws-message': format });
      await client.until(seen);
      client.send(clientFrame('CLOSE', closePayload(1000)));
      await client.closed();
    },
  };
}

/** Opens, sends one frame, and waits for the frame the origin's events make. */
function exchanged(name: string, frame: readonly [FrameName, string | Buffer], reply: Buffer, seen: string): Case {
  return {
    name,
    origin: (_request, index) => (index === 0 ? events([event('OPEN')]) : events([reply])),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame(...frame));
      await client.until(seen);
    },
  };
}

export const WEBSOCKET_OVER_HTTP: readonly Case[] = [
  {
    name: '10.4 OPEN, TEXT, CLOSE',
    origin: ({ message }, index) => {
      if (index === 0) return events([event('OPEN')], ['X-Of-Origin: 1', 'Sec-WebSocket-Protocol: chat']);
      return message.body.toString('latin1').startsWith('TEXT')
        ? events([event('TEXT', 'hello')])
        : events([message.body]);
    },
    run: async (script) => {
      const client = await upgrade(script, [
        'Sec-WebSocket-Protocol: chat',
        'X-Of-Client: 1',
        'Meta-Forged: 1',
        'Accept: text/html',
      ]);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'hi'));
      await client.until('hello');
      client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
      await client.closed();
    },
  },
  {
    name: '10.2 events of the first response are delivered right after the handshake',
    origin: () =>
      events([event('OPEN'), event('TEXT', 'at once'), event('BINARY', Buffer.from([0, 255])), event('PING', 'p')]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\x89\x01p');
    },
  },
  exchanged('10.5 a binary message', ['BINARY', Buffer.from([1, 2, 0xff])], event('TEXT', 'got it'), 'got it'),
  exchanged(
    '10.5 a ping goes to the origin, which answers it',
    ['PING', 'are you'],
    event('PONG', 'are you'),
    '\x8a\x07are you',
  ),
  exchanged('10.1 an empty message has no size', ['TEXT', ''], event('TEXT', 'got it'), 'got it'),
  exchanged(
    '10.6 an unknown event is ignored',
    ['TEXT', 'x'],
    Buffer.concat([event('SMOKE', '1'), event('TEXT', 'seen')]),
    'seen',
  ),
  {
    name: '10.6 a DISCONNECT event drops the client',
    origin: (_request, index) => (index === 0 ? events([event('OPEN')]) : events([event('DISCONNECT')])),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'x'));
      await client.closed();
    },
  },
  {
    name: '10.7 a CLOSE event closes the client, whose answer ends the session at the origin',
    origin: (_request, index) =>
      index === 0
        ? events([event('OPEN')])
        : index === 1
          ? events([event('CLOSE', closePayload(4001, 'go'))])
          : events([]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'x'));
      await client.until('go');
      client.send(clientFrame('CLOSE', closePayload(4001, 'go')));
      await client.closed();
      await script.originRequests(3);
    },
  },
  {
    name: '10.7 a client that vanishes is reported as DISCONNECT',
    origin: subscribing,
    run: async (script) => {
      const client = await subscribed(script);
      client.drop();
      await script.originRequests(2);
    },
  },
  {
    name: '10.3 Set-Meta is echoed, replaced and deleted',
    origin: (_request, index) => {
      if (index === 0) return events([event('OPEN')], ['Set-Meta-User: alice', 'Set-Meta-room: One, Two']);
      if (index === 1) return events([event('TEXT', 'first')], ['Set-Meta-User: bob', 'Set-Meta-Room: ']);
      return events([event('TEXT', 'second')]);
    },
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', '1'));
      await client.until('first');
      client.send(clientFrame('TEXT', '2'));
      await client.until('second');
    },
  },
  {
    name: '10.3 Keep-Alive-Interval is taken and not shown to the client',
    origin: (_request, index) =>
      index === 0 ? events([event('OPEN')], ['Keep-Alive-Interval: 30']) : events([event('TEXT', 'still here')]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'x'));
      await client.until('still here');
    },
  },
  {
    name: '10.3 a refusal is relayed with its headers and body',
    origin: () => answer('403 Forbidden', ['Content-Type: text/plain', 'X-Why: 1'], 'not you\n'),
    run: async (script) => {
      const client = await upgrade(script);
      await client.closed();
    },
  },
  {
    name: '10.3 a 200 of another type refuses the client',
    origin: () => answer('200 OK', ['Content-Type: text/html'], 'a page\n'),
    run: async (script) => {
      const client = await upgrade(script);
      await client.closed();
    },
  },
  {
    name: '10.4 a first event other than OPEN is an error',
    origin: () => events([event('TEXT', 'early')]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.closed();
    },
  },
  {
    name: '10.4 no events and no keep-alive interval is an error',
    origin: () => events([]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.closed();
    },
  },
  {
    name: '10.3 a later answer that is not 200 drops the client',
    origin: inTurn(events([event('OPEN')]), answer('500 Internal Server Error', [], '')),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'x'));
      await client.closed();
      await fence(script);
    },
  },
  {
    name: '11.3 with GRIP only messages with the prefix are delivered',
    origin: (_request, index) =>
      index === 0
        ? events([event('OPEN')], [GRIP])
        : events([
            event('TEXT', 'bare'),
            event('TEXT', 'm:one'),
            event('BINARY', 'm:two'),
            event('TEXT', 'c:{"type":"nonsense"}'),
            event('TEXT', 'm:last'),
          ]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'm:x'));
      await client.until('last');
    },
  },
  {
    name: '11.2 the message prefix may be another one',
    origin: (_request, index) =>
      index === 0
        ? events([event('OPEN')], ['Sec-WebSocket-Extensions: grip; message-prefix="say "'])
        : events([event('TEXT', 'm:one'), event('TEXT', 'say two')]),
    run: async (script) => {
      const client = await upgrade(script);
      await client.until('\r\n\r\n');
      client.send(clientFrame('TEXT', 'x'));
      await client.until('two');
    },
  },
  published('10 subscribe, then publish a text message', { content: 'news' }, 'news'),
  published('10 subscribe, then publish a binary message', { 'content-bin': 'AP9uZXdz' }, 'news'),
  published('10 subscribe, then publish a ping', { type: 'ping', content: 'news' }, 'news'),
  {
    name: '11.4 unsubscribe ends delivery',
    origin: (request, index) =>
      index === 1
        ? events([control({ type: 'unsubscribe', channel: `${request.key}-a` }), event('TEXT', 'm:gone')])
        : subscribing(request, index),
    run: async (script) => {
      const client = await subscribed(script);
      client.send(clientFrame('TEXT', 'leave'));
      await client.until('gone');
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'unheard' } });
      await script.publish({ channel: script.channel('ready'), 'ws-message': { content: 'heard' } });
      await client.until('heard');
    },
  },
  {
    name: '11.6 a published close closes the client and tells the origin without a code',
    origin: subscribing,
    run: async (script) => {
      const client = await subscribed(script);
      await script.publish({
        channel: script.channel('a'),
        'ws-message': { action: 'close', code: 4009, reason: 'over' },
      });
      await client.until('over');
      client.send(clientFrame('CLOSE', closePayload(4009, 'over')));
      await client.closed();
      await script.originRequests(2);
    },
  },
];

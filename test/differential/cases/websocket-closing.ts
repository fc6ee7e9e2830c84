/** How a WebSocket over HTTP ends, in every order, and requests that nobody asked for (10.7, 10.8). */
import { answer, type Case } from '../case.js';
import type { Answer, AnswerScript } from '../recording-origin.js';
import type { Script, Wire } from '../script.js';
import { clientFrame, closePayload } from '../websocket-bytes.js';
import {
  connected,
  control,
  EVENTS,
  event,
  events,
  fence,
  GRIP,
  inTurn,
  news,
  opening,
  upgrade,
} from '../websocket-steps.js';

const END = event('TEXT', 'end');
const CLOSE = event('CLOSE', closePayload(4001, 'go'));

const mirrored: AnswerScript = ({ message }) => events([message.body.subarray(message.body.indexOf('CLOSE'))]);
const keptBack: AnswerScript = () => '';

/** A client says goodbye with `payload`; the origin answers in turn; the client's connection ends. */
function leaving(
  name: string,
  payload: Buffer,
  requests: number,
  ...answers: readonly (Answer | AnswerScript)[]
): Case {
  return {
    name,
    origin: opening(...answers),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('CLOSE', payload));
      await client.closed();
      await script.originRequests(requests);
      await fence(script);
    },
  };
}

/** The origin closes with `close` when it gets a message; the client answers with `payload`. */
function dismissed(name: string, close: Buffer, payload: Buffer): Case {
  return {
    name,
    origin: opening(events([close]), events([])),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'x'));
      await client.until('\x88');
      client.send(clientFrame('CLOSE', payload));
      await client.closed();
      await script.originRequests(3);
    },
  };
}

/** The first request is answered, and a second one is under way. */
async function underWay(script: Script): Promise<Wire> {
  const client = await connected(script);
  client.send(clientFrame('TEXT', 'x'));
  await script.originRequests(2);
  return client;
}

/** GRIP with channels `KEY-a` and `KEY-ready`, then answers in turn. */
function subscribing(...answers: readonly (Answer | AnswerScript)[]): AnswerScript {
  const first: AnswerScript = ({ key }) => {
    const subscriptions = ['a', 'ready'].map((name) => control({ type: 'subscribe', channel: `${key}-${name}` }));
    return events([event('OPEN'), ...subscriptions], [GRIP]);
  };
  return inTurn(first, ...answers);
}

async function subscribed(script: Script): Promise<Wire> {
  const client = await connected(script);
  await script.untilSubscribed(client, script.channel('ready'));
  return client;
}

const LEAVING: readonly Case[] = [
  leaving('10.7 a close without a code', Buffer.alloc(0), 2, mirrored),
  leaving('10.7 a close with a code alone', closePayload(1000), 2, mirrored),
  leaving('10.7 a close with a code and a reason', closePayload(4321, 'b\u00fccher'), 2, mirrored),
  leaving('10.7 an origin that answers a close with another', closePayload(4002, 'bye'), 2, events([CLOSE])),
  leaving(
    '10.7 an origin that answers a close with one without a code',
    closePayload(4002),
    2,
    events([event('CLOSE')]),
  ),
  leaving('10.7 an origin that has last words for a client that closes', closePayload(1000), 2, events([END, CLOSE])),
  leaving('10.7 an origin that does not answer a close', closePayload(1000), 2, events([])),
  leaving('10.7 an origin that answers a close with a message', closePayload(1000), 2, events([END])),
  leaving(
    '10.7 an origin that answers a close with a DISCONNECT',
    closePayload(1000),
    2,
    events([event('DISCONNECT')]),
  ),
  leaving('10.7 an origin that answers a close with an error', closePayload(1000), 2, answer('500 No', [], '')),
  leaving('10.7 an origin that answers a close with another type', closePayload(1000), 2, answer('200 OK', [], '')),
  leaving('10.7 an origin that answers a close with nonsense', closePayload(1000), 2, answer('200 OK', [EVENTS], '!')),
  leaving('10.7 a client that says more than a close may', closePayload(1000, 'x'.repeat(123)), 2, mirrored),
  dismissed('10.7 a client answers a close with another code', CLOSE, closePayload(4003, 'mine')),
  dismissed('10.7 a client answers a close without a code', CLOSE, Buffer.alloc(0)),
  dismissed('10.7 a client answers a close that had no code', event('CLOSE'), Buffer.alloc(0)),
  {
    name: '10.7 a close behind a message goes in order',
    origin: opening(events([END]), mirrored, mirrored),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'last words'));
      await client.until('end');
      client.send(clientFrame('CLOSE', closePayload(1000)));
      await client.closed();
    },
  },
  {
    name: '10.7 a close while a request is under way',
    origin: opening(keptBack, mirrored),
    run: async (script) => {
      const client = await underWay(script);
      client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
      script.originAnswers(events([END]));
      await client.closed();
    },
  },
  {
    name: '10.7 both sides close at the same time',
    origin: opening(keptBack, events([])),
    run: async (script) => {
      const client = await underWay(script);
      client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
      script.originAnswers(events([CLOSE]));
      await client.closed();
      await script.originRequests(3);
      await fence(script);
    },
  },
  {
    name: '10.7 a client that vanishes right after it opened',
    origin: opening(),
    run: async (script) => {
      const client = await connected(script);
      client.drop();
      await script.originRequests(2);
    },
  },
  {
    name: '10.7 a client that vanishes while a request is under way',
    origin: opening(keptBack),
    run: async (script) => {
      const client = await underWay(script);
      client.drop();
      script.originAnswers(events([END]));
      await script.originRequests(3);
    },
  },
  {
    name: '10.7 a client that vanishes after it has been closed',
    origin: opening(events([CLOSE])),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'x'));
      await client.until('go');
      client.drop();
      await script.originRequests(3);
    },
  },
  {
    name: '10.7 a client that vanishes when its close is not answered yet',
    origin: opening(keptBack),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('CLOSE', closePayload(1000)));
      await script.originRequests(2);
      client.drop();
      await fence(script);
    },
  },
  {
    name: '10.4 a client that vanishes before it is answered',
    origin: inTurn(keptBack),
    run: async (script) => {
      const client = await upgrade(script);
      await script.originRequests(1);
      client.drop();
      await fence(script);
    },
  },
  {
    name: '10.7 a client that speaks after its close',
    origin: opening(mirrored),
    run: async (script) => {
      const client = await connected(script);
      client.send(Buffer.concat([clientFrame('CLOSE', closePayload(1000)), clientFrame('TEXT', 'and')]));
      await client.closed();
      await fence(script);
    },
  },
];

const PUBLISHED: readonly Case[] = [
  {
    name: '10.7 a published close without a code',
    origin: subscribing(),
    run: async (script) => {
      const client = await subscribed(script);
      await script.publish(news(script, { action: 'close' }));
      await client.until('\x88');
      client.send(clientFrame('CLOSE', closePayload(1000)));
      await client.closed();
      await script.originRequests(2);
    },
  },
  {
    name: '10.7 a published close, and a client that vanishes instead of an answer',
    origin: subscribing(),
    run: async (script) => {
      const client = await subscribed(script);
      await script.publish(news(script, { action: 'close', code: 4009, reason: 'over' }));
      await client.until('over');
      client.drop();
      await script.originRequests(2);
    },
  },
  {
    name: '10.7 what is published behind a close',
    origin: subscribing(),
    run: async (script) => {
      const client = await subscribed(script);
      await script.publish(
        news(script, { content: 'before' }),
        news(script, { action: 'close', code: 4009 }),
        news(script, { content: 'behind' }),
      );
      await client.until('\x88\x02');
      client.send(clientFrame('CLOSE', closePayload(4009)));
      await client.closed();
      await script.originRequests(2);
    },
  },
  {
    name: '11.2 GRIP is only asked for with the first answer',
    origin: opening(({ key }) =>
      events([control({ type: 'subscribe', channel: `${key}-a` }), event('TEXT', 'm:end')], [GRIP]),
    ),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'x'));
      await client.until('end');
    },
  },
  {
    name: '11.5 over HTTP too channels of a route have its prefix',
    origin: subscribing(),
    run: async (script) => {
      const client = await connected(script, 'over-prefix.example');
      await script.untilSubscribed(client, `pre-${script.channel('ready')}`);
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'unheard' } });
      await script.publish({ channel: `pre-${script.channel('a')}`, 'ws-message': { content: 'heard' } });
      await client.until('heard');
    },
  },
  {
    name: '11.5 over HTTP too channels of a target are joined without GRIP',
    origin: opening(events([event('TEXT', 'm:end')])),
    run: async (script) => {
      const client = await connected(script, 'over-sub.example');
      await script.untilSubscribed(client, 'always-over');
      await script.publish({ channel: 'always-over', 'ws-message': { content: 'heard' } });
      await client.until('heard');
      client.send(clientFrame('TEXT', 'x'));
      await client.until('end');
    },
  },
];

export const WEBSOCKET_CLOSING: readonly Case[] = [...LEAVING, ...PUBLISHED];

/** GRIP over a WebSocket: the extension, the prefix of messages, and control messages (11.2 to 11.4). */
import type { Case } from '../case.js';
import type { OriginSocket } from '../origin-socket.js';
import type { Script } from '../script.js';
import { clientFrame, closePayload, MORE_FOLLOWS, serverFrame } from '../websocket-bytes.js';
import {
  accepting,
  controlText,
  type Ends,
  farewell,
  GRIP,
  joined,
  news,
  settled,
  subscribe,
  untilJoined,
} from '../websocket-steps.js';

const text = (content: string): Buffer => serverFrame('TEXT', content);
const say = (message: object): Buffer => text(controlText(message));

/** The last that an origin says: no prefix and no control message stand in its way. */
const END = serverFrame('PING');
const SEEN = '\x89\x00';

/** The extension header of the origin, and what becomes of its messages then. */
function agreed(name: string, extension: readonly string[], ...frames: readonly Buffer[]): Case {
  return {
    name,
    origin: accepting(extension),
    run: async (script) => {
      const { client, origin } = await joined(script);
      origin.send(...frames, END);
      await client.untilOrClosed(SEEN);
    },
  };
}

const MIXED = [text('bare'), text('m:one'), text('say two'), serverFrame('BINARY', 'm:three'), text('c:{}')];

/** With GRIP, and subscribed to `KEY-a`. */
function playing(
  name: string,
  play: (ends: Ends, script: Script) => Promise<void>,
  subscription: object = {},
  host = 'plain.example',
): Case {
  return {
    name,
    origin: accepting([GRIP]),
    run: async (script) => {
      const ends = await joined(script, host);
      await subscribe(script, ends, subscription);
      await play(ends, script);
    },
  };
}

/** A control message that has no effect: what is published still arrives, and the connection goes on. */
function ignored(name: string, message: (script: Script) => string): Case {
  return playing(`11.4 ${name}`, async ({ client, origin }, script) => {
    origin.send(text(message(script)), END);
    await client.untilOrClosed(SEEN);
    await script.publish(news(script, { content: 'news' }));
    await client.untilOrClosed('news');
  });
}

const json = (message: object) => (): string => controlText(message);

/** The origin asks for something that sends `count` messages by itself. */
function sending(name: string, messages: readonly object[], seen: string, count = 1): Case {
  return playing(`11.4 ${name}`, async ({ client, origin }) => {
    origin.send(...messages.map(say));
    for (let i = 0; i < count; i += 1) await client.until(seen);
  });
}

/** The origin lets go of the client, and says goodbye to the proxy. */
async function detached(origin: OriginSocket): Promise<void> {
  origin.send(say({ type: 'detach' }));
  await origin.until('CLOSE');
  origin.send(serverFrame('CLOSE', closePayload(1000)));
  await origin.closed();
}

const EXTENSIONS: readonly Case[] = [
  agreed('11.2 the extension among others', ['Sec-WebSocket-Extensions: other; a=1, grip'], ...MIXED),
  agreed('11.2 the extension in a second header', ['Sec-WebSocket-Extensions: other', GRIP], ...MIXED),
  agreed('11.2 the extension in capitals', ['Sec-WebSocket-Extensions: GRIP'], ...MIXED),
  agreed('11.2 a prefix in quotes', [`${GRIP}; message-prefix="say "`], ...MIXED),
  agreed('11.2 a prefix without quotes', [`${GRIP}; message-prefix=say`], ...MIXED),
  agreed('11.2 an empty prefix', [`${GRIP}; message-prefix=""`], ...MIXED),
  agreed('11.2 a prefix without a value', [`${GRIP}; message-prefix`], ...MIXED),
  agreed('11.2 a prefix that looks like a control message', [`${GRIP}; message-prefix="c:"`], ...MIXED),
  agreed('11.2 a parameter nobody knows', [`${GRIP}; smoke=1`], ...MIXED),
  agreed(
    '11.3 binary that looks like a control message',
    [`${GRIP}; message-prefix=""`],
    serverFrame('BINARY', 'c:{}'),
  ),
  agreed('11.3 just the prefix', [GRIP], text('m:'), text('m'), text('')),
  playing('11.3 pings and pongs need no prefix', async ({ client, origin }) => {
    origin.send(serverFrame('PING', 'a'), serverFrame('PONG', 'm:b'), text('m:end'));
    await client.until('\x03end');
  }),
  agreed(
    '11.3 a message in fragments has its prefix in the first',
    [GRIP],
    serverFrame('TEXT', 'm:one ', MORE_FOLLOWS),
    serverFrame('CONTINUATION', 'm:message'),
  ),
  playing('11.3 a control message in fragments', async ({ client, origin }, script) => {
    origin.send(
      serverFrame('TEXT', 'c:{"type":"unsubscribe",', MORE_FOLLOWS),
      serverFrame('CONTINUATION', `"channel":"${script.channel('a')}"}`),
      END,
    );
    await client.until(SEEN);
    await script.publish(news(script, { content: 'news' }));
    await script.publish({ channel: script.channel('ready'), 'ws-message': { content: 'the last' } });
    await client.until('the last');
  }),
  agreed('11.3 what a client hears of control messages', [GRIP], text('c:'), text('c:nonsense'), text('c')),
  playing('11.3 what a client says needs no prefix', async ({ client, origin }) => {
    client.send(Buffer.concat([clientFrame('TEXT', 'm:one'), clientFrame('TEXT', 'c:{}')]));
    await origin.until('c:{}');
  }),
];

const IGNORED: readonly Case[] = [
  ignored('no JSON', () => 'c:{'),
  ignored('a list', () => 'c:[]'),
  ignored('two objects', () => 'c:{"type":"detach"}{}'),
  ignored('blanks around the object', () => 'c:  {"type":"nothing"}  '),
  ignored('no type', json({ channel: 'x' })),
  ignored('a type that is a number', json({ type: 1 })),
  ignored('a type in capitals', json({ type: 'DETACH' })),
  ignored('a type nobody knows', json({ type: 'set-hold', mode: 'stream' })),
  ignored('no channel', json({ type: 'subscribe' })),
  ignored('an empty channel', json({ type: 'subscribe', channel: '' })),
  ignored('a channel that is a number', json({ type: 'unsubscribe', channel: 1 })),
  ignored('filters that are text', (script) =>
    controlText({ type: 'subscribe', channel: script.channel('a'), filters: 'skip-self' }),
  ),
  ignored('a filter that is a number', (script) =>
    controlText({ type: 'subscribe', channel: script.channel('a'), filters: [1] }),
  ),
  ignored('a channel that was not joined', (script) =>
    controlText({ type: 'unsubscribe', channel: script.channel('b') }),
  ),
  ignored('a second subscription to the same channel', (script) =>
    controlText({ type: 'subscribe', channel: script.channel('a') }),
  ),
  ignored('members nobody knows', (script) =>
    controlText({ type: 'subscribe', channel: script.channel('b'), smoke: 1, prev_id: 'x' }),
  ),
  ignored('a session', json({ type: 'session', id: 'x' })),
  ignored('meta without a name', json({ type: 'set-meta', value: 'x' })),
  ignored('meta with an empty name', json({ type: 'set-meta', name: '', value: 'x' })),
  ignored('a keep-alive with a negative timeout', json({ type: 'keep-alive', content: 'k', timeout: -1 })),
  ignored('a keep-alive with a type nobody knows', json({ type: 'keep-alive', content: 'k', 'message-type': 'x' })),
  ignored('a delayed message with content of a number', json({ type: 'send-delayed', content: 1 })),
  ignored('a flush of nothing', json({ type: 'flush-delayed' })),
];

/** `user` of the subscriber's meta is what the filter `skip-self` looks at. */
const SKIP_SELF = { filters: ['skip-self'] };

const withMeta = (name: string, ...metas: readonly object[]): Case =>
  playing(
    `11.4 ${name}`,
    async (ends, script) => {
      ends.origin.send(...metas.map((meta) => say({ type: 'set-meta', ...meta })));
      await settled(script, ends);
      await script.publish(
        news(script, { content: 'of alice' }, { meta: { sender: 'alice' } }),
        news(script, { content: 'of bob' }, { meta: { sender: 'bob' } }),
        news(script, { content: 'the last' }),
      );
      await ends.client.until('the last');
    },
    SKIP_SELF,
  );

const EFFECTS: readonly Case[] = [
  withMeta('meta that a filter looks at', { name: 'user', value: 'alice' }),
  withMeta('meta that is set again', { name: 'user', value: 'alice' }, { name: 'user', value: 'bob' }),
  withMeta('meta that is removed', { name: 'user', value: 'alice' }, { name: 'user' }),
  withMeta('meta that is null', { name: 'user', value: 'alice' }, { name: 'user', value: null }),
  withMeta('meta in another case', { name: 'User', value: 'alice' }),
  playing('11.4 a channel that was left', async (ends, script) => {
    ends.origin.send(say({ type: 'unsubscribe', channel: script.channel('a') }));
    await settled(script, ends);
    await script.publish(news(script, { content: 'not for us' }));
    await script.publish({ channel: script.channel('ready'), 'ws-message': { content: 'heard' } });
    await ends.client.until('heard');
  }),
  playing(
    '11.4 a channel of the target cannot be left',
    async (ends, script) => {
      ends.origin.send(say({ type: 'unsubscribe', channel: 'always' }));
      await settled(script, ends);
      await script.publish({ channel: 'always', 'ws-message': { content: 'heard' } });
      await ends.client.until('heard');
    },
    {},
    'sub.example',
  ),
  playing('11.4 more than 20 channels', async (ends, script) => {
    const more = Array.from({ length: 30 }, (_, i) => say({ type: 'subscribe', channel: script.channel(`x${i}`) }));
    ends.origin.send(...more);
    await untilJoined(script, ends, 'x17');
    await script.publish(
      ...Array.from({ length: 30 }, (_, i) => ({
        channel: script.channel(`x${i}`),
        'ws-message': { content: `number ${i}` },
      })),
    );
    await script.publish(news(script, { content: 'the last' }));
    await ends.client.until('the last');
  }),
  sending(
    'a delayed message without content',
    [{ type: 'send-delayed' }, { type: 'flush-delayed' }, { type: 'send-delayed', content: 'late' }],
    'late',
  ),
  sending('a delayed message', [{ type: 'send-delayed', content: 'late' }], 'late'),
  sending('a delayed ping', [{ type: 'send-delayed', content: 'late', 'message-type': 'ping' }], 'late'),
  sending('a delayed pong', [{ type: 'send-delayed', content: 'late', 'message-type': 'pong' }], 'late'),
  sending(
    'a delayed message of bytes',
    [{ type: 'send-delayed', 'content-bin': 'AP9sYXRl', 'message-type': 'binary' }],
    'late',
  ),
  sending('delayed bytes are text', [{ type: 'send-delayed', 'content-bin': 'bGF0ZQ==' }], 'late'),
  sending(
    'a delayed message that is flushed',
    [{ type: 'send-delayed', content: 'late', timeout: 60 }, { type: 'flush-delayed' }],
    'late',
  ),
  sending(
    'a second delayed message flushes the first',
    [
      { type: 'send-delayed', content: 'late one', timeout: 60 },
      { type: 'send-delayed', content: 'late two', timeout: 60 },
      { type: 'flush-delayed' },
    ],
    'late',
    2,
  ),
  sending(
    'keep-alives at an interval',
    [{ type: 'keep-alive', content: 'alive', timeout: 1, mode: 'interval' }],
    'alive',
    2,
  ),
  sending('keep-alives when idle', [{ type: 'keep-alive', content: 'alive', timeout: 1 }], 'alive', 2),
  sending(
    'keep-alives that are pings',
    [{ type: 'keep-alive', content: 'alive', timeout: 1, 'message-type': 'ping' }],
    'alive',
  ),
  sending(
    'keep-alives of bytes',
    [{ type: 'keep-alive', 'content-bin': 'AP9hbGl2ZQ==', timeout: 1, 'message-type': 'binary' }],
    'alive',
  ),
  sending(
    'keep-alives that are stopped',
    [
      { type: 'keep-alive', content: 'never', timeout: 1 },
      { type: 'keep-alive' },
      { type: 'send-delayed', content: 'late', timeout: 2 },
    ],
    'late',
  ),
  playing('11.4 after a detach the client stays', async ({ client, origin }, script) => {
    await detached(origin);
    await script.publish(news(script, { content: 'news' }));
    await client.until('news');
    client.send(Buffer.concat([clientFrame('TEXT', 'unheard'), clientFrame('CLOSE', closePayload(4001, 'bye'))]));
    await client.closed();
  }),
  playing('11.4 after a detach a delayed message is sent', async ({ client, origin }) => {
    origin.send(say({ type: 'send-delayed', content: 'late' }));
    await detached(origin);
    await client.until('late');
  }),
  playing('11.4 after a detach a close can be published', async ({ client, origin }, script) => {
    await detached(origin);
    await script.publish(news(script, { action: 'close', code: 4009, reason: 'over' }));
    await client.until('over');
    client.send(clientFrame('CLOSE', closePayload(4009, 'over')));
    await client.closed();
  }),
  playing('11.4 a connection with GRIP ends in order', async (ends) => await farewell(ends)),
];

export const WEBSOCKET_CONTROL: readonly Case[] = [...EXTENSIONS, ...IGNORED, ...EFFECTS];

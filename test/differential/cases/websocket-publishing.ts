/** What is published to WebSockets of origins that speak it themselves: channels, types, filters, closes (11.5, 11.6). */
import type { Case } from '../case.js';
import type { PublishItem, Script } from '../script.js';
import { clientFrame, closePayload, serverFrame } from '../websocket-bytes.js';
import { accepting, controlText, type Ends, GRIP, joined, news, subscribe } from '../websocket-steps.js';

interface Subscription {
  readonly filters?: readonly string[];
  readonly host?: string;
  readonly prefix?: string;
}

/** With GRIP, and subscribed to `KEY-a`. */
function playing(
  name: string,
  play: (ends: Ends, script: Script) => Promise<void>,
  { filters, host = 'plain.example', prefix = '' }: Subscription = {},
): Case {
  return {
    name,
    origin: accepting([GRIP]),
    run: async (script) => {
      const ends = await joined(script, host);
      await subscribe(script, ends, filters ? { filters } : {}, prefix);
      await play(ends, script);
    },
  };
}

/** Items are published, and then one whose text is the end. */
function published(name: string, items: (script: Script) => readonly PublishItem[], subscription?: Subscription): Case {
  return playing(
    name,
    async ({ client }, script) => {
      await script.publish(...items(script));
      await script.publish({
        channel: `${subscription?.prefix ?? ''}${script.channel('ready')}`,
        'ws-message': { content: 'end' },
      });
      await client.untilOrClosed(['\x03end', '\x88']);
    },
    subscription,
  );
}

/** One message is published. */
const sent = (name: string, format: object): Case => published(`11.6 ${name}`, (script) => [news(script, format)]);

/** A close is published, and the client answers with the same. */
function closed(name: string, format: object, answer: Buffer): Case {
  return playing(`11.6 ${name}`, async ({ client, origin }, script) => {
    await script.publish(news(script, { action: 'close', ...format }));
    await client.untilOrClosed('\x88');
    client.send(clientFrame('CLOSE', answer));
    await origin.until('CLOSE');
    origin.send(serverFrame('CLOSE', closePayload(1000)));
    await client.closed();
    await origin.closed();
  });
}

/** Meta of three items against the filters of a channel. */
const filtered = (name: string, filters: readonly string[], metas: readonly object[], host?: string): Case =>
  published(`11.6 ${name}`, (script) => metas.map((meta, i) => news(script, { content: `item ${i}` }, { meta })), {
    filters,
    ...(host === undefined ? {} : { host }),
  });

const LONG = playing('11.6 a text of 10000 bytes', async ({ client }, script) => {
  await script.publish(news(script, { content: `${'x'.repeat(9_997)}end` }));
  await client.until('end');
});

const SENT: readonly Case[] = [
  sent('a text', { content: 'news' }),
  sent('an empty text', { content: '' }),
  sent('a text that looks like a control message', { content: 'c:{"type":"detach"}' }),
  sent('a text that looks like a message', { content: 'm:news' }),
  sent('a text with UTF-8', { content: 'gr\u00fc\u00dfe \u{1f600}' }),
  sent('bytes', { 'content-bin': 'AP9uZXdz' }),
  sent('bytes without content', { 'content-bin': '' }),
  sent('bytes as text', { type: 'text', 'content-bin': 'bmV3cw==' }),
  sent('a text as bytes', { type: 'binary', content: 'news' }),
  sent('a ping', { type: 'ping', content: 'news' }),
  sent('a ping without content', { type: 'ping' }),
  sent('a pong', { type: 'pong', content: 'news' }),
  sent('a ping of 125 bytes', { type: 'ping', content: 'x'.repeat(125) }),
  sent('a text of 1000 bytes', { content: 'x'.repeat(1000) }),
  { ...LONG, freedoms: ['fragments'] },
  sent('a hint', { action: 'hint' }),
  published('11.6 items of other formats', (script) => [
    { channel: script.channel('a'), 'http-stream': { content: 'stream' } },
    { channel: script.channel('a'), 'http-response': { body: 'response' } },
    news(script, { content: 'message' }),
  ]),
  published('11.6 items come in order', (script) =>
    Array.from({ length: 20 }, (_, i) => news(script, { content: `number ${i}` })),
  ),
  published('11.6 an id that comes twice', (script) => [
    news(script, { content: 'one' }, { id: '1' }),
    news(script, { content: 'again' }, { id: '1' }),
    news(script, { content: 'two' }, { id: '2', 'prev-id': '1' }),
  ]),
  published(
    '11.5 channels of a route have its prefix',
    (script) => [
      news(script, { content: 'unheard' }),
      { channel: `pre-${script.channel('a')}`, 'ws-message': { content: 'heard' } },
    ],
    { host: 'prefix.example', prefix: 'pre-' },
  ),
  {
    name: '11.5 channels of a target are joined without the extension',
    origin: accepting(),
    run: async (script) => {
      const { client, origin } = await joined(script, 'sub.example');
      await script.untilSubscribed(client, 'always');
      origin.send(serverFrame('TEXT', 'c:{}'), serverFrame('TEXT', 'm:one'), serverFrame('TEXT', 'bare'));
      await client.until('bare');
      await script.publish({ channel: 'always', 'ws-message': { content: 'heard' } });
      await client.until('heard');
    },
  },
  playing('11.6 messages of the origin and of publishers', async ({ client, origin }, script) => {
    origin.send(serverFrame('TEXT', 'm:first'));
    await client.until('first');
    await script.publish(news(script, { content: 'second' }));
    await client.until('second');
    origin.send(serverFrame('TEXT', 'm:third'));
    await client.until('third');
  }),
];

const SIX: Case = {
  name: '11.4 six filters',
  origin: accepting([GRIP]),
  run: async (script) => {
    const { client, origin } = await joined(script);
    const filters = Array.from({ length: 6 }, () => 'skip-self');
    const message = { type: 'subscribe', channel: script.channel('a'), filters };
    origin.send(serverFrame('TEXT', controlText(message)), serverFrame('PING'));
    await client.untilOrClosed(['\x88', '\x89']);
  },
};

const CLOSED: readonly Case[] = [
  closed('a close with a code and a reason', { code: 4009, reason: 'over' }, closePayload(4009, 'over')),
  closed('a close without a code', {}, closePayload(1000)),
  closed('a close with a reason alone', { reason: 'over' }, closePayload(1000)),
  closed('a close with the code 0', { code: 0 }, Buffer.alloc(0)),
  closed('a close with a code that no frame may carry', { code: 1006 }, closePayload(1000)),
  closed('a close with a reason that is too long', { code: 4009, reason: 'x'.repeat(200) }, closePayload(4009)),
];

const FILTERED: readonly Case[] = [
  filtered('skip-users', ['skip-users'], [{ users: 'a,b' }, {}]),
  filtered('require-sub', ['require-sub'], [{ require_sub: 'x' }, {}]),
  filtered('a filter nobody knows', ['smoke'], [{}, {}]),
  filtered('a filter nobody knows, with debug', ['smoke'], [{}, {}], 'debug.example'),
  filtered('five filters', ['skip-self', 'skip-users', 'skip-self', 'skip-users', 'skip-self'], [{}]),
  published('11.6 build-id', (script) => [news(script, { content: 'id %I' }, { id: '5' })], { filters: ['build-id'] }),
  published(
    '11.6 var-subst',
    (script) => [news(script, { content: 'user %(user)s of %(none)s' }, { meta: { user: 'x' } })],
    { filters: ['var-subst'] },
  ),
  published(
    '11.6 a message that cannot be rendered',
    (script) => [news(script, { content: 'bad %(' }), news(script, { content: 'good' })],
    { filters: ['var-subst'] },
  ),
  published(
    '11.6 a message that cannot be rendered, with debug',
    (script) => [news(script, { content: 'bad %(' }), news(script, { content: 'good' })],
    { filters: ['var-subst'], host: 'debug.example' },
  ),
  published(
    '11.6 content filters that are there',
    (script) => [news(script, { content: 'news', 'content-filters': ['skip-self'] })],
    { filters: ['skip-self'] },
  ),
  published('11.6 content filters that are not there', (script) => [
    news(script, { content: 'news', 'content-filters': ['build-id'] }),
  ]),
  published(
    '11.6 content filters that are not there, with debug',
    (script) => [news(script, { content: 'news', 'content-filters': ['build-id'] })],
    { host: 'debug.example' },
  ),
];

export const WEBSOCKET_PUBLISHING: readonly Case[] = [...SENT, ...CLOSED, SIX, ...FILTERED];

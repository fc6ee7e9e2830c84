/** Filters of subscriptions that keep messages back, and the variables they write into them (specification 6.1, 6.2). */
import { type Case, get } from '../case.js';
import { type Filtered, onPoll, onStream } from '../filtered.js';
import { content, instruct } from '../holds.js';
import type { PublishItem, Script } from '../script.js';

/** Publishes each of the items to channel `KEY-a`; only those that pass are in the transcript. */
function passing(name: string, filtered: Filtered, items: (script: Script) => readonly PublishItem[]): Case {
  return onStream(name, filtered, async (script, client) => {
    await script.publish(...items(script));
    await script.publish(content(script, 'a', 'end\n', { meta: { require_sub: script.channel('b') } }));
    await client.until('end\n');
  });
}

/** A template that is rendered. */
function rendered(name: string, meta: readonly string[], template: string, filters = '; filter=var-subst'): Case {
  return onStream(`6.2 ${name}`, { channel: filters, meta }, async (script, client) => {
    await script.publish(content(script, 'a', `${template}~\n`));
    await client.untilOrClosed('~\n');
  });
}

/** A template that cannot be rendered ends the stream; a debug route says why. */
function unrendered(name: string, template: string, meta: readonly string[] = ['user=bob']): Case {
  return onStream(`6.2 ${name}`, { channel: '; filter=var-subst', meta }, async (script, client) => {
    await script.publish(content(script, 'a', template));
    await client.closed();
  });
}

const line = (script: Script, text: string, meta: Readonly<Record<string, string>>): PublishItem =>
  content(script, 'a', `${text}\n`, { meta });

const DELIVERY: readonly Case[] = [
  passing(
    '6.1 skip-self keeps back what the user has sent',
    { channel: '; filter=skip-self', meta: ['user=bob'] },
    (script) => [
      line(script, 'own', { sender: 'bob' }),
      line(script, 'of another', { sender: 'bo' }),
      line(script, 'of another case', { sender: 'Bob' }),
      line(script, 'of nobody', { sender: '' }),
      content(script, 'a', 'without meta\n'),
      content(script, 'b', 'on another channel\n', { meta: { sender: 'bob' } }),
    ],
  ),
  passing('6.1 skip-self without a user keeps nothing back', { channel: '; filter=skip-self' }, (script) => [
    line(script, 'of somebody', { sender: 'bob' }),
    line(script, 'of nobody', { sender: '' }),
  ]),
  passing(
    '6.1 skip-users keeps back what others but the user may see',
    { channel: '; filter=skip-users', meta: ['user=bob'] },
    (script) => [
      line(script, 'alone', { skip_users: 'bob' }),
      line(script, 'in a list', { skip_users: 'amy, bob ,eve' }),
      line(script, 'beside nobody', { skip_users: ',,bob,' }),
      line(script, 'as part of a name', { skip_users: 'bobby, bo' }),
      line(script, 'nobody', { skip_users: '' }),
      content(script, 'a', 'without meta\n'),
    ],
  ),
  passing('6.1 require-sub wants another channel', { channel: '; filter=require-sub' }, (script) => [
    line(script, 'there', { require_sub: script.channel('b') }),
    line(script, 'itself', { require_sub: script.channel('a') }),
    line(script, 'not there', { require_sub: script.channel('z') }),
    line(script, 'nothing', { require_sub: '' }),
    content(script, 'a', 'without meta\n'),
  ]),
  passing('6.1 a filter nobody knows keeps nothing back', { channel: '; filter=smoke' }, (script) => [
    content(script, 'a', 'smoke\n'),
  ]),
  passing(
    '6.1 filters run one after the other',
    { channel: '; filter=skip-self; filter=require-sub; filter=skip-users', meta: ['user=bob'] },
    (script) => [
      line(script, 'own', { sender: 'bob' }),
      line(script, 'not subscribed', { require_sub: 'z' }),
      line(script, 'skipped', { skip_users: 'bob' }),
      line(script, 'none of it', { sender: 'amy', skip_users: 'eve' }),
    ],
  ),
  {
    name: '6.1 filters and meta of a JSON instruct',
    origin: ({ key }) =>
      instruct({
        hold: {
          mode: 'stream',
          channels: [{ name: `${key}-a`, filters: ['skip-self', 'var-subst'] }, { name: `${key}-ready` }],
          meta: { user: 'b\u00f6b' },
        },
        response: { body: 'open\n' },
      }),
    run: async (script) => {
      const client = await script.client(get('plain.example', `/${script.key}`));
      await client.until('open\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish(line(script, 'own', { sender: 'b\u00f6b' }), content(script, 'a', 'to %(user)s: 100%%\n'));
      await client.until('100%\n');
    },
  },
  onStream(
    '6.1 a filter can keep back the end of a stream',
    { channel: '; filter=skip-self', meta: ['user=bob'] },
    async (script, client) => {
      const close = { channel: script.channel('a'), 'http-stream': { action: 'close' } };
      await script.publish({ ...close, meta: { sender: 'bob' } });
      await script.publish(content(script, 'b', 'still open\n'));
      await client.until('still open\n');
      await script.publish(close);
      await client.closed();
    },
  ),
  onPoll(
    '6.1 skip-self on a held request',
    'skip-self',
    'user=bob',
    [
      { meta: { sender: 'bob' }, 'http-response': { body: 'own\n' } },
      { meta: { sender: 'amy' }, 'http-response': { body: 'of another\n' } },
    ],
    'of another\n',
  ),
];

const TEMPLATES: readonly Case[] = [
  rendered('a variable is put in its place', ['user=bob'], 'hi %(user)s, %(user)s'),
  rendered('a quoted value with a comma', ['user="bob, \\"jr\\""'], '<%(user)s>'),
  rendered('values of several lines', ['user=bob, room=one', 'city=ulm'], '%(user)s %(room)s %(city)s'),
  rendered('a percent sign is written twice', [], '100%% of %%(user)s'),
  rendered('a name with an escaped bracket', ['a)b=1'], '%(a\\)b)s'),
  rendered('a value that looks like a variable', ['user=%(x)s'], '%(user)s'),
  rendered('an empty value', ['user=""'], '<%(user)s>'),
  unrendered('a variable nobody has set', 'hi %(none)s'),
  unrendered('a directive nobody knows', 'hi %(user)x'),
  unrendered('a directive without an argument', 'hi %s'),
  unrendered('a percent sign at the end', 'hi %'),
  unrendered('a percent sign before a digit', 'hi %1 you'),
  unrendered('a bracket at the end', 'hi %('),
  unrendered('a bracket that stays open', 'hi %(user'),
  unrendered('a bracket that ends with an escape', 'hi %(us\\'),
  unrendered('an argument without a directive', 'hi %(user)'),
  onPoll(
    '6.2 a variable in a published body',
    'var-subst',
    'user=bob',
    [{ 'http-response': { body: 'hi %(user)s\n' } }],
    'bob\n',
  ),
  onPoll(
    '6.2 a published body that cannot be rendered',
    'var-subst',
    'user=bob',
    [{ 'http-response': { body: 'hi %(none)s\n' } }],
    '\n',
  ),
  onStream(
    '6.2 a message that cannot be rendered, without debug',
    { channel: '; filter=var-subst', host: 'plain.example' },
    async (script, client) => {
      await script.publish(content(script, 'a', '%(none)s\n'));
      await script.publish(content(script, 'b', 'end\n'));
      await client.untilOrClosed('end\n');
    },
  ),
  onPoll(
    '6.2 a published body that cannot be rendered, without debug',
    'var-subst',
    'user=bob',
    [{ 'http-response': { body: '%(none)s\n' } }, { 'http-response': { body: 'good\n' } }],
    '\n',
    'plain.example',
  ),
];

export const FILTERS: readonly Case[] = [...DELIVERY, ...TEMPLATES];

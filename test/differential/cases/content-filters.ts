/** Ids that filters write into content, filters of an origin's own answer, and filters that a message asserts (4.8, 6). */
import { answer, type Case, get } from '../case.js';
import { onPoll, onStream } from '../filtered.js';
import { content, TEXT } from '../holds.js';

/** The names of filters that a message asserts. */
function asserting(name: string, filters: string, asserted: readonly string[], host: string): Case {
  return onStream(
    `4.8 ${name}`,
    { channel: filters, meta: ['user=bob', 'id_format=x'], host },
    async (script, client) => {
      const format = { content: 'asserted\n', 'content-filters': asserted };
      await script.publish({ channel: script.channel('a'), 'http-stream': format });
      await script.publish(content(script, 'b', 'end\n'));
      await client.untilOrClosed('end\n');
    },
  );
}

/** A stream whose two channels number their messages; the id of a message is made of both. */
function numbered(name: string, meta: readonly string[], last: string): Case {
  return {
    name: `6.2 ${name}`,
    origin: ({ key, message }) => {
      if (message.startLine.includes('/next')) return answer('404 Not Found', [], '');
      const channels = ['a; prev-id=1; filter=build-id', 'b; prev-id=5; filter=build-id', 'ready'];
      return answer(
        '200 OK',
        [
          TEXT,
          'Grip-Hold: stream',
          `Grip-Channel: ${channels.map((channel) => `${key}-${channel}`).join(', ')}`,
          ...meta.map((each) => `Grip-Set-Meta: ${each.replaceAll('KEY', key)}`),
          `Grip-Link: </${key}/next>; rel=next`,
        ],
        'open %(first)I\n',
      );
    },
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.until('open ');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish(content(script, 'a', '%I %(a%)I %%\n', { id: '2', 'prev-id': '1' }));
      await script.publish(content(script, 'b', '%I\n', { id: '6', 'prev-id': '5' }));
      await script.publish(content(script, 'a', '%I\n', { id: '3', 'prev-id': '2' }));
      await script.publish(content(script, 'a', 'end\n', { id: '4', 'prev-id': '3' }));
      await client.until(last);
    },
  };
}

const IDS: readonly Case[] = [
  numbered('build-id writes the ids before the message', ['id_format="%(KEY-a)s-%(KEY-b)s%%"'], 'end\n'),
  numbered('build-id in hex', ['id_format="%(KEY-a)s-%(KEY-b)s"', 'id_encoding=hex'], 'end\n'),
  numbered('build-id whose format names no channel', ['id_format="%(KEY-c)s"'], '0\r\n\r\n'),
];

const ASSERTIONS: readonly Case[] = [
  asserting('filters that a message asserts are there', '; filter=var-subst', ['var-subst'], 'debug.example'),
  asserting(
    'filters of delivery are not asserted',
    '; filter=skip-self; filter=var-subst',
    ['var-subst'],
    'plain.example',
  ),
  asserting('no filters are asserted', '; filter=var-subst', [], 'debug.example'),
  asserting(
    'filters are asserted in another order',
    '; filter=var-subst; filter=build-id',
    ['build-id', 'var-subst'],
    'debug.example',
  ),
  asserting('a filter is asserted that is not there', '', ['var-subst'], 'debug.example'),
  asserting('a filter is asserted that nobody knows', '', ['smoke'], 'debug.example'),
  asserting('a filter is asserted that is not there, without debug', '', ['var-subst'], 'plain.example'),
  onPoll(
    '4.8 a filter is asserted that a held request has not',
    'skip-self',
    'user=bob',
    [{ 'http-response': { body: 'now\n', 'content-filters': ['var-subst'] } }],
    '\n',
  ),
];

/** An origin's own answer goes through `build-id` too. */
function initial(name: string, headers: readonly string[], body: string, hold?: string): Case {
  return {
    name: `6.1 ${name}`,
    origin: ({ key }) =>
      answer(
        '200 OK',
        [TEXT, ...(hold ? [`Grip-Hold: ${hold}`] : []), `Grip-Channel: ${key}-a; filter=build-id`, ...headers],
        body,
      ),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  };
}

const INITIAL: readonly Case[] = [
  initial('an answer without a hold is filtered', ['Grip-Set-Meta: id_format=x'], 'a %(b)I %% c\n'),
  initial('an answer without a hold in hex', ['Grip-Set-Meta: id_format=x, id_encoding=hex'], 'a %(b)I %I\n'),
  initial('an answer without a hold whose ids have no format', [], 'a %(b)I\n'),
  initial(
    'an answer without a hold whose ids have no encoding',
    ['Grip-Set-Meta: id_format=x, id_encoding=base64'],
    '%(b)I',
  ),
  initial('an answer without a hold whose format names no id', ['Grip-Set-Meta: id_format="%(c)s"'], 'a %I\n'),
  initial('an answer without a hold whose format is broken', ['Grip-Set-Meta: id_format="%("'], 'a\n'),
  initial('an answer without a hold of a directive nobody knows', ['Grip-Set-Meta: id_format=x'], 'a %s\n'),
  initial('an answer without a hold that stops in a directive', ['Grip-Set-Meta: id_format=x'], 'a %(b'),
  initial('the beginning of a stream whose ids have no format', [], 'open\n', 'stream'),
  initial(
    'the beginning of a stream of a directive nobody knows',
    ['Grip-Set-Meta: id_format=x'],
    'open %x\n',
    'stream',
  ),
];

export const CONTENT_FILTERS: readonly Case[] = [...IDS, ...ASSERTIONS, ...INITIAL];

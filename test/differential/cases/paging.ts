/** Streams that begin with pages: each is fetched from the link of the one before it (specification 4.10). */
import { answer, type Case, get } from '../case.js';
import { content, instruct } from '../holds.js';
import { byPath, link, numbered, page, settled } from '../pages.js';
import type { AnswerScript } from '../recording-origin.js';
import type { Script, Wire } from '../script.js';

interface Paged {
  readonly name: string;
  readonly answers: Readonly<Record<string, AnswerScript>>;
  /** Text that ends the case. */
  readonly last: string;
  readonly host?: string;
  readonly target?: string;
  readonly play?: (script: Script, client: Wire) => Promise<void>;
}

function paged({ name, answers, last, host = 'debug.example', target = '', play }: Paged): Case {
  return {
    name,
    origin: byPath(answers),
    freedoms: ['framing'],
    run: async (script) => {
      const client = await script.client(get(host, `/${script.key}${target}`, ['X-Of-Client: 1', 'User-Agent: test']));
      await play?.(script, client);
      await client.until(last);
    },
  };
}

export const PAGING: readonly Case[] = [
  paged({
    name: '4.10 pages follow one another to a stream',
    answers: {
      '': page('one\n', [link('/KEY/two'), 'X-A: 1']),
      two: page('two\n', [link('three?x=1')]),
      three: settled('three\n'),
    },
    last: 'live\n',
    play: async (script, client) => {
      await client.until('three\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.publish(content(script, 'a', 'live\n'));
    },
  }),
  paged({
    name: '4.10 last ids of a page that holds nothing are not named',
    answers: { '': page('one\n', ['Grip-Channel: KEY-a; prev-id=7', link('/KEY/two')]), two: page('two\n') },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 pages end with one that links to none',
    answers: { '': page('one\n', [link('/KEY/two')]), two: page('two\n', [link('/KEY/three')]), three: page('', []) },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 links are relative to the page they stand in',
    answers: {
      'a/b': page('one\n', [link('../c/d?x=1')]),
      'c/d': page('two\n', [link('e?y=2#fragment')]),
      'c/e': page('three\n'),
    },
    target: '/a/b?q=1',
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a link with the host of the client is fetched over its route',
    answers: { '': page('one\n', [link('http://debug.example/KEY/two')]), two: page('two\n') },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a prefix and a signature go with the pages too',
    host: 'prefix.example',
    answers: { '': page('one\n', [link('/KEY/two')]), two: page('two\n', ['Grip-Channel: KEY-a']) },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page of another status that is good',
    answers: { '': page('one\n', [link('/KEY/two')]), two: page('two\n', [], '206 Partial Content') },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page that is no GRIP',
    answers: { '': page('one\n', [link('/KEY/two')]), two: () => 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntwo\n' },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page in chunks',
    answers: {
      '': page('one\n', [link('/KEY/two')]),
      two: () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n2\r\no\n\r\n0\r\n\r\n',
    },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page that holds a response',
    answers: {
      '': page('one\n', [link('/KEY/two')]),
      two: page('two\n', ['Grip-Hold: response', 'Grip-Channel: KEY-a']),
    },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page with a bad instruct',
    answers: { '': page('one\n', [link('/KEY/two')]), two: page('two\n', ['Grip-Hold: never']) },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page that is a JSON instruct',
    answers: { '': page('one\n', [link('/KEY/two')]), two: () => instruct({ response: { body: 'two\n' } }) },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page that fails is asked for again',
    answers: {
      '': page('one\n', [link('/KEY/two')]),
      two: (request, index) => {
        return index === 1 ? answer('500 Internal Server Error', [], 'no\n') : page('two\n')(request, index);
      },
    },
    last: '0\r\n\r\n',
  }),
  paged({
    name: '4.10 a page of numbered channels without a link ends the stream',
    answers: { '': page('one\n', [link('/KEY/two')]), two: numbered('two\n', '1') },
    last: '0\r\n\r\n',
  }),
];

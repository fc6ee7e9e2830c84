/** `log.format: json` of the built command: what requests, subscriptions and publishes say field by field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { answering, holding } from '../support/origin.js';
import { itemFor, Several } from '../support/several.js';

type Line = Record<string, unknown>;

/** Lines with an `event`, the times left out. */
function eventsIn(output: string): Line[] {
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  return lines.filter(({ event }) => event !== undefined).map(({ time, ...line }) => line);
}

describe('the log in JSON', () => {
  const opened = new Opened();

  it('has every line of several processes, with its fields', async () => {
    const origin = await opened.origin((request, response) =>
      (request.url === '/held' ? holding('stream', 'news') : answering({}, 'hello'))(request, response),
    );
    const several = await Several.start(
      opened,
      2,
      ...['--route', `*,id=main ${origin.target}`, '--set', 'log.format=json', '--set', 'log.user_agent=true'],
    );
    const plain = await opened.get(several.port, '/plain?x=1', 'User-Agent: tester', 'Referer: http://a/b c');
    await plain.readAnswer();
    const held = await opened.get(several.port, '/held');
    await held.readUntil('\r\n\r\n');
    await several.child.says(/"event":"subscribe"/);
    await (await several.publisher()).publish([itemFor('news', 'hello')]);
    await held.readUntil('hello\n\r\n');
    await several.child.says(/"event":"publish".*\n/);
    const start = { level: 30, event: 'request', method: 'GET', target: origin.target, route: 'main', retry: false };
    const uri = 'http://example.com';
    expect(eventsIn(several.child.output)).toEqual([
      {
        ...start,
        uri: `${uri}/plain?x=1`,
        referer: 'http://a/b c',
        result: 'answered',
        code: 200,
        bytes: 5,
        user_agent: 'tester',
        msg: `GET ${uri}/plain?x=1 -> ${origin.target} ref=http://a/b%20c route=main code=200 5 ua=tester`,
      },
      {
        ...start,
        uri: `${uri}/held`,
        result: 'accepted',
        msg: `GET ${uri}/held -> ${origin.target} route=main accept`,
      },
      {
        level: 30,
        event: 'subscribe',
        uri: `${uri}/held`,
        channel: 'news',
        retry: false,
        msg: `subscribe ${uri}/held channel=news`,
      },
      // What the workers have told by then.
      {
        level: 30,
        event: 'publish',
        channel: 'news',
        receivers: expect.any(Number),
        msg: expect.stringMatching(/^publish channel=news receivers=[01]$/),
      },
    ]);
  });

  it('is as docs/operations.md shows it', async () => {
    const page = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
    const [, shown = ''] = /```json\n(.*)\n```/.exec(page) ?? [];
    const origin = await opened.origin(answering({}, 'x'.repeat(474)));
    const several = await Several.start(opened, 1, '--route', `* ${origin.target}`, '--set', 'log.format=json');
    await (await opened.get(several.port, '/echo')).readAnswer();
    const [line = ''] = await several.child.says(/\{[^\n]*"event":"request".*\n/);
    const expected = shown.replaceAll('localhost:8000', origin.target).replace(/"time":\d+/, '"time":0');
    expect(line.trimEnd().replace(/"time":\d+/, '"time":0')).toBe(expected);
  });
});

/** A routes file that changes while clients are held: the next request follows it, nobody who is held notices. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import { answering, holding, type Origin, type Script } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

describe('a routes file', () => {
  const opened = new Opened();

  function file(text: string): string {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-reload-')), (path) =>
      rmSync(path, { recursive: true }),
    );
    const path = join(folder, 'routes');
    writeFileSync(path, text);
    return path;
  }

  it('is in force as soon as it was read again, and held connections stay', async () => {
    const one = await opened.origin(holding('stream', 'news', 'open\n'));
    const two = await opened.origin(answering({}, 'two'));
    const path = file(`* ${one.target}\n`);
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } } });
    const ready = subscribed(holdfast, 'news');
    const held = await opened.get(clientPort(holdfast), '/');
    await ready;
    writeFileSync(path, `* ${two.target}\n`);
    await holdfast.reload();
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('two');
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'still here\n' } } });
    await held.readUntil('still here\n');
  });

  it('is watched', async () => {
    const path = file('a.example test\n');
    const log = new LineLog();
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } }, logger: log });
    writeFileSync(path, 'a.example test\nb.example test\n');
    await log.until('routes loaded with 2 entries');
    // The line does not wait until the table is in force.
    await turnUntil('the table', () => holdfast.routeCount === 2);
  });

  it('keeps its good lines in force beside a bad one, which is named', async () => {
    const path = file('a.example test\n');
    const log = new LineLog();
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } }, logger: log });
    writeFileSync(path, 'a.example test\nbad\nc.example test\n');
    await holdfast.reload();
    expect(holdfast.routeCount).toBe(2);
    await log.until(`${path}:2: must specify condition and at least one target`);
  });

  it('that cannot be read leaves the old one in force', async () => {
    const path = file('a.example test\n');
    const log = new LineLog();
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } }, logger: log });
    rmSync(path);
    await holdfast.reload();
    expect(holdfast.routeCount).toBe(1);
    await log.until('unable to open routes file');
  });

  it('read again 150 times drops none of the clients that are held', async () => {
    const origin = await opened.origin(holding('stream', 'news', 'open\n'));
    const path = file(`* ${origin.target}\n`);
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } } });
    const clients = await Promise.all(Array.from({ length: 200 }, () => opened.get(clientPort(holdfast), '/')));
    await Promise.all(clients.map((client) => client.readUntil('open\n\r\n')));
    for (let i = 0; i < 150; i += 1) {
      writeFileSync(path, `* ${origin.target}\nhost-${i}.example test\n`);
      await holdfast.reload();
    }
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'after\n' } } });
    await Promise.all(clients.map((client) => client.readUntil('after\n')));
    expect(holdfast.counters.holds.stream).toBe(200);
  });

  it('is in force as it was read last, whatever its targets take to be opened', async () => {
    const path = file('a.example test\n');
    const holdfast = await opened.holdfast({ settings: { routes: { file: path, lines: [] } } });
    writeFileSync(path, 'a.example zhttpreq/ipc:///nowhere-at-all/x/y\n');
    const first = holdfast.reload();
    await first;
    writeFileSync(path, 'a.example test\nb.example test\nc.example test\n');
    await holdfast.reload();
    expect(holdfast.routeCount).toBe(3);
  });
});

describe('a client that is held while the routes change', () => {
  const opened = new Opened();

  interface Moving {
    readonly holdfast: Holdfast;
    readonly client: RawClient;
    readonly log: LineLog;
    readonly one: Origin;
    readonly two: Origin;
    /** Puts these lines in force; `ONE` and `TWO` stand for the origins. */
    change(...lines: readonly string[]): Promise<void>;
  }

  /** Held by the first of two origins, by way of these routes. */
  async function held(script: Script, ...lines: readonly string[]): Promise<Moving> {
    const one = await opened.origin(script);
    const two = await opened.origin(answering({}, 'from two\n'));
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-moved-'));
    opened.add(folder, (path) => rmSync(path, { recursive: true }));
    const file = join(folder, 'routes');
    const write = (texts: readonly string[]): void => {
      const text = texts.join('\n').replaceAll('ONE', one.target).replaceAll('TWO', two.target);
      writeFileSync(file, `${text}\n`);
    };
    write(lines);
    const log = new LineLog();
    const hold = { updateOnFirstSubscription: false };
    const holdfast = await opened.holdfast({ settings: { routes: { file, lines: [] }, hold }, logger: log });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/app/start');
    await ready;
    const change = async (...texts: readonly string[]): Promise<void> => {
      write(texts);
      await holdfast.reload();
    };
    return { holdfast, client, log, one, two, change };
  }

  const hint = { channel: 'news', formats: { 'http-response': { action: 'hint' }, 'http-stream': { action: 'hint' } } };

  const paging: Script = answering(
    { 'Grip-Hold': 'stream', 'Grip-Channel': 'news', 'Grip-Link': '</app/next>; rel=next' },
    'open\n',
  );

  const MOVES: readonly (readonly [how: string, before: readonly string[], after: readonly string[]])[] = [
    ['by its host', ['example.com ONE'], ['other.example ONE', 'example.com TWO']],
    ['by its id', ['*,id=app ONE'], ['* ONE', 'nobody.example,id=app TWO']],
    [
      'by its host where its id is shared',
      ['*,id=app ONE', 'a.example,id=app ONE'],
      ['*,id=app TWO', 'a.example,id=app ONE'],
    ],
    [
      'by an id that is shared from now on',
      ['*,id=app ONE'],
      ['a.example,id=app ONE', 'example.com TWO', 'b.example,id=app ONE'],
    ],
  ];

  it.each(MOVES)('is asked for again where its route leads now, found %s', async (_how, before, after) => {
    const { holdfast, client, one, two, change } = await held(holding('response', 'news'), ...before);
    await change(...after);
    holdfast.publish(hint);
    expect((await client.readAnswer()).body.toString()).toBe('from two\n');
    expect([one.requests.length, two.requests.map(({ url }) => url)]).toEqual([1, ['/app/start']]);
  });

  it.each(MOVES)('has its next link followed to where its route leads now, found %s', async (_how, before, after) => {
    const { holdfast, client, one, two, change } = await held(paging, ...before);
    await change(...after);
    holdfast.publish(hint);
    expect((await client.readAnswer()).body.toString()).toBe('open\nfrom two\n');
    expect([one.requests.length, two.requests.map(({ url }) => url)]).toEqual([1, ['/app/next']]);
  });

  it('has its end told to where its route leads now', async () => {
    const link = { 'Grip-Hold': 'stream', 'Grip-Channel': 'news', 'Grip-Link': '</app/gone>; rel=gone' };
    const { client, one, two, change } = await held(answering(link, 'open\n'), '* ONE');
    await change('* TWO');
    client.close();
    expect((await two.request(0)).url).toBe('/app/gone');
    expect(one.requests.length).toBe(1);
  });

  const ENDS: readonly (readonly [what: string, after: string])[] = [
    ['gone', 'other.example,id=other TWO'],
    ['for other paths', '*,id=app,path_beg=/other TWO'],
  ];

  it.each(ENDS)('is told so when it is to be asked for again and its route is %s', async (_what, after) => {
    const { holdfast, client, two, change } = await held(holding('response', 'news'), '*,id=app ONE');
    await change(after);
    holdfast.publish(hint);
    const expected =
      'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\nRoute not found\n';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(two.requests).toEqual([]);
  });

  it.each(ENDS)('has no next link to follow when its route is %s', async (_what, after) => {
    const { holdfast, client, log, one, two, change } = await held(paging, '*,id=app ONE');
    await client.readUntil('open\n\r\n');
    await change(after);
    holdfast.publish(hint);
    await log.until('GET http://example.com/app/next route=app code=502 0');
    expect([one.requests.length, two.requests.length, client.pending]).toEqual([1, 0, '']);
  });
});

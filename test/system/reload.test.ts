/** A routes file that changes while clients are held: the next request follows it, nobody who is held notices. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { LineLog, subscribed } from '../support/events.js';
import { answering, holding } from '../support/origin.js';

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
    expect(holdfast.routeCount).toBe(2);
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

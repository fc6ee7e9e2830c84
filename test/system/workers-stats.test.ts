/** The stats socket when the clients are in several processes: one program to whoever listens. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { itemFor, Several } from '../support/several.js';
import { StatsListener } from '../support/stats-listener.js';

describe('stats of several workers', () => {
  const opened = new Opened();

  it('add up', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'stats-')), (path) => rmSync(path, { recursive: true }));
    const endpoint = `ipc://${folder}/stats`;
    const several = await Several.start(
      opened,
      2,
      ...['--route', '*,id=one test'],
      ...['--set', `zeromq.stats=${endpoint}`, '--set', 'stats.format=json', '--set', 'stats.report_interval=1'],
    );
    const listener = StatsListener.to(opened, endpoint);
    await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${several.port}/`)).text());
    await listener.next('report', { connections: 0 });
    listener.forget();

    const [first, second] = await several.streams('news');
    await listener.next('sub', { channel: 'news', subscribers: 2 });
    const ids = new Set(listener.of('conn').map(({ fields }) => fields.id));
    expect(ids.size).toBe(2);
    expect(new Set(listener.packets.map(({ fields }) => fields.from))).toEqual(
      new Set([`handler_${several.child.pid}`]),
    );
    const found = (await several.command('/conncheck', { ids: [...ids] })) as { ids: string[] };
    expect(new Set(found.ids)).toEqual(ids);
    // None of them is a WebSocket.
    for (const cid of ids) expect(await several.control('/refresh', JSON.stringify({ cid }))).toBe(404);

    await (await several.publisher()).publish([itemFor('news', 'hello', { id: '1' })]);
    await listener.next('message', { channel: 'news', count: 2, 'item-id': '1', transport: 'http-stream' });
    await listener.next('report', { route: 'one', connections: 2 });

    // A worker that dies takes its clients along.
    const [worker = 0] = several.workers();
    listener.forget();
    process.kill(worker, 'SIGKILL');
    await Promise.any([first?.untilClosed(), second?.untilClosed()]);
    const lost = (await listener.next('conn', { unavailable: true })).fields;
    expect(lost).toEqual({ id: expect.anything(), unavailable: true, route: 'one', from: expect.anything() });
    ids.delete(lost.id);
    expect(await several.command('/conncheck', { ids: [lost.id, ...ids] })).toEqual({ ids: [...ids] });
    expect(ids.size).toBe(1);
    listener.forget();
    await listener.next('report', { route: 'one', connections: 1 });
    expect(listener.of('conn').filter(({ fields }) => fields.unavailable === true)).toEqual([]);
    // And the one that takes its place is watched, too.
    const [, pid] = await several.child.says(/worker \d serves again \(pid (\d+)\)/);
    const third = await several.stream('news', Number(pid));
    await listener.next('sub', { channel: 'news', subscribers: 2 });
    await listener.next('report', { route: 'one', connections: 2 });
    expect(third.closed).toBe(false);
  });
});

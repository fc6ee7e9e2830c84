/** When Holdfast says that it serves: not before everything is up, and not any more while it closes. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ServiceState } from '../../src/runtime/service-state.js';
import { clientPort, Opened } from '../support/closing.js';
import { freePorts } from '../support/free-ports.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';

describe('readiness', () => {
  const opened = new Opened();

  it('comes when everything is up, and goes as soon as the end begins; health stays to the last', async () => {
    const holdfast = await opened.holdfast({ settings: { metrics } });
    const watcher = Watcher.of(holdfast);
    expect(await watcher.ready()).toEqual([200, 'ready\n']);
    // What it does not read keeps its connection open for a second.
    const slow = await opened.get(clientPort(holdfast), '/stream?channel=a');
    await slow.readUntil('[stream opened]\n\r\n');
    slow.pause();
    for (let count = 0; count < 5; count += 1) {
      holdfast.publish({ channel: 'a', formats: { 'http-stream': { content: 'x'.repeat(1_000_000) } } });
    }
    const closed = holdfast.close();
    expect(await watcher.ready()).toEqual([503, 'closing\n']);
    const health = await watcher.get('/healthz');
    expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
    expect((await watcher.scrape()).value('holdfast_ready')).toBe(0);
    await closed;
    await expect(watcher.get('/healthz')).rejects.toThrow();
  });

  it('can be asked for from the first moment of the start', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'ready-')), (path) => rm(path, { recursive: true }));
    // Reading it takes as long as nobody writes.
    const file = join(folder, 'routes');
    spawnSync('mkfifo', [file]);
    const [port = 0] = await freePorts(1);
    const listen = { host: '127.0.0.1', port };
    const starting = opened.holdfast({ settings: { routes: { file }, metrics: { listen } } });
    const watcher = new Watcher(port);
    const answer = await watcher.untilAnswered('/readyz');
    expect([answer.status, await answer.text()]).toEqual([
      503,
      'the routes are not loaded\nnot all listeners are up\n',
    ]);
    expect((await watcher.get('/healthz')).status).toBe(200);
    expect((await watcher.scrape()).value('holdfast_ready')).toBe(0);
    await writeFile(file, '* test\n');
    await starting;
    expect(await watcher.ready()).toEqual([200, 'ready\n']);
  });

  it('says what is missing, one line each', () => {
    const workers = ['worker 2 does not serve'];
    const state = new ServiceState(() => workers);
    expect(state.troubles()).toEqual(['the routes are not loaded', 'not all listeners are up', ...workers]);
    state.routesLoaded();
    expect(state.troubles()).toEqual(['not all listeners are up', ...workers]);
    state.opened();
    expect(state.troubles()).toEqual(workers);
    workers.pop();
    expect(state.troubles()).toEqual([]);
    state.closes();
    expect(state.troubles()).toEqual(['closing']);
    state.opened();
    expect(state.troubles()).toEqual(['closing']);
  });
});

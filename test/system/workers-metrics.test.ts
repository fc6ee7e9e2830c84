/** Metrics, health and readiness when the clients are in several processes. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { itemFor, Several } from '../support/several.js';
import { Watcher } from '../support/watcher.js';

const ON = ['--set', 'metrics.listen=127.0.0.1:0', '--route', '* test'];

describe('metrics of several workers', () => {
  const opened = new Opened();

  async function start(workers: number, ...args: readonly string[]) {
    const several = await Several.start(opened, workers, ...ON, ...args);
    const [, port] = await several.child.says(/metrics: http:\/\/127\.0\.0\.1:(\d+)\/metrics/);
    return { several, watcher: new Watcher(Number(port)) };
  }

  it('are summed, and say of each process how it is', async () => {
    const { several, watcher } = await start(2);
    const streams = await several.streams('a');
    const publisher = await several.publisher();
    for (let count = 0; count < 3; count += 1) await publisher.publish([itemFor('a', `item ${count}`)]);
    await publisher.publish([itemFor('nobody', 'x')]);
    for (const stream of streams) await stream.readUntil('item 2\n');
    const page = await watcher.until(
      'the deliveries',
      (one) => one.value('message_sent') === 6 && one.value('holdfast_publish_to_write_seconds_count') === 6,
    );
    expect(page.value('message_received')).toBe(4);
    expect(page.nonZero('holdfast_published_items_total')).toEqual({ '{way="http"}': 4 });
    expect(Object.keys(page.nonZero('holdfast_unheard_items_total'))).toEqual(['{way="http"}']);
    expect(page.nonZero('holdfast_requests_total')).toEqual({ '{transport="http"}': 2 });
    expect(page.nonZero('holdfast_connections')).toEqual({ '{transport="http",state="held"}': 2 });
    expect(page.value('connection_minute')).toBe(2);
    expect(page.value('holdfast_channels')).toBe(1);
    expect(page.nonZero('holdfast_subscriptions')).toEqual({ '{mode="stream"}': 2 });
    expect(page.nonZero('holdfast_workers')).toEqual({ '{state="configured"}': 2, '{state="serving"}': 2 });
    for (const process of ['main', 'worker 1', 'worker 2']) {
      expect(page.value(`holdfast_process_memory_bytes{process="${process}",kind="rss"}`)).toBeGreaterThan(1e7);
      expect(page.value(`holdfast_process_cpu_seconds_total{process="${process}",mode="user"}`)).toBeGreaterThan(0);
      page.value(`holdfast_event_loop_lag_seconds{process="${process}",quantile="0.99"}`);
    }
    expect([...(page.families.get('holdfast_worker_queue_bytes')?.samples.keys() ?? [])]).toEqual([
      'holdfast_worker_queue_bytes{process="worker 1"}',
      'holdfast_worker_queue_bytes{process="worker 2"}',
    ]);
    // The way through the pipe is part of it, and both clocks are the same one.
    const mean = page.value('holdfast_publish_to_write_seconds_sum') / 6;
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBeLessThan(1);
  });

  it('keep what a dead worker has done, let go of what it held, and say that it is missing', async () => {
    const { several, watcher } = await start(2);
    const [, dying = 0] = several.workers();
    expect(await watcher.ready()).toEqual([200, 'ready\n']);
    await several.stream('a', dying);
    await (await several.publisher()).publish([itemFor('a', 'x')]);
    await watcher.until('the delivery', (page) => page.value('message_sent') === 1);
    // Stopped first: its successor would be there before anybody has looked.
    const troubles: string[] = [];
    for (let life = 0, pid = dying; life < 3 && troubles.length === 0; life += 1) {
      process.kill(pid, 'SIGKILL');
      await several.child.says(new RegExp(`pid ${pid}\\) ended with signal SIGKILL`));
      const [status, text] = await watcher.ready();
      if (status === 503) troubles.push(text);
      pid = Number((await several.child.says(new RegExp(`pid ${pid}\\)[\\s\\S]*serves again \\(pid (\\d+)\\)\\n`)))[1]);
    }
    expect(troubles).toEqual(['worker 2 does not serve\n']);
    const page = await watcher.until('the new worker', (one) => one.value('holdfast_ready') === 1);
    expect(page.value('holdfast_worker_restarts_total')).toBeGreaterThan(0);
    expect([page.value('message_sent'), page.value('request_received')]).toEqual([1, 1]);
    expect(page.nonZero('holdfast_holds')).toEqual({});
    expect(page.value('connection_connected')).toBe(0);
  });

  it('say that a worker hangs, until it goes on', async () => {
    const { several, watcher } = await start(2);
    const [, hanging = 0] = several.workers();
    process.kill(hanging, 'SIGSTOP');
    const page = await watcher.until('the silence', (one) => one.value('holdfast_ready') === 0, 18_000);
    expect(page.nonZero('holdfast_workers')).toEqual({ '{state="configured"}': 2, '{state="serving"}': 1 });
    const [status, text] = await watcher.ready();
    expect([status, text]).toEqual([503, expect.stringMatching(/^worker 2 has said nothing for 1\d seconds\n$/)]);
    process.kill(hanging, 'SIGCONT');
    await watcher.until('its next word', (one) => one.value('holdfast_ready') === 1);
    expect(await watcher.ready()).toEqual([200, 'ready\n']);
  }, 40_000);

  it('can be read while the workers start, and until the last client has been sent away', async () => {
    const { several, watcher } = await start(2);
    const stream = await several.stream('a');
    // A worker that stands still keeps the end waiting.
    const [first = 0] = several.workers();
    process.kill(first, 'SIGSTOP');
    several.child.signal('SIGTERM');
    await several.child.says(/SIGTERM received, closing/);
    expect(await watcher.ready()).toEqual([503, 'closing\n']);
    expect((await watcher.get('/healthz')).status).toBe(200);
    expect((await watcher.scrape()).value('holdfast_ready')).toBe(0);
    process.kill(first, 'SIGCONT');
    expect(await several.child.ended()).toMatchObject({ code: 0 });
    await stream.untilClosed();
    await expect(watcher.get('/healthz')).rejects.toThrow();
  });
});

/** What Prometheus reads from Debian's pushpin and from Holdfast: the same names, texts and types, and both count the same. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import type { Exposition } from '../support/exposition.js';
import { freePorts } from '../support/free-ports.js';
import { Pushpin } from '../support/pushpin.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';

const FIVE = ['request_received', 'connection_connected', 'connection_minute', 'message_received', 'message_sent'];

describe.skipIf(!REQUIREMENTS.pushpin.isThere())('prometheus_port of pushpin and metrics of Holdfast', () => {
  const opened = new Opened();

  it.each(['', 'my_'])('have the same five metrics with the prefix %j', async (prefix) => {
    const [port = 0] = await freePorts(1);
    const handler = [`prometheus_port=127.0.0.1:${port}`, `prometheus_prefix=${prefix}`];
    const pushpin = opened.add(await Pushpin.start({ routes: ['* test'], handler }), (one) => one.stop());
    const holdfast = await opened.holdfast({ settings: { metrics: { ...metrics, prefix } } });
    const watcher = Watcher.of(holdfast);

    const theirs = await new Watcher(port).get('/any/path');
    const lines = (await theirs.text()).split('\n');
    const ours = (await (await watcher.get('/metrics')).text()).split('\n');
    const described = lines.filter((line) => line.startsWith('# '));
    expect(described).toHaveLength(10);
    expect(ours.filter((line) => line.startsWith('# ')).slice(0, 10)).toEqual(described);

    // One stream, and one item to it: what both count of that.
    const first = await (await opened.get(clientPort(holdfast), '/stream?channel=a')).readUntil('[stream opened]\n');
    expect(first).toContain('200 OK');
    holdfast.publish({ channel: 'a', formats: { 'http-stream': { content: 'x' } } });
    const before = await new Watcher(port).scrape();
    const stream = await opened.get(pushpin.port, '/stream?channel=a');
    await stream.readUntil('[stream opened]\n');
    await pushpin.publishUntil('an item', () => stream.pending.includes('x\n'), {
      channel: 'a',
      formats: { 'http-stream': { content: 'x\n' } },
    });
    // The original counts a moment later, and what made it ready as well.
    await new Watcher(port).until('the request and its item', (page) =>
      ['request_received', 'connection_minute', 'message_received', 'message_sent'].every(
        (name) => page.value(prefix + name) > before.value(prefix + name),
      ),
    );
    const page = await watcher.until('the delivery', (one) => one.value(`${prefix}message_sent`) === 1);
    expect(FIVE.map((name) => page.value(prefix + name))).toEqual([1, 1, 1, 1, 1]);
  });

  it('count minutes differently: those of requests there, those of connections here', async () => {
    const [port = 0] = await freePorts(1);
    const handler = [`prometheus_port=127.0.0.1:${port}`];
    const pushpin = opened.add(await Pushpin.start({ routes: ['* test'], handler }), (one) => one.stop());
    const holdfast = await opened.holdfast({ settings: { metrics } });
    const watchers = [new Watcher(port), Watcher.of(holdfast)] as const;
    const before = await Promise.all(watchers.map((watcher) => watcher.scrape()));
    for (const one of [pushpin.port, clientPort(holdfast)]) {
      const client = await opened.client(one);
      for (let count = 0; count < 5; count += 1) {
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await client.readAnswer();
      }
    }
    const asked = (page: Exposition): number => page.value('request_received');
    const minutes = (page: Exposition): number => page.value('connection_minute');
    const [, ours] = await Promise.all([
      // Its numbers come from another process of its own, each in its time; what made it ready is in them too, sometimes
      // as a request without a minute or the other way round.
      watchers[0].until('five requests and five minutes', (page) =>
        [asked, minutes].every((count) => count(page) >= count(before[0] ?? page) + 5),
      ),
      watchers[1].until('five requests', (page) => asked(page) === 5),
    ]);
    expect([ours?.value('request_received'), ours?.value('connection_minute')]).toEqual([5, 1]);
  });
});

/** Spans of several processes: a publish comes in at the main process and goes out in the workers. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { itemFor, Several } from '../support/several.js';
import { SpanReceiver } from '../support/span-receiver.js';
import { PARENT, TRACE } from '../support/traced.js';

describe('tracing with several workers', () => {
  const opened = new Opened();

  it('follows a publish from its publisher through the main process to the holds of each worker', async () => {
    const receiver = await SpanReceiver.start(opened);
    const settings = ['--route', '* test', '--set', `tracing.otlp_endpoint=${receiver.endpoint}`];
    const several = await Several.start(opened, 2, ...settings);
    const workers = several.workers();
    await several.streams('news');
    const traceparent = `00-${TRACE}-${PARENT}-01`;
    await several.command('/publish', { items: [itemFor('news', 'hello', { id: '1' })] }, { traceparent });
    several.child.signal('SIGTERM');
    expect(await several.child.ended()).toMatchObject({ code: 0, stderr: '' });

    const publish = await receiver.one('publish');
    expect(publish).toMatchObject({ kind: 'producer', traceId: TRACE, parentId: PARENT, links: [] });
    expect(publish.resource['process.pid']).toBe(several.child.pid);
    expect(publish.attributes['holdfast.publish.receivers']).toBe(2);

    const holds = await receiver.named('hold stream', 2);
    expect(holds.map(({ attributes }) => attributes['holdfast.hold.end'])).toEqual(['shut-down', 'shut-down']);
    for (const deliver of await receiver.named('deliver', 2)) {
      expect(deliver).toMatchObject({ traceId: TRACE, parentId: publish.spanId, kind: 'internal' });
      const pid = deliver.resource['process.pid'];
      const own = holds.filter(({ resource }) => resource['process.pid'] === pid).map(({ spanId }) => spanId);
      expect(deliver.links).toEqual(own);
      expect(own).toHaveLength(1);
    }
    const pids = receiver.spans.filter(({ name }) => name === 'deliver').map((span) => span.resource['process.pid']);
    expect(pids.sort()).toEqual([...workers].sort());
  });

  it('follows what a client posts to Pinghub', async () => {
    const receiver = await SpanReceiver.start(opened);
    const settings = ['--route', '* pinghub', '--set', `tracing.otlp_endpoint=${receiver.endpoint}`];
    const several = await Several.start(opened, 2, ...settings);
    await fetch(`http://127.0.0.1:${several.port}/a`, {
      method: 'POST',
      body: 'x',
      headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    });
    several.child.signal('SIGTERM');
    expect(await several.child.ended()).toMatchObject({ code: 0, stderr: '' });
    expect(await receiver.one('publish')).toMatchObject({ kind: 'producer', traceId: TRACE, parentId: PARENT });
  });
});

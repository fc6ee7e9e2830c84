/** Spans of publishes and the holds they are linked to (docs/tracing.md). */
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { controlUri, Opened } from '../support/closing.js';
import { holding } from '../support/origin.js';
import { itemFor } from '../support/several.js';
import { PARENT, TRACE, traced } from '../support/traced.js';

describe('tracing of publishes', () => {
  const opened = new Opened();

  it('makes a span of a hold, with its channels, and links publishes to it', async () => {
    const { port, holdfast, spans } = await traced(
      opened,
      (_request, response) => void response.writeHead(200, { 'Grip-Hold': 'stream', 'Grip-Channel': 'a, b' }).end(),
    );
    const client = await opened.get(port, '/');
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('b', 'hello', { id: '7' }));
    await client.readUntil('hello\n');
    const all = await spans();
    const hold = all.get('hold stream');
    expect(hold).toMatchObject({ kind: 'internal', parentId: all.get('GET all')?.spanId, failed: false });
    expect(hold?.attributes).toEqual({ 'holdfast.hold.mode': 'stream', 'holdfast.hold.end': 'shut-down' });
    expect(hold?.events).toEqual(
      ['a', 'b'].map((channel) => ({ name: 'subscribe', attributes: { 'holdfast.channel': channel } })),
    );
    expect(all.get('GET all')?.attributes).toMatchObject({ 'holdfast.request.end': 'accepted' });
    const publish = all.get('publish');
    expect(publish).toMatchObject({ kind: 'producer', parentId: '', links: [hold?.spanId] });
    expect(publish?.attributes).toEqual({
      'messaging.system': 'holdfast',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'b',
      'messaging.message.id': '7',
      'holdfast.publish.receivers': 1,
      'holdfast.publish.traced_holds': 1,
    });
    expect(publish?.traceId).not.toBe(hold?.traceId);
  });

  async function publishOver(holdfast: Holdfast, path: string, traceparent: string): Promise<void> {
    const response = await fetch(`${controlUri(holdfast)}${path}`, {
      method: 'POST',
      headers: { traceparent },
      body: JSON.stringify({ items: [itemFor('news', 'hello')] }),
    });
    expect(response.status).toBe(200);
    await response.text();
  }

  it.each(['/publish', '/publish?report=1'])('goes on with the trace of a publisher at %s', async (path) => {
    const { port, holdfast, spans, receiver } = await traced(opened, holding('stream', 'news'));
    await (await opened.get(port, '/')).readUntil('\r\n\r\n');
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-01`);
    // Junk is no trace.
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-01-more`);
    await publishOver(holdfast, path, `00-${TRACE}-${PARENT}-00`);
    const all = await spans();
    const publishes = receiver.spans.filter(({ name }) => name === 'publish');
    expect(publishes).toHaveLength(2);
    expect(publishes[0]).toMatchObject({ traceId: TRACE, parentId: PARENT, links: [all.get('hold stream')?.spanId] });
    expect(publishes[1]?.parentId).toBe('');
    expect(publishes[1]?.traceId).not.toBe(TRACE);
  });

  it('goes on with the trace of a program that publishes in its process', async () => {
    const { holdfast, spans } = await traced(opened, holding('stream', 'news'));
    holdfast.publish(itemFor('news', 'hello'), `00-${TRACE}-${PARENT}-01`);
    expect((await spans()).get('publish')).toMatchObject({ traceId: TRACE, parentId: PARENT });
  });

  it('goes on with the trace of a client that posts to Pinghub', async () => {
    const { port, spans } = await traced(opened, holding('stream', 'news'), {}, () => ['* pinghub']);
    await fetch(`http://127.0.0.1:${port}/a`, {
      method: 'POST',
      body: 'x',
      headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
    });
    expect((await spans()).get('publish')).toMatchObject({ traceId: TRACE, parentId: PARENT });
  });

  it('has a span of its own for an item that had to wait for another', async () => {
    const { port, holdfast, spans, receiver } = await traced(opened, holding('stream', 'news'));
    const client = await opened.get(port, '/');
    await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('news', 'one', { id: '1' }));
    holdfast.publish(itemFor('news', 'three', { id: '3', 'prev-id': '2' }));
    holdfast.publish(itemFor('news', 'two', { id: '2', 'prev-id': '1' }));
    await client.readUntil('three\n');
    const all = await spans();
    const third = receiver.spans.find(
      ({ name, attributes }) => name === 'publish' && attributes['messaging.message.id'] === '3',
    );
    expect(third?.links).toEqual([]);
    expect(third?.attributes).not.toHaveProperty('holdfast.publish.receivers');
    expect(all.get('deliver')).toMatchObject({
      parentId: third?.spanId,
      links: [all.get('hold stream')?.spanId],
      attributes: { 'messaging.message.id': '3' },
    });
  });

  it('links a publish to 128 holds at most, and tells how many there are', async () => {
    const { port, holdfast, spans } = await traced(opened, holding('stream', 'news'));
    const clients = await Promise.all(Array.from({ length: 130 }, () => opened.get(port, '/')));
    for (const client of clients) await client.readUntil('\r\n\r\n');
    holdfast.publish(itemFor('news', 'hello'));
    const publish = (await spans()).get('publish');
    expect(new Set(publish?.links).size).toBe(128);
    expect(publish?.attributes['holdfast.publish.traced_holds']).toBe(130);
  });
});

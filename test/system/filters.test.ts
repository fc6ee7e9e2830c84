/** Filters as publishers and clients see them: who gets an item, and with which content. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import type { Script } from '../support/origin.js';

const settings = { hold: { updateOnFirstSubscription: false } };

function filtered(mode: 'stream' | 'response', filters: string, meta = '', body = 'open\n'): Script {
  return (_request, response) => {
    response.writeHead(200, {
      'Content-Type': 'text/plain',
      'Grip-Hold': mode,
      'Grip-Channel': `news; ${filters}`,
      ...(meta === '' ? {} : { 'Grip-Set-Meta': meta }),
    });
    response.end(body);
  };
}

function stream(content: string, meta: Record<string, string> = {}, extra: object = {}): object {
  return { channel: 'news', meta, formats: { 'http-stream': { content, ...extra } } };
}

describe('filters on a stream', () => {
  const opened = new Opened();

  it('skip-self keeps an item from its own sender', async () => {
    const { holdfast, port } = await opened.proxied(filtered('stream', 'filter=skip-self', 'user=alice'), { settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('open\n\r\n');
    holdfast.publish(stream('of alice\n', { sender: 'alice' }));
    holdfast.publish(stream('of bob\n', { sender: 'bob' }));
    expect(await client.readUntil('bob\n')).toBe('7\r\nof bob\n');
    expect(holdfast.counters.dropped.filtered).toBe(1);
  });

  it('var-subst fills in what is known of the client; an item that names something else is dropped', async () => {
    const script = filtered('stream', 'filter=var-subst', 'user=alice');
    const { holdfast, port } = await opened.proxied(script, { settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('open\n\r\n');
    holdfast.publish(stream('hello %(nobody)s\n'));
    holdfast.publish(stream('hello %(user)s 100%%\n'));
    expect(await client.readUntil('%\n')).toBe('11\r\nhello alice 100%\n');
    expect(holdfast.counters.dropped.filtered).toBe(1);
  });

  it('run one after the other', async () => {
    const script = filtered('stream', 'filter=var-subst; filter=require-sub', 'user=alice');
    const { holdfast, port } = await opened.proxied(script, { settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('open\n\r\n');
    holdfast.publish(stream('no\n', { require_sub: 'other' }));
    holdfast.publish(stream('yes %(user)s\n', { require_sub: 'news' }));
    expect(await client.readUntil('alice\n')).toBe('a\r\nyes alice\n');
  });

  it('build-id makes the ids of the first body', async () => {
    const script = filtered('stream', 'filter=build-id', 'id_format=x', 'id: %(first)I\n');
    const { port } = await opened.proxied(script, { settings });
    const client = await opened.get(port, '/');
    await client.readUntil('id: first\n');
  });

  it('end the stream in debug mode when they fail', async () => {
    const script = filtered('stream', 'filter=var-subst');
    const { holdfast, port } = await opened.proxied(script, { settings: { ...settings, proxy: { debug: true } } });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    holdfast.publish(stream('%(user)s'));
    const { body } = await client.readAnswer();
    expect(body.toString()).toMatch(/^open\n\n\nfilter error: var-subst: No such variable 'user'/);
  });

  it('have to be those that the item takes for granted', async () => {
    const { holdfast, port } = await opened.proxied(filtered('stream', 'filter=var-subst', 'user=alice'), { settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('open\n\r\n');
    holdfast.publish(stream('wrong\n', {}, { 'content-filters': ['build-id'] }));
    holdfast.publish(stream('%(user)s\n', {}, { 'content-filters': ['var-subst'] }));
    expect(await client.readUntil('alice\n')).toBe('6\r\nalice\n');
  });
});

describe('filters on a long poll', () => {
  const opened = new Opened();

  it('let the client wait on when they keep an item back', async () => {
    const { holdfast, port } = await opened.proxied(filtered('response', 'filter=skip-users', 'user=alice'), {
      settings,
    });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    const item = (body: string, skip: string): object => ({
      channel: 'news',
      meta: { skip_users: skip },
      formats: { 'http-response': { body } },
    });
    holdfast.publish(item('one', 'bob, alice'));
    holdfast.publish(item('two', 'bob'));
    expect((await client.readAnswer()).body.toString()).toBe('two');
  });
});

/** Streams whose items an HTTP endpoint lets through, changes or keeps back (specification 6.3). */
import { describe, expect, it } from 'vitest';
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import type { Origin } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';
import { FilterEndpoint, filteredHold, streamItem } from './filter-endpoint.js';

const settings = { hold: { updateOnFirstSubscription: false } };

describe('a stream with an HTTP filter', () => {
  const opened = new Opened();

  async function held(
    headers: Readonly<Record<string, string>>,
    options: HoldfastOptions = {},
  ): Promise<{ endpoint: FilterEndpoint; holdfast: Holdfast; origin: Origin; client: RawClient }> {
    const endpoint = new FilterEndpoint();
    const { holdfast, origin, port } = await opened.proxied(endpoint.holding(headers), { settings, ...options });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/app/stream?x=1', 'X-Of-Client: 1');
    await client.readUntil('open\n\r\n');
    await ready;
    return { endpoint, holdfast, origin, client };
  }

  it('asks about one item at a time, and later ones wait their turn', async () => {
    const { endpoint, holdfast, client } = await held(filteredHold('stream', 'http-check'));
    for (const content of ['one\n', 'two\n', 'three\n']) holdfast.publish(streamItem(content));
    const first = await endpoint.question(0);
    expect(endpoint.questions.length).toBe(1);
    expect(client.pending).toBe('');
    first.answer(200);
    (await endpoint.question(1)).answer(204);
    expect(await client.readUntil('two\n\r\n')).toBe('4\r\none\n\r\n4\r\ntwo\n\r\n');
    (await endpoint.question(2)).answer(200, 'this is nobody’s content');
    expect(await client.readUntil('three\n\r\n')).toBe('6\r\nthree\n\r\n');
    expect(endpoint.questions.map(({ body }) => body)).toEqual(['', '', '']);
  });

  it('leaves out an item whose answer says drop', async () => {
    const { endpoint, holdfast, client } = await held(filteredHold('stream', 'http-check'));
    holdfast.publish(streamItem('no\n'));
    holdfast.publish(streamItem('yes\n'));
    (await endpoint.question(0)).answer(200, '', { action: 'drop' });
    (await endpoint.question(1)).answer(200, '', { Action: 'Drop' });
    expect(await client.readUntil('yes\n\r\n')).toBe('4\r\nyes\n\r\n');
    expect(holdfast.counters.dropped.filtered).toBe(1);
    expect(holdfast.counters.delivered).toBe(1);
  });

  it('sends what http-modify makes of an item, and the item itself after a 204', async () => {
    const { endpoint, holdfast, client } = await held(filteredHold('stream', 'http-modify'));
    for (const content of ['one\n', 'two\n', 'three\n']) holdfast.publish(streamItem(content));
    (await endpoint.question(0)).answer(200, 'ONE\n');
    (await endpoint.question(1)).answer(204);
    // Nothing at all is a content, too.
    (await endpoint.question(2)).answer(200, '');
    expect(await client.readUntil('two\n\r\n')).toBe('4\r\nONE\n\r\n4\r\ntwo\n\r\n');
    holdfast.publish(streamItem('four\n'));
    (await endpoint.question(3)).answer(204);
    expect(await client.readUntil('four\n\r\n')).toBe('5\r\nfour\n\r\n');
    expect(endpoint.questions.map(({ body }) => body)).toEqual(['one\n', 'two\n', 'three\n', 'four\n']);
  });

  it('gives each filter of a stack what the one before it made', async () => {
    const { endpoint, holdfast, client } = await held(
      filteredHold('stream', ['var-subst', 'http-modify', 'var-subst', 'http-check'], 'url="/check", user=bob'),
    );
    holdfast.publish(streamItem('for %(user)s\n'));
    const first = await endpoint.question(0);
    expect(first.body).toBe('for bob\n');
    first.answer(200, 'now %(user)s!\n');
    (await endpoint.question(1)).answer(200);
    expect(await client.readUntil('!\n\r\n')).toBe('9\r\nnow bob!\n\r\n');
  });

  it('tells the endpoint what there is to know, signed, and nothing of the client', async () => {
    const { endpoint, holdfast, origin } = await held(
      {
        ...filteredHold('stream', 'http-check', 'url="check?a=b", user="b\\"ob"'),
        'Grip-Channel': 'news; prev-id=é1; filter=http-check, other; prev-id=2',
        'Grip-Link': '</more>; rel=next',
      },
      { settings: { ...settings, proxy: { sigKey: 'key', sigIss: 'us' } } },
    );
    holdfast.publish(streamItem('x', { id: '5', 'prev-id': 'é1', meta: { sender: 'z', a: '1' }, 'no-seq': true }));
    const { request } = await endpoint.question(0);
    expect([request.method, request.url]).toEqual(['POST', '/app/check?a=b']);
    const { rawHeaders } = request;
    const told = new Map<string, string[]>();
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = (rawHeaders[at] ?? '').toLowerCase();
      const value = Buffer.from(rawHeaders[at + 1] ?? '', 'latin1').toString();
      told.set(name, [...(told.get(name) ?? []), value]);
    }
    expect(told.get('host')).toEqual(['example.com']);
    expect(told.get('sub-meta')).toEqual(['{"url":"check?a=b","user":"b\\"ob"}']);
    expect(told.get('pub-meta')).toEqual(['{"a":"1","sender":"z"}']);
    expect(told.get('grip-last')).toEqual(['news; last-id=é1', 'other; last-id=2']);
    expect(told.get('grip-sig')?.length).toBe(1);
    expect(told.get('grip-feature')?.[0]).toContain('filter:http-check');
    expect(told.get('content-length')).toEqual(['0']);
    expect(told.has('x-of-client')).toBe(false);
    expect(origin.requests.length).toBe(2);
  });

  it('leaves out an id that would end its header', async () => {
    const { endpoint, holdfast } = await held({
      ...filteredHold('stream', 'http-check'),
      'Grip-Link': '</more>; rel=next',
      'Content-Type': 'text/plain',
      'Grip-Channel': 'news; prev-id=1; filter=http-check',
    });
    // The item's own id becomes the last one.
    holdfast.publish(streamItem('x', { id: '2\r\nX-Evil: 1', 'prev-id': '1', 'no-seq': true }));
    (await endpoint.question(0)).answer(200);
    holdfast.publish(streamItem('y', { id: '3', 'prev-id': '2\r\nX-Evil: 1', 'no-seq': true }));
    const second = await endpoint.question(1);
    expect([second.header('grip-last'), second.header('x-evil')]).toEqual(['', '']);
  });

  it('asks no more when its client has gone', async () => {
    const { endpoint, holdfast, client } = await held(filteredHold('stream', 'http-check'));
    holdfast.publish(streamItem('one\n'));
    holdfast.publish(streamItem('two\n'));
    const question = await endpoint.question(0);
    client.close();
    await endpoint.abandoned(question);
    expect(endpoint.questions.length).toBe(1);
    expect(holdfast.counters.holds.stream).toBe(0);
  });

  it('closes when its time comes and not before the items that wait', async () => {
    const { endpoint, holdfast, client } = await held(filteredHold('stream', 'http-check'));
    holdfast.publish(streamItem('one\n'));
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'close' } } });
    (await endpoint.question(0)).answer(200);
    (await endpoint.question(1)).answer(200);
    expect(await client.readUntil('0\r\n\r\n')).toBe('4\r\none\n\r\n0\r\n\r\n');
  });
});

/** Publishing with a report: what a publisher is told about each item, over the control port. */
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import type { Script } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

const QUIET = { hold: { updateOnFirstSubscription: false } };

interface Item {
  readonly channel: string;
  readonly [member: string]: unknown;
}

function publishOf(
  items: readonly Item[],
  path = '/publish/?report=1',
  extra: object = {},
  ...headers: string[]
): string {
  const body = JSON.stringify({ items, ...extra });
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', ...headers, `Content-Length: ${Buffer.byteLength(body)}`];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const ALL = { 'http-response': { body: 'hi\n' }, 'http-stream': { content: 'hi\n' }, 'ws-message': { content: 'hi' } };

/** Holds as the query says: mode, channel with its parameters, meta. */
const HOLDER: Script = ({ url }, response) => {
  const query = new URL(url, 'http://x').searchParams;
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Grip-Hold': query.get('mode') ?? 'stream',
    'Grip-Channel': query.get('channel') ?? 'news',
    ...(query.has('meta') ? { 'Grip-Set-Meta': query.get('meta') ?? '' } : {}),
    ...(query.has('link') ? { 'Grip-Link': query.get('link') ?? '' } : {}),
  });
  response.end(query.get('mode') === 'response' ? '' : 'open\n');
};

describe('a report of a publish', () => {
  const opened = new Opened();

  async function publisher(holdfast: Holdfast): Promise<RawClient> {
    return opened.client(holdfast.addresses.control?.port ?? 0);
  }

  async function reportOf(client: RawClient, items: readonly Item[]): Promise<unknown[]> {
    client.write(publishOf(items));
    const { status, head, body } = await client.readAnswer();
    expect(status).toBe(200);
    expect(head).toContain('Content-Type: application/json');
    const { message, items: reports } = JSON.parse(body.toString()) as { message: string; items: unknown[] };
    expect(message).toBe('Published');
    return reports;
  }

  async function held(holdfast: Holdfast, query: string, channel = 'news'): Promise<RawClient> {
    const ready = subscribed(holdfast, channel);
    const client = await opened.get(clientPort(holdfast), `/?${query}`);
    await ready;
    return client;
  }

  it('counts the holds of each mode that an item reached', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    await held(holdfast, 'channel=one', 'one');
    await held(holdfast, 'channel=two&mode=response', 'two');
    const client = await publisher(holdfast);
    const reports = await reportOf(client, [
      { channel: 'one', id: 'a', formats: ALL },
      { channel: 'two', formats: ALL },
      { channel: 'nobody', formats: ALL },
    ]);
    const none = { 'http-response': 0, 'http-stream': 0, 'ws-message': 0 };
    const rest = { filtered: 0, dropped: {}, pending: 0 };
    expect(reports).toEqual([
      { channel: 'one', id: 'a', result: 'sent', reached: { ...none, 'http-stream': 1 }, ...rest },
      { channel: 'two', result: 'sent', reached: { ...none, 'http-response': 1 }, ...rest },
      { channel: 'nobody', result: 'sent', reached: none, ...rest },
    ]);
  });

  it('says what filters kept back, what they failed at, and what was a duplicate', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    await held(holdfast, `channel=${encodeURIComponent('self; filter=skip-self')}&meta=user%3Dalice`, 'self');
    await held(holdfast, `channel=${encodeURIComponent('subst; filter=var-subst')}`, 'subst');
    const stream = { 'http-stream': { content: '%(x)s' } };
    const client = await publisher(holdfast);
    const reports = await reportOf(client, [
      { channel: 'self', meta: { sender: 'alice' }, formats: stream },
      { channel: 'subst', id: 'a', formats: stream },
      { channel: 'subst', id: 'a', formats: stream },
    ]);
    expect(reports).toMatchObject([
      { result: 'sent', filtered: 1, dropped: {} },
      { result: 'sent', filtered: 0, dropped: { 'filter-failed': 1 } },
      { result: 'duplicate', filtered: 0, dropped: {} },
    ]);
  });

  it('says that a client has to ask its origin for an item that does not follow', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    const channel = encodeURIComponent('news; prev-id=1');
    await held(holdfast, `channel=${channel}&link=${encodeURIComponent('</next>; rel=next')}`);
    const [report] = await reportOf(await publisher(holdfast), [
      { channel: 'news', id: '3', 'prev-id': '2', formats: ALL },
    ]);
    expect(report).toMatchObject({ result: 'sent', dropped: { gap: 1 }, pending: 0 });
  });

  it('says that a client was too slow', async () => {
    const { holdfast } = await opened.proxied(HOLDER, {
      settings: { hold: { ...QUIET.hold, outboxBytes: 1_000, outboxPolicy: 'drop' } },
    });
    const slow = await held(holdfast, 'channel=news');
    slow.socket.pause();
    const client = await publisher(holdfast);
    const item = { channel: 'news', formats: { 'http-stream': { content: 'x'.repeat(500_000) } } };
    let report: unknown;
    for (let sent = 0; sent < 100; sent += 1) {
      [report] = await reportOf(client, [item]);
      if (holdfast.counters.dropped['outbox-full'] > 0) break;
    }
    expect(report).toMatchObject({ reached: { 'http-stream': 0 }, dropped: { 'outbox-full': 1 }, pending: 0 });
  });

  it('waits for an item that waits for another, and says what became of it', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    await held(holdfast, 'channel=news');
    const [early, other] = [await publisher(holdfast), await publisher(holdfast)];
    await reportOf(other, [{ channel: 'news', id: '1', formats: ALL }]);
    early.write(publishOf([{ channel: 'news', id: '3', 'prev-id': '2', formats: ALL }]));
    const [second] = await reportOf(other, [{ channel: 'news', id: '2', 'prev-id': '1', formats: ALL }]);
    expect(second).toMatchObject({ result: 'sent', reached: { 'http-stream': 1 } });
    const { body } = await early.readAnswer();
    expect(JSON.parse(body.toString())).toMatchObject({ items: [{ result: 'sent', reached: { 'http-stream': 1 } }] });
  });

  it('says that an item went nowhere because its last client left while it waited', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    const stream = await held(holdfast, 'channel=news');
    const client = await publisher(holdfast);
    await reportOf(client, [{ channel: 'news', id: '1', formats: ALL }]);
    const arrived = new Promise((resolve) => holdfast.once('publish', resolve));
    client.write(publishOf([{ channel: 'news', id: '3', 'prev-id': '2', formats: ALL }]));
    await arrived;
    stream.socket.destroy();
    const { body } = await client.readAnswer();
    expect(JSON.parse(body.toString())).toMatchObject({ items: [{ result: 'abandoned' }] });
  });

  it('is made with what is known when the time is up', async () => {
    const clock = new ManualClock();
    const { holdfast } = await opened.proxied(HOLDER, {
      clock,
      settings: { ...QUIET, publish: { messageWait: 60_000 }, control: { reportTimeout: 2 } },
    });
    await held(holdfast, 'channel=news');
    const client = await publisher(holdfast);
    await reportOf(client, [{ channel: 'news', id: '1', formats: ALL }]);
    const arrived = new Promise((resolve) => holdfast.once('publish', resolve));
    client.write(publishOf([{ channel: 'news', id: '3', 'prev-id': '2', formats: ALL }]));
    await arrived;
    clock.advance(2_200);
    const { body } = await client.readAnswer();
    expect(JSON.parse(body.toString())).toMatchObject({ items: [{ result: 'waiting', pending: 0 }] });
  });

  it('is counted for deliveries that a rate limit spreads over time, and those beyond its mark', async () => {
    const { holdfast } = await opened.proxied(HOLDER, {
      settings: { ...QUIET, publish: { messageRate: 1_000, messageHwm: 1 } },
    });
    await held(holdfast, 'channel=news');
    await opened.get(clientPort(holdfast), '/?channel=news').then((client) => client.readUntil('open\n'));
    const reports = await reportOf(await publisher(holdfast), [{ channel: 'news', formats: ALL }]);
    expect(reports).toMatchObject([{ reached: { 'http-stream': 1 }, dropped: { 'rate-limit': 1 }, pending: 0 }]);
  });

  it('is asked for in the body, too, by a publisher that accepts JSON', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    const client = await publisher(holdfast);
    const items = [{ channel: 'a', formats: ALL }];
    client.write(publishOf(items, '/publish', { report: true }, 'Accept: application/json'));
    expect(JSON.parse((await client.readAnswer()).body.toString())).toMatchObject({ items: [{ channel: 'a' }] });
    client.write(publishOf(items, '/publish', { report: true }));
    expect((await client.readAnswer()).body.toString()).toBe('Published\n');
    client.write(publishOf(items, '/publish', { report: 'yes' }, 'Accept: application/json'));
    expect((await client.readAnswer()).body.toString()).toBe('{"message":"Published"}\n');
  });

  it('comes before the last answer of a connection, however long it takes', async () => {
    const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
    await held(holdfast, 'channel=news');
    const [client, other] = [await publisher(holdfast), await publisher(holdfast)];
    await reportOf(other, [{ channel: 'news', id: '1', formats: ALL }]);
    const arrived = new Promise((resolve) => holdfast.once('publish', resolve));
    const late = publishOf([{ channel: 'news', id: '3', 'prev-id': '2', formats: ALL }]);
    client.write(`${late}POST /publish HTTP/1.0\r\nContent-Length: 12\r\n\r\n{"items":[]}`);
    await arrived;
    await reportOf(other, [{ channel: 'news', id: '2', 'prev-id': '1', formats: ALL }]);
    expect((await client.readAnswer()).body.toString()).toContain('"result":"sent"');
    expect((await client.readAnswer()).body.toString()).toBe('Published\n');
  });

  it.each(['/publish?report=0', '/publish?report=1&x=2', '/recover?report=1', '/?report=1'])(
    'is not what %s asks for: 404',
    async (path) => {
      const { holdfast } = await opened.proxied(HOLDER, { settings: QUIET });
      const client = await publisher(holdfast);
      client.write(publishOf([], path));
      expect((await client.readAnswer()).status).toBe(404);
    },
  );
});

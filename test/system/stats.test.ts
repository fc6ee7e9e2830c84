/** The stats socket, heard by a real SUB socket while real clients come and go (specification 8.4). */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { XSubscriber } from 'zeromq';
import { StatsPublisher } from '../../src/control/stats-publisher.js';
import { Traffic } from '../../src/observe/stats/traffic.js';
import { parseItemJson } from '../../src/protocol/item-json.js';
import { Wheel } from '../../src/time/wheel.js';
import { Asker } from '../support/asker.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { ManualClock } from '../support/manual-clock.js';
import { itemFor } from '../support/several.js';
import { StatsListener } from '../support/stats-listener.js';

const ANYWHERE = 'tcp://127.0.0.1:*';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe.each(['json', 'tnetstring'] as const)('stats in %s', (format) => {
  const opened = new Opened();

  async function listening(route = '*,id=one test', stats: object = {}, topics: readonly string[] = []) {
    const holdfast = await opened.holdfast({
      routes: [route],
      settings: { zeromq: { stats: [ANYWHERE], rep: [ANYWHERE] }, stats: { format, ...stats } },
    });
    const port = clientPort(holdfast);
    const listener = StatsListener.to(opened, holdfast.addresses.stats[0] ?? '', ...topics);
    const publish = async (item: object): Promise<void> => {
      const answer = await fetch(`${controlUri(holdfast)}/publish/`, {
        method: 'POST',
        body: JSON.stringify({ items: [item] }),
      });
      expect(answer.status).toBe(200);
    };
    return { holdfast, port, listener, publish };
  }

  async function heard(...args: Parameters<typeof listening>) {
    const all = await listening(...args);
    const { listener, port } = all;
    await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${port}/`)).text());
    // All of what came before is told, the last of it 100 ms later.
    await listener.next('activity');
    await listener.next('counts');
    listener.forget();
    return all;
  }

  it('tell of a request, its connection and its route', async () => {
    const { port, listener } = await heard();
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await listener.next('counts');
    const from = `handler_${process.pid}`;
    const id = expect.stringMatching(/^holdfast-[0-9a-f]{12}:\d+$/);
    expect(listener.packets).toEqual([
      { type: 'conn', fields: { id, type: 'http', 'peer-address': '127.0.0.1', ttl: 120, route: 'one', from } },
      { type: 'conn', fields: { id, unavailable: true, route: 'one', from } },
      { type: 'activity', fields: { count: 1, route: 'one', from } },
      { type: 'counts', fields: { 'requests-received': 1, from } },
    ]);
    expect(listener.packets[0]?.fields.id).toBe(listener.packets[1]?.fields.id);
  });

  it('leave the route out that has no id', async () => {
    const { port, listener } = await heard('* test');
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await listener.next('counts');
    expect(listener.packets.filter(({ fields }) => 'route' in fields)).toEqual([]);
  });

  it('tell of a held stream, its subscription and what it got', async () => {
    const { port, listener, publish } = await heard();
    const client = await opened.get(port, '/stream?channel=news');
    const began = await listener.next('conn', { type: 'http' });
    const { id } = began.fields;
    await listener.next('sub', { channel: 'news', mode: 'stream', subscribers: 1, ttl: 60 });
    // Once when it came, once when it was held.
    expect(listener.of('conn').filter(({ fields }) => fields.id === id && fields.ttl === 120)).toHaveLength(2);
    await publish(itemFor('news', 'one', { id: '7' }));
    expect((await listener.next('message')).fields).toEqual({
      channel: 'news',
      count: 1,
      transport: 'http-stream',
      'item-id': '7',
      from: `handler_${process.pid}`,
    });
    const second = await opened.get(port, '/stream?channel=news');
    await listener.next('sub', { channel: 'news', mode: 'stream', subscribers: 2 });
    second.close();
    client.close();
    await listener.next('sub', { channel: 'news', mode: 'stream', unavailable: true });
    await listener.next('conn', { id, unavailable: true });
  });

  it('tell of a WebSocket by the id that its origin knows', async () => {
    const { holdfast, port, listener, publish } = await heard();
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${port}/ws?channel=room`), (one) => one.terminate());
    await new Promise((resolve) => client.once('open', resolve));
    const { id } = (await listener.next('conn', { type: 'ws' })).fields;
    expect(id).toMatch(UUID);
    await listener.next('sub', { channel: 'room', mode: 'ws' });
    const asker = Asker.to(opened, holdfast.addresses.rep[0] ?? '');
    expect(await asker.ask('conncheck', { ids: [String(id), 'nobody'] })).toEqual({
      id: '7',
      success: true,
      value: [id],
    });
    await publish(itemFor('room', 'hello'));
    await listener.next('message', { transport: 'ws-message', count: 1 });
    client.close();
    await listener.next('conn', { id, unavailable: true });
    expect(await asker.ask('conncheck', { ids: [String(id)] })).toEqual({ id: '7', success: true, value: [] });
  });

  it('report what has gone over the connections of each route', async () => {
    const { port, listener, publish } = await heard('*,id=one test', { reportInterval: 1 });
    // What went before is reported when nothing more is.
    await listener.next('report', { route: 'one', connections: 0, 'client-content-bytes-sent': 0 });
    listener.forget();
    const client = await opened.get(port, '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    await listener.next('sub', { channel: 'news' });
    await publish(itemFor('news', 'four'));
    await client.readUntil('four\n\r\n');
    const { fields } = await listener.next('report', { route: 'one', sent: 1 });
    expect(fields).toMatchObject({ connections: 1, received: 0, 'client-messages-sent': 0, 'http-response-sent': 0 });
    expect(fields['client-header-bytes-received']).toBeGreaterThan(0);
    expect((await listener.next('report', { received: 1 })).fields).not.toHaveProperty('route');
    const sum = (name: string): number =>
      listener
        .of('report')
        .filter((packet) => packet.fields.route === 'one')
        .reduce((total, packet) => total + Number(packet.fields[name]), 0);
    expect(sum('client-content-bytes-sent')).toBe('[stream opened]\n'.length + 'four\n'.length);
    expect(sum('minutes')).toBeGreaterThanOrEqual(1);
    client.close();
    // One with zeros, and no more.
    await listener.next('report', { route: 'one', connections: 0, sent: 0, minutes: 0 });
  });

  it('count blocks where deliveries count by their size', async () => {
    const holdfast = await opened.holdfast({
      routes: ['*,id=one test'],
      settings: {
        zeromq: { stats: [ANYWHERE] },
        stats: { format, reportInterval: 1 },
        publish: { messageBlockSize: 2 },
      },
    });
    const listener = StatsListener.to(opened, holdfast.addresses.stats[0] ?? '');
    const port = clientPort(holdfast);
    await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${port}/`)).text());
    const client = await opened.get(port, '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    holdfast.publish(itemFor('news', 'four'));
    expect((await listener.next('message')).fields.blocks).toBe(3);
    await listener.next('report', { route: 'one', 'blocks-sent': 3 });
    // Four, four and five bytes for the three kinds of hold.
    await listener.next('report', { 'blocks-received': 7 });
  });

  it('are only what is subscribed to', async () => {
    const { port, listener } = await listening('* test', {}, ['sub', 'message']);
    await listener.untilHeard(async () => {
      const client = await opened.get(port, '/stream?channel=news');
      await client.readUntil('[stream opened]\n\r\n');
    });
    expect(new Set(listener.packets.map(({ type }) => type))).toEqual(new Set(['sub']));
  });

  it('begin with the subscriptions there are when somebody begins to listen', async () => {
    const holdfast = await opened.holdfast({
      routes: ['* test'],
      settings: { zeromq: { stats: [ANYWHERE] }, stats: { format } },
    });
    const client = await opened.get(clientPort(holdfast), '/stream?channel=early');
    await client.readUntil('[stream opened]\n\r\n');
    const listener = StatsListener.to(opened, holdfast.addresses.stats[0] ?? '');
    await listener.next('sub', { channel: 'early', subscribers: 1 });
  });

  it('say goodbye for everybody at the end', async () => {
    const { holdfast, port, listener } = await heard();
    const client = await opened.get(port, '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    const { id } = (await listener.next('conn', { type: 'http' })).fields;
    await holdfast.close();
    await listener.next('conn', { id, unavailable: true });
    await listener.next('sub', { channel: 'news', unavailable: true });
  });
});

describe('stats', () => {
  const opened = new Opened();

  it('are off by default: no socket, and no connection is known', async () => {
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    expect(holdfast.addresses.stats).toEqual([]);
    const client = await opened.get(clientPort(holdfast), '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    const answer = await fetch(`${controlUri(holdfast)}/conncheck`, {
      method: 'POST',
      body: JSON.stringify({ ids: [`holdfast:${process.pid}-1`] }),
    });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  async function heard(stats: object = {}) {
    const holdfast = await opened.holdfast({
      routes: ['* test'],
      settings: { zeromq: { stats: [ANYWHERE] }, stats: { format: 'json', ...stats } },
    });
    const endpoint = holdfast.addresses.stats[0] ?? '';
    const listener = StatsListener.to(opened, endpoint);
    await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${clientPort(holdfast)}/`)).text());
    return { holdfast, endpoint, listener };
  }

  it('forget a long-poll whose client leaves while its gone link is asked', async () => {
    let asked: (() => void) | undefined;
    const origin = await opened.origin((request, response) => {
      if (request.url === '/gone') asked = () => void response.end();
      else {
        response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll');
        response.setHeader('Grip-Link', '</gone>; rel=gone').end();
      }
    });
    const holdfast = await opened.holdfast({
      routes: [`* ${origin.target}`, 'other.example test'],
      settings: { zeromq: { stats: [ANYWHERE] }, stats: { format: 'json' } },
    });
    const port = clientPort(holdfast);
    const listener = StatsListener.to(opened, holdfast.addresses.stats[0] ?? '');
    await listener.untilHeard(async () => {
      const client = await opened.client(port);
      client.write('GET / HTTP/1.1\r\nHost: other.example\r\n\r\n');
      await client.readAnswer();
      client.close();
    });
    listener.forget();
    const client = await opened.get(port, '/poll');
    await listener.next('sub', { channel: 'poll' });
    const { id } = (await listener.next('conn', { type: 'http' })).fields;
    holdfast.publish({ channel: 'poll', formats: { 'http-response': { action: 'hint' } } });
    await origin.request(1);
    const left = new Promise((resolve) => client.socket.once('close', resolve));
    client.close();
    await left;
    asked?.();
    await listener.next('conn', { id, unavailable: true });
  });

  it('come for 20,000 channels at once, none left out', async () => {
    const { holdfast, endpoint } = await heard();
    // A subscriber for each: what is told at once is as much as there are.
    const channels = 20_000;
    const query = (from: number): string =>
      Array.from({ length: 20 }, (_, index) => `channel=c${from + index}`).join('&');
    for (let from = 0; from < channels; from += 20) {
      const client = await opened.get(clientPort(holdfast), `/stream?${query(from)}`);
      await client.readUntil('\r\n\r\n');
    }
    await holdfast.close();
    expect(holdfast.counters.dropped['stats-full']).toBe(0);
    expect(endpoint).toContain('tcp://');
  });

  it('go on for those who listen, whatever another peer says', async () => {
    const { holdfast, endpoint, listener } = await heard();
    const other = opened.add(new XSubscriber({ linger: 0 }), (one) => one.close());
    other.connect(endpoint);
    // One to be heard by, and then something that is neither a subscription nor the end of one.
    await other.send(Buffer.from('\x01none'));
    await other.send(Buffer.from('\x02'));
    await other.send(Buffer.from('\x02conn '));
    await other.send(Buffer.from('\x01conn '));
    const request = async (): Promise<string> => (await fetch(`http://127.0.0.1:${clientPort(holdfast)}/`)).text();
    // When it hears something itself, all that it has said is taken in.
    let hears = false;
    void other.receive().then(() => {
      hears = true;
    });
    const deadline = performance.now() + 10_000;
    while (!hears && performance.now() < deadline) await request();
    expect(hears).toBe(true);
    listener.forget();
    await request();
    await listener.next('conn');
  });

  it('report once more of the clients of a worker that has gone', () => {
    const clock = new ManualClock();
    const publisher = new StatsPublisher(
      { subscriptionTtl: 60, subscriptionLinger: 60, reportInterval: 10, messageBlockSize: 0 },
      new Wheel(clock),
    );
    const told: unknown[] = [];
    publisher.wake(({ fields }) => told.push([fields.route, fields.connections, fields.received, fields.duration]));
    const worker = {};
    publisher.traffic(worker, [{ route: 'one', traffic: new Traffic(), most: 3, open: 3 }]);
    clock.advance(4_000);
    publisher.gone(worker);
    publisher.admitted(parseItemJson(itemFor('a', 'x')));
    clock.advance(6_100);
    expect(told).toEqual([
      ['one', 3, 0, expect.closeTo(10_000, -2)],
      [undefined, 0, 1, expect.closeTo(6_000, -2)],
    ]);
    told.length = 0;
    clock.advance(10_000);
    expect(told).toEqual([
      ['one', 0, 0, 10_000],
      [undefined, 0, 0, 10_000],
    ]);
    publisher.close();
  });
});

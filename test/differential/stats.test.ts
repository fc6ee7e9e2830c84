/** What Debian's pushpin and Holdfast tell of the same clients (specification 8.4). */
import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { freePorts } from '../support/free-ports.js';
import { Pushpin } from '../support/pushpin.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { type Packet, StatsListener } from '../support/stats-listener.js';

interface Side {
  readonly port: number;
  readonly listener: StatsListener;
  publish(item: object): Promise<void>;
}

/** Counted from what is sent, whose heads differ in what each program adds to them. */
const HEAD_BYTES = /header-bytes/;

describe.skipIf(!REQUIREMENTS.pushpin.isThere())('stats of pushpin and of Holdfast', () => {
  const opened = new Opened();

  /** @param blockSize - bytes of a block; 0: deliveries do not count by their size */
  async function sides(blockSize: number): Promise<{ theirs: Side; ours: Side }> {
    const origin = await opened.origin(async (request, response) => {
      const body = await request.body();
      if (request.url.startsWith('/stream')) {
        response.setHeader('Grip-Hold', 'stream').setHeader('Grip-Channel', 'stream');
        response.setHeader('Grip-Keep-Alive', 'k\\n; format=cstring; timeout=1');
      } else if (request.url.startsWith('/poll')) {
        response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll');
      }
      response.end(`<${body}>\n`);
    });
    const events = opened.add(
      await EventsOrigin.start((one) =>
        one.answer(
          one.events[0] === 'OPEN' ? ['OPEN', subscribe('room')] : one.events[0] === 'TEXT hi' ? ['TEXT m:yes'] : [],
          GRIP,
        ),
      ),
      (one) => one.stop(),
    );
    const sockets = await socketOrigin();
    const routes = [
      `* ${origin.target}`,
      `named.example,id=named ${origin.target}`,
      `events.example,id=events ${events.target},over_http`,
      `sockets.example,id=sockets ${sockets}`,
      `narrow.example,path_beg=/in ${origin.target}`,
    ];
    const handler = blockSize === 0 ? [] : [`message_block_size=${blockSize}`];
    const pushpin = opened.add(await Pushpin.start({ routes, stats: true, handler }), (one) => one.stop());
    const holdfast = await opened.holdfast({
      routes,
      settings: {
        zeromq: { stats: ['tcp://127.0.0.1:*'] },
        stats: { format: 'json', reportInterval: 1 },
        hold: { subscriptionLinger: 60 },
        publish: { messageBlockSize: blockSize },
      },
    });
    const theirs = await side(pushpin.port, `tcp://127.0.0.1:${pushpin.statsPort}`, (item) => pushpin.publish(item));
    const ours = await side(clientPort(holdfast), holdfast.addresses.stats[0] ?? '', async (item) => {
      const body = JSON.stringify({ items: [item] });
      await (await fetch(`${controlUri(holdfast)}/publish/`, { method: 'POST', body })).text();
    });
    return { theirs, ours };
  }

  async function socketOrigin(): Promise<string> {
    const [port] = await freePorts(1);
    const server = opened.add(new WebSocketServer({ host: '127.0.0.1', port }), (one) => one.close());
    server.on('connection', (socket) => socket.on('message', (message) => socket.send(`echo ${message}`)));
    await new Promise((resolve) => server.once('listening', resolve));
    return `127.0.0.1:${port}`;
  }

  async function side(port: number, endpoint: string, publish: (item: never) => Promise<void>): Promise<Side> {
    const listener = StatsListener.to(opened, endpoint);
    await listener.untilHeard(() => get(port, '/', 'ready.invalid'));
    // When a report says nothing more, all of what came before has been told. The original may count a connection that
    // has gone for a while yet.
    await listener.next('report', { 'client-content-bytes-sent': 0, minutes: 0, received: 0 });
    listener.forget();
    return { port, listener, publish: publish as Side['publish'] };
  }

  /** Runs the same on both, and compares what `told` makes of the packets. */
  async function compare(
    run: (side: Side) => Promise<void>,
    told: (packets: readonly Packet[]) => unknown,
    blockSize = 0,
  ) {
    const { theirs, ours } = await sides(blockSize);
    await run(theirs);
    await run(ours);
    const expected = told(theirs.listener.packets);
    expect(told(ours.listener.packets)).toEqual(expected);
    return expected;
  }

  it('tell the same of requests, in the same order', async () => {
    const told = await compare(async ({ port, listener }) => {
      await get(port, '/plain', 'any.example');
      await get(port, '/plain', 'named.example');
      await get(port, '/plain', 'named.example', 'abc');
      await until(listener, 'counts', 'requests-received', 3);
    }, connectionsOf);
    expect(told).toHaveLength(3);
  });

  it('tell of WebSockets that have no route, and nothing of such requests', async () => {
    const told = await compare(
      async ({ port, listener }) => {
        await get(port, '/out', 'narrow.example');
        const client = new WebSocket(`ws://127.0.0.1:${port}/out`, { headers: { Host: 'narrow.example' } });
        opened.add(client, (one) => one.terminate());
        expect(await new Promise((resolve) => client.once('error', resolve))).toMatchObject({
          message: 'Unexpected server response: 502',
        });
        await get(port, '/in', 'narrow.example');
        await until(listener, 'counts', 'requests-received', 2);
      },
      (packets) => [
        connectionsOf(packets),
        sumOf(packets, 'activity', 'count'),
        sumOf(packets, 'counts', 'requests-received'),
      ],
    );
    expect(told).toEqual([
      [
        [expect.stringContaining('"ws"'), 'unavailable'],
        [expect.stringContaining('"http"'), 'unavailable'],
      ],
      2,
      2,
    ]);
  });

  it('tell the same of a held stream, an item and a keep-alive', async () => {
    await compare(
      async ({ port, listener, publish }) => {
        const stream = await openStream(port, '/stream', 'named.example');
        await listener.next('sub', { channel: 'stream' });
        // The second one says that the hold has taken over.
        await listener.next('conn', { type: 'http' });
        await publish({ channel: 'stream', id: '7', formats: { 'http-stream': { content: 'one\n' } } });
        await listener.next('message', { channel: 'stream' });
        await until(listener, 'activity', 'count', 2);
        stream.destroy();
        await listener.next('sub', { unavailable: true });
        await listener.next('conn', { unavailable: true });
      },
      (packets) => [connectionsOf(packets), subscriptionsOf(packets), messagesOf(packets)],
    );
  });

  it('tell the same of a long-poll', async () => {
    await compare(
      async ({ port, listener, publish }) => {
        const poll = get(port, '/poll', 'any.example');
        await listener.next('sub', { channel: 'poll', mode: 'response' });
        await publish({
          channel: 'poll',
          formats: { 'http-response': { body: 'x' }, 'http-stream': { content: 'y' } },
        });
        expect(await poll).toBe('x');
        await listener.next('conn', { unavailable: true });
        await listener.next('message');
      },
      (packets) => [connectionsOf(packets), subscriptionsOf(packets), messagesOf(packets)],
    );
  });

  it('tell the same of WebSockets, over HTTP and as such', async () => {
    await compare(
      async ({ port, listener, publish }) => {
        for (const host of ['events.example', 'sockets.example']) {
          const client = opened.add(new WebSocket(`ws://127.0.0.1:${port}/w`, { headers: { Host: host } }), (one) =>
            one.terminate(),
          );
          const answer = new Promise<string>((resolve) => client.once('message', (text) => resolve(String(text))));
          await new Promise((resolve) => client.once('open', resolve));
          client.send('hi');
          expect(await answer).toBe(host === 'events.example' ? 'yes' : 'echo hi');
          if (host === 'events.example') {
            const item = new Promise((resolve) => client.once('message', resolve));
            await publish({ channel: 'room', id: '9', formats: { 'ws-message': { content: 'news' } } });
            await item;
          }
          client.close();
          await listener.next('conn', { unavailable: true, route: host.split('.')[0] });
        }
        await listener.next('sub', { unavailable: true });
      },
      (packets) => [connectionsOf(packets), subscriptionsOf(packets), messagesOf(packets)],
    );
  });

  it('count the same blocks of items, of those that send nothing too', async () => {
    const formats: readonly [string, object][] = [
      ['stream', { 'http-stream': { content: '12345' } }],
      ['stream', { 'http-stream': { content: '' } }],
      ['stream', { 'http-stream': { action: 'hint' } }],
      ['stream', { 'http-stream': { action: 'close' } }],
      ['room', { 'ws-message': { content: '1234' } }],
      ['room', { 'ws-message': { content: '12345', type: 'ping' } }],
      ['room', { 'ws-message': { action: 'close' } }],
      ['poll', { 'http-response': { action: 'hint' } }],
    ];
    await compare(
      async ({ port, listener, publish }) => {
        await openStream(port, '/stream', 'named.example');
        void get(port, '/poll', 'named.example').catch(() => {});
        const client = opened.add(
          new WebSocket(`ws://127.0.0.1:${port}/w`, { headers: { Host: 'events.example' } }),
          (one) => one.terminate(),
        );
        await new Promise((resolve) => client.once('open', resolve));
        for (const channel of ['stream', 'poll', 'room']) await listener.next('sub', { channel });
        for (const [index, [channel, format]] of formats.entries()) {
          const id = `item ${index}`;
          await publish({ channel, id, formats: format });
          await listener.next('message', { 'item-id': id });
        }
        for (const name of ['blocks-received', 'blocks-sent']) await until(listener, 'report', name, 5);
      },
      (packets) => [
        messagesOf(packets),
        sumOf(packets, 'report', 'blocks-received'),
        sumOf(packets, 'report', 'blocks-sent'),
      ],
      4,
    );
  });

  it('report the same of what has gone over connections', async () => {
    const reports = (await compare(
      async ({ port, listener, publish }) => {
        expect(await get(port, '/plain', 'named.example', 'abc')).toBe('<abc>\n');
        const stream = await openStream(port, '/other', 'named.example');
        stream.destroy();
        const poll = get(port, '/poll', 'named.example');
        await listener.next('sub', { channel: 'poll' });
        await publish({ channel: 'poll', formats: { 'http-response': { body: 'xyz' } } });
        expect(await poll).toBe('xyz');
        for (const host of ['events.example', 'sockets.example']) {
          const client = opened.add(new WebSocket(`ws://127.0.0.1:${port}/w`, { headers: { Host: host } }), (one) =>
            one.terminate(),
          );
          const answer = new Promise((resolve) => client.once('message', resolve));
          await new Promise((resolve) => client.once('open', resolve));
          client.send('hi');
          await answer;
          const closed = new Promise((resolve) => client.once('close', resolve));
          client.close();
          await closed;
        }
        for (const route of ['named', 'events', 'sockets']) await untilReported(listener, route);
        await listener.next('report', { received: 1 });
      },
      (packets) => sumsOf(packets),
    )) as Record<string, Record<string, number>>;
    expect(reports.named).toMatchObject({ minutes: 3, 'http-response-sent': 1, sent: 1 });
    expect(reports.sockets).toMatchObject({
      'client-messages-received': 1,
      'client-content-bytes-sent': 'echo hi'.length,
    });
  });
});

/**
 * Each connection's packets in order, each once in a row; how often one is told again is a matter of time. Of a held HTTP
 * client 1.36 forgets the route (1.41 does not), and sometimes tells once more when it has told the end.
 */
function connectionsOf(packets: readonly Packet[]): unknown {
  const byId = new Map<unknown, string[]>();
  for (const { type, fields } of packets) {
    if (type !== 'conn') continue;
    const { id, from, ...rest } = fields;
    expect(from).toBeTypeOf('string');
    const text = fields.unavailable === true ? 'unavailable' : JSON.stringify(Object.entries(rest).sort());
    const known = byId.get(id);
    if (known === undefined) byId.set(id, [text]);
    else if (known.at(-1) !== text && known.at(-1) !== 'unavailable') known.push(text);
  }
  return [...byId.values()];
}

function subscriptionsOf(packets: readonly Packet[]): unknown {
  return without(packets, 'sub', 'from').filter(
    (one, index, all) => JSON.stringify(one) !== JSON.stringify(all[index - 1]),
  );
}

function messagesOf(packets: readonly Packet[]): unknown {
  return without(packets, 'message', 'from');
}

function without(packets: readonly Packet[], type: string, name: string): unknown[] {
  return packets
    .filter((packet) => packet.type === type)
    .map(({ fields }) =>
      Object.entries(fields)
        .filter(([one]) => one !== name)
        .sort(),
    );
}

/**
 * What the reports of each route have in all, and the names in each. What is written to held HTTP clients 1.36 reports for
 * no route: here it counts for the one that they came by.
 */
function sumsOf(packets: readonly Packet[]): Record<string, Record<string, unknown>> {
  const sums: Record<string, Record<string, number>> = {};
  for (const { type, fields } of packets) {
    if (type !== 'report') continue;
    const route = String(fields.route ?? 'named');
    sums[route] ??= {};
    const sum = sums[route] as Record<string, number>;
    for (const [name, value] of Object.entries(fields)) {
      if (name === 'route' || name === 'from') continue;
      const known = sum[name] ?? 0;
      // Only that they are told: what they are is a matter of time, or of each program's own headers.
      if (name === 'duration' || name === 'connections' || HEAD_BYTES.test(name)) sum[name] = 0;
      else sum[name] = known + Number(value);
    }
  }
  const { named } = sums;
  if (named !== undefined) named.minutes = (named.minutes ?? 0) - toldAfterTheirEnd(packets);
  return sums;
}

/** Held HTTP clients of 1.36 that are told of once more behind their end: it counts another minute for each. */
function toldAfterTheirEnd(packets: readonly Packet[]): number {
  const ended = new Set<unknown>();
  let again = 0;
  for (const { type, fields } of packets) {
    if (type !== 'conn') continue;
    if (fields.unavailable === true) ended.add(fields.id);
    else if (ended.delete(fields.id)) again += 1;
  }
  return again;
}

/**
 * Until the bytes of a route have been reported, and nothing more is: it is told of without anything, or, as 1.36 sometimes
 * leaves that out, what belongs to no route has been told of twice since.
 */
async function untilReported(listener: StatsListener, route: string): Promise<void> {
  const isOver = (): boolean => {
    const reports = listener.of('report').map(({ fields }) => fields);
    const last = reports.findLastIndex((fields) => fields.route === route && saysMore(fields));
    const since = reports.slice(last + 1);
    return (
      reports.some((fields) => fields.route === route && Number(fields['client-header-bytes-received']) > 0) &&
      (since.some((fields) => fields.route === route) || since.filter((fields) => !('route' in fields)).length > 1)
    );
  };
  const deadline = performance.now() + 10_000;
  while (!isOver()) {
    if (performance.now() > deadline) throw new Error(`the reports of ${route} do not end`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Of a connection that has gone 1.36 may say for a while that there is one. */
function saysMore(fields: Packet['fields']): boolean {
  return Object.entries(fields).some(
    ([name, value]) => name !== 'duration' && name !== 'connections' && typeof value === 'number' && value > 0,
  );
}

/** Packets of a type, until a number in them adds up. */
async function until(listener: StatsListener, type: string, name: string, wanted: number): Promise<void> {
  const sum = () => sumOf(listener.packets, type, name);
  const deadline = performance.now() + 10_000;
  while (sum() < wanted) {
    if (performance.now() > deadline) throw new Error(`${type}: ${name} is ${sum()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A number in packets of a type, in all; 1.36 leaves some out that are 0. */
function sumOf(packets: readonly Packet[], type: string, name: string): number {
  return packets.reduce((sum, packet) => (packet.type === type ? sum + Number(packet.fields[name] ?? 0) : sum), 0);
}

function get(port: number, path: string, host: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const request = httpRequest({ port, path, method, headers: { Host: host }, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Resolves when the first bytes of the body are here. */
function openStream(port: number, path: string, host: string): Promise<{ destroy(): void }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, path, headers: { Host: host }, agent: false }, (answer) => {
      answer.on('error', () => {});
      answer.once('data', () => resolve(request));
    });
    request.on('error', reject);
    request.end();
  });
}

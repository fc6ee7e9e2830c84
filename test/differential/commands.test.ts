/** The same commands to Debian's pushpin and to Holdfast: the same replies (specification 8.3). */
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { TnetInput } from '../../src/protocol/tnetstring.js';
import { Asker } from '../support/asker.js';
import { clientPort, Opened } from '../support/closing.js';
import { EventsOrigin } from '../support/events-origin.js';
import { freePorts } from '../support/free-ports.js';
import { Pushpin } from '../support/pushpin.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { StatsListener } from '../support/stats-listener.js';
import { EventsClient } from '../support/websocket-client.js';

const item = (channel: string): TnetInput =>
  new Map<string, TnetInput>([
    ['channel', channel],
    ['http-stream', new Map([['content', 'x']])],
  ]);

/** Method, arguments. */
const COMMANDS: readonly [string, Record<string, TnetInput> | undefined][] = [
  ['conncheck', { ids: [] }],
  ['conncheck', { ids: ['nobody'] }],
  ['conncheck', { ids: 'x' }],
  ['conncheck', { ids: [1] }],
  ['conncheck', {}],
  ['conncheck', undefined],
  ['recover', undefined],
  ['recover', { more: 'x' }],
  ['refresh', { cid: 'nobody' }],
  ['refresh', { channel: 'nobody' }],
  ['refresh', { cid: 1 }],
  ['refresh', { channel: 1 }],
  ['refresh', {}],
  ['refresh', undefined],
  ['publish', { items: [] }],
  ['publish', { items: [item('a'), item('b')] }],
  ['publish', { items: [item('a'), new Map()] }],
  ['publish', { items: 'x' }],
  ['publish', {}],
  ['publish', undefined],
  ['dance', undefined],
  ['', undefined],
];

describe.skipIf(!REQUIREMENTS.pushpin.isThere())('commands to pushpin and to Holdfast', () => {
  const opened = new Opened();

  async function sides() {
    const origin = opened.add(
      await EventsOrigin.start((request) => request.answer(request.events[0] === 'OPEN' ? ['OPEN'] : [])),
      (one) => one.stop(),
    );
    const routes = [`* ${origin.target},over_http`];
    const pushpin = opened.add(await Pushpin.start({ routes }), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes, settings: { zeromq: { rep: ['tcp://127.0.0.1:*'] } } });
    return {
      origin,
      theirs: { port: pushpin.port, asker: Asker.to(opened, `tcp://127.0.0.1:${pushpin.commandPort}`) },
      ours: { port: holdfast.addresses.http[0]?.port ?? 0, asker: Asker.to(opened, holdfast.addresses.rep[0] ?? '') },
    };
  }

  it('have the same replies', async () => {
    const { theirs, ours } = await sides();
    for (const [method, args] of COMMANDS) {
      const expected = await theirs.asker.ask(method, args);
      expect(await ours.asker.ask(method, args), `${method} ${JSON.stringify(args)}`).toEqual(expected);
    }
  });

  it('find the same connections, and have them ask their origin', async () => {
    const { theirs, ours, origin } = await sides();
    const replies: unknown[] = [];
    for (const { port, asker } of [theirs, ours]) {
      const before = origin.requests.length;
      const client = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
      await client.sees(0);
      const id = (await origin.request(before)).header('Connection-Id') ?? '';
      const found = await asker.ask('conncheck', { ids: ['nobody', id] });
      const refreshed = await asker.ask('refresh', { cid: id });
      const request = await origin.request(before + 1);
      replies.push({ found: { ...found, value: (found.value as string[]).map((one) => one === id) }, refreshed });
      expect([request.events, request.header('Connection-Id')]).toEqual([[], id]);
    }
    expect(replies[1]).toEqual(replies[0]);
  });

  it('have WebSockets refreshed, and no other connections', async () => {
    const origin = await opened.origin(({ url }, response) => {
      if (url === '/stream') response.setHeader('Grip-Hold', 'stream').setHeader('Grip-Channel', 'news');
      response.end('open\n');
    });
    const [socketPort] = await freePorts(1);
    const sockets = opened.add(new WebSocketServer({ host: '127.0.0.1', port: socketPort }), (one) => one.close());
    await new Promise((resolve) => sockets.once('listening', resolve));
    const routes = [
      `* ${origin.target}`,
      `held.example,id=held 127.0.0.1:${socketPort}`,
      `raw.example,id=raw,no_grip 127.0.0.1:${socketPort}`,
    ];
    const pushpin = opened.add(await Pushpin.start({ routes, stats: true }), (one) => one.stop());
    const holdfast = await opened.holdfast({
      routes,
      settings: { zeromq: { rep: ['tcp://127.0.0.1:*'], stats: ['tcp://127.0.0.1:*'] }, stats: { format: 'json' } },
    });
    const { rep, stats } = holdfast.addresses;
    const replies: unknown[] = [];
    for (const [port, command, heard] of [
      [pushpin.port, `tcp://127.0.0.1:${pushpin.commandPort}`, `tcp://127.0.0.1:${pushpin.statsPort}`],
      [clientPort(holdfast), rep[0] ?? '', stats[0] ?? ''],
    ] as const) {
      const asker = Asker.to(opened, command);
      const listener = StatsListener.to(opened, heard);
      await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${port}/`)).text());
      await listener.next('conn', { unavailable: true });
      listener.forget();
      await opened.get(port, '/stream');
      await listener.next('sub', { channel: 'news' });
      const streams = listener.of('conn').map(({ fields }) => fields.id);
      const ids = [String(streams[0])];
      for (const route of ['held', 'raw']) {
        const headers = { Host: `${route}.example` };
        const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
        opened.add(client, (one) => one.terminate());
        await new Promise((resolve) => client.once('open', resolve));
        ids.push(String((await listener.next('conn', { type: 'ws', route })).fields.id));
      }
      const found = (await asker.ask('conncheck', { ids })).value as string[];
      const refreshed = [];
      for (const cid of ids) refreshed.push(await asker.ask('refresh', { cid }));
      replies.push({ found: found.length, refreshed });
    }
    expect(replies[1]).toEqual(replies[0]);
    expect(replies[1]).toMatchObject({
      found: 3,
      refreshed: [{ condition: 'item-not-found' }, { success: true }, { success: true }],
    });
  });
});

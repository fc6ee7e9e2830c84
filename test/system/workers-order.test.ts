/** Several processes, one server: what is published comes to the clients of all workers, once and in one order. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { pushTo } from '../support/push.js';
import type { RawClient } from '../support/raw-client.js';
import { itemFor, Several } from '../support/several.js';
import { EventsClient } from '../support/websocket-client.js';

/** Reads so many lines of a stream, each of which came as an item. */
async function linesOf(client: RawClient, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) {
    // Items that came in one turn are several chunks in one write.
    const size = Number.parseInt(await client.readUntil('\r\n'), 16);
    lines.push((await client.read(size + 2)).toString().trimEnd());
  }
  return lines;
}

describe('what is published to several workers', () => {
  const opened = new Opened();

  async function webSocket(several: Several, worker: number, channel: string): Promise<EventsClient> {
    return several.at(worker, async () => {
      const client = opened.add(new EventsClient(several.port, `/ws?channel=${channel}`), ({ socket }) =>
        socket.terminate(),
      );
      expect(await client.sees(0)).toBe('open');
      return client;
    });
  }

  it('comes to streams and WebSockets of all of them in one order, from whichever publisher', async () => {
    const several = await Several.start(opened, 3, '--route', '* test', '--set', 'zeromq.pull=tcp://127.0.0.1:0');
    const [, pull = ''] = await several.child.says(/ZeroMQ PULL: publish to (\S+)\n/);
    const streams: RawClient[] = [];
    const sockets: EventsClient[] = [];
    for (const worker of several.workers()) {
      streams.push(await several.stream('a', worker), await several.stream('a', worker));
      sockets.push(await webSocket(several, worker, 'a'));
    }
    expect(streams).toHaveLength(6);
    const push = pushTo(opened, pull);
    const publishers = await Promise.all([several.publisher(), several.publisher(), several.publisher()]);
    const ways = [
      ...publishers.map((one) => (text: string) => one.publish([itemFor('a', text)])),
      (text: string) => push.send(`J${JSON.stringify(itemFor('a', text))}`),
    ];
    await Promise.all(
      ways.map(async (send, way) => {
        for (let at = 0; at < 50; at += 1) await send(`${way}.${at}`);
      }),
    );
    const order = await linesOf(streams[0] as RawClient, 200);
    expect(new Set(order).size).toBe(200);
    for (const way of ways.keys()) {
      expect(order.filter((line) => line.startsWith(`${way}.`))).toEqual(
        Array.from({ length: 50 }, (_, at) => `${way}.${at}`),
      );
    }
    for (const stream of streams.slice(1)) expect(await linesOf(stream, 200)).toEqual(order);
    for (const socket of sockets) {
      await socket.sees(200);
      expect(socket.heard).toEqual(order.map((line) => `text ${line}`));
    }
  });

  it('answers the long-polls of all of them', async () => {
    const several = await Several.start(opened, 2, '--route', '* test');
    const polls: RawClient[] = [];
    for (const worker of several.workers()) {
      // A poll has no head to wait for: the log says when it is held.
      await several.at(worker, async () => {
        polls.push(await opened.get(several.port, '/response?channel=p'));
        await several.child.says(new RegExp(`(?:subscribe \\S+ channel=p[\\s\\S]*){${polls.length}}`));
      });
    }
    await (await several.publisher()).publish([itemFor('p', 'news')]);
    for (const poll of polls) expect((await poll.readAnswer()).body.toString()).toBe('news');
  });

  it('comes once, and behind the item that its prev-id names, whoever published them', async () => {
    const several = await Several.start(opened, 2, '--route', '* test');
    const streams = await several.streams('a');
    const [one, other] = await Promise.all([several.publisher(), several.publisher()]);
    await one.publish([itemFor('a', 'first', { id: '1' })]);
    await other.publish([itemFor('a', 'third', { id: '3', 'prev-id': '2' })]);
    await one.publish([itemFor('a', 'again', { id: '1' })]);
    await other.publish([itemFor('a', 'third again', { id: '3', 'prev-id': '2' })]);
    await one.publish([itemFor('a', 'second', { id: '2', 'prev-id': '1' })]);
    await other.publish([itemFor('a', 'last')]);
    for (const stream of streams) expect(await linesOf(stream, 4)).toEqual(['first', 'second', 'third', 'last']);
  });

  it('is reported over all of them, the clients of one that dies meanwhile as left', async () => {
    const several = await Several.start(opened, 2, '--route', '* test');
    const [living = 0, dying = 0] = several.workers();
    const publisher = await several.publisher();
    for (const worker of [living, living, dying, dying, dying]) await several.stream('r', worker);
    const report = (text: string): unknown => (JSON.parse(text) as { items: unknown[] }).items[0];
    const all = report(await publisher.publish([itemFor('r', 'to all')], '/publish?report=1'));
    expect(all).toMatchObject({ result: 'sent', reached: { 'http-stream': 5 }, dropped: {}, pending: 0 });
    process.kill(dying, 'SIGSTOP');
    publisher.begin([itemFor('r', 'to some')], '/publish?report=1');
    await several.child.says(/code=200[\s\S]*publish channel=r receivers=5\n/);
    expect(publisher.waits).toBe(true);
    process.kill(dying, 'SIGKILL');
    expect(report(await publisher.answer())).toMatchObject({
      reached: { 'http-stream': 2 },
      dropped: { left: 3 },
      pending: 0,
    });
  });
});

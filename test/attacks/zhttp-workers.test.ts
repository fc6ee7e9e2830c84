/**
 * ZHTTP workers that send what is no packet, or packets for sessions that are not theirs: counted, told at a readable
 * rate, and nobody else notices.
 */
import { describe, expect, it } from 'vitest';
import { encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { ZhttpStage } from '../support/zhttp-stage.js';
import { packetOf, type ZhttpWorker } from '../support/zhttp-worker.js';

/** Lists in lists, `depth` of them. */
function nested(depth: number): Buffer {
  let bytes = Buffer.from('0:]');
  for (let level = 1; level < depth; level += 1)
    bytes = Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(']')]);
  return bytes;
}

function map(members: Readonly<Record<string, TnetInput>>): Buffer {
  return Buffer.concat([Buffer.from('T'), encodeTnetstring(new Map(Object.entries(members)))]);
}

/** What is no packet, whoever's id it has. */
function junk(id: string): readonly (readonly [string, Buffer])[] {
  return [
    ['nothing', Buffer.alloc(0)],
    ['no tnetstring', Buffer.from('hello')],
    ['a letter only', Buffer.from('T')],
    ['JSON', Buffer.from('J{"id":"x"}')],
    ['a length that is too long', Buffer.from('T999:x}')],
    ['a length of many digits', Buffer.from(`T${'9'.repeat(50)}:x}`)],
    ['a negative length', Buffer.from('T-1:x}')],
    ['no map', Buffer.from('T5:hello,')],
    ['a map cut short', map({ id, seq: 0, code: 200 }).subarray(0, -3)],
    ['a thousand levels', Buffer.concat([Buffer.from('T'), nested(1_000)])],
    ['no id', map({ seq: 0, code: 200 })],
    ['an id that is a number', map({ id: 5 })],
    ['an id that is a list of numbers', map({ id: [1, 2] })],
    ['more sessions than one packet may have', map({ id: Array.from({ length: 129 }, () => new Map([['id', id]])) })],
    ['a number below 0', map({ id, seq: -1 })],
    ['a status that is a text', map({ id, seq: 0, code: '200' })],
    ['an unknown type', map({ id, seq: 0, type: 'surprise' })],
    ['a header that breaks the head', map({ id, seq: 0, code: 200, headers: [['X', 'a\r\nSet-Cookie: b']] })],
    ['a header that is no pair', map({ id, seq: 0, code: 200, headers: [['X']] })],
    ['a reason that breaks the head', map({ id, seq: 0, code: 200, reason: 'OK\r\nX: y' })],
    ['a body that is a list', map({ id, seq: 0, code: 200, body: ['x'] })],
  ];
}

describe('a ZHTTP worker', () => {
  const opened = new Opened();

  /** A session under way still works. */
  async function undisturbed(worker: ZhttpWorker, stage: ZhttpStage): Promise<void> {
    const client = await stage.get('/neighbour');
    const session = await worker.session();
    await session.send({ code: 200, headers: [], body: 'undisturbed' });
    expect((await client.readAnswer()).body.toString()).toBe('undisturbed');
    await stage.empty();
  }

  it.each(['PUB', 'ROUTER'])('may send junk over %s: each is counted, the log has one line', async (way) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    const all = junk(session.id);
    for (const [, bytes] of all) {
      if (way === 'PUB') await worker.publish(bytes);
      else await worker.route('', bytes);
    }
    await turnUntil('all of it', () => stage.counters.dropped['invalid-item'] === all.length);
    expect(stage.log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringMatching(`^warn zhttp/${stage.spec}: received an invalid packet, skipping: `),
    ]);
    // The session that it was all meant for goes on.
    await session.send({ code: 200, headers: [], body: 'fine' });
    expect((await client.readAnswer()).body.toString()).toBe('fine');
    await undisturbed(worker, stage);
  });

  it('may send messages with other numbers of parts', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const packet = packetOf({ id: 'x', seq: 0 });
    const topic = `${worker.instanceId} `;
    await worker.pub.send([topic, packet]);
    await worker.pub.send([`${topic}T`, ...Array.from({ length: 1_000 }, () => packet)]);
    await worker.pub.send([topic, packet, packet]);
    await worker.route(packet);
    await worker.route('not empty', packet);
    await worker.route('', packet, packet);
    await turnUntil('all of it', () => stage.counters.dropped['invalid-item'] === 6);
    await undisturbed(worker, stage);
  });

  it('that sends a message of more than four mebibytes loses its connection, and nothing else happens', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker('first');
    const other = await stage.worker('second');
    await worker.publish(Buffer.alloc(5 * 1024 * 1024));
    const clients = [await stage.get('/1'), await stage.get('/2')];
    // They are asked in turn.
    const sessions = [await other.session(), await worker.session()];
    for (const session of sessions) await session.answer({ code: 200, headers: [], body: 'served' });
    for (const client of clients) expect((await client.readAnswer()).body.toString()).toBe('served');
    await stage.empty();
  });

  it('may speak for sessions that there are not, and for the same one twice', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    const from = worker.name;
    const unknown = '11111111-1111-4111-8111-111111111111';
    for (const fields of [
      { code: 200, body: 'x' },
      { type: 'cancel' },
      { type: 'error' },
      { type: 'credit', credits: 9 },
    ]) {
      await worker.publish(packetOf({ from, id: unknown, seq: 0, ...fields }));
    }
    const twice = [0, 1].map(
      (seq) =>
        new Map<string, TnetInput>([
          ['id', session.id],
          ['seq', seq],
        ]),
    );
    await worker.publish(packetOf({ from, id: twice, type: 'keep-alive' }));
    await session.say({ seq: 2, code: 200, headers: [], body: 'fine' });
    expect((await client.readAnswer()).body.toString()).toBe('fine');
    expect(stage.counters.dropped['invalid-item']).toBe(0);
    await undisturbed(worker, stage);
  });

  it('may give more credits than there are numbers', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.send(
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`,
    );
    const session = await worker.session();
    for (let count = 0; count < 5; count += 1) await session.send({ type: 'credit', credits: Number.MAX_SAFE_INTEGER });
    await session.until('the end of the body', () => session.of('data').some(({ more }) => more === undefined));
    await session.send({ code: 200, headers: [], body: 'fine' });
    expect((await client.readAnswer()).body.toString()).toBe('fine');
    await stage.empty();
  });

  it('may claim a name of any bytes, and nobody is found by it', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    for (const from of ['', '\0\xff', 'x'.repeat(300), 'nobody']) {
      const client = await stage.get('/x');
      const session = await worker.session();
      await session.send({ from: Buffer.from(from, 'latin1'), code: 200, headers: [], body: 'begun', more: true });
      await client.readUntil('begun\r\n');
      await client.untilClosed();
    }
    await stage.empty();
    await undisturbed(worker, stage);
  });
});

/**
 * Input on the ZeroMQ sockets that is meant to do harm: lengths that lie, nesting, sizes, floods, and clients that never
 * read. Each is counted, told once, and survived; what is kept for it is bounded.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Dealer, type Push } from 'zeromq';
import type { DeepPartial, Settings } from '../../src/index.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';
import { Asker } from '../support/asker.js';
import { AttackStage, chunk } from '../support/attack-stage.js';
import { Child } from '../support/child.js';
import { Opened, pullEndpoint } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { turnUntil, within } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import { PULL_ENGINES, type PullEngine } from '../support/pull-engines.js';
import { pushTo } from '../support/push.js';
import { TopicPublisher } from '../support/topic-publisher.js';
import { GOOD, tnetItem } from '../support/zeromq-messages.js';
import { claim, greetingOf, readyOf } from '../support/zmtp-peer.js';

const ANYWHERE = 'tcp://127.0.0.1:*';
/** Of each socket, and a frame that libzmq is not to make room for. */
const MAX_BYTES = 1_000_000;
const GIGABYTE = 1_073_741_824n;
/** What a connection, its thread's queue and the sockets at both ends may take at most. */
const SMALL = 30_000_000;

/** A map like that of an item or a request, with the member `deep` of so many lists in lists. */
function nested(members: ReadonlyMap<string, TnetInput>, levels: number): Buffer {
  let value = Buffer.from('0:]');
  for (let level = 1; level < levels; level += 1) {
    value = Buffer.concat([Buffer.from(`${value.length}:`), value, Buffer.from(']')]);
  }
  const inside = Buffer.concat([Buffer.from('4:deep,'), value]);
  const rest = encodeTnetstring(members);
  const body = rest.subarray(rest.indexOf(':') + 1, -1);
  return Buffer.concat([Buffer.from(`${inside.length + body.length}:`), inside, body, Buffer.from('}')]);
}

const ITEM = new Map<string, TnetInput>([
  ['channel', 'news'],
  ['http-stream', new Map([['content', 'deep\n']])],
]);
const REQUEST = new Map<string, TnetInput>([['method', 'recover']]);

/** Changes the outer length of a map, or one within. */
function lying(message: Buffer, change: (text: string) => string): Buffer {
  return Buffer.from(change(message.toString('latin1')), 'latin1');
}

/** Tnetstrings that are none, made of one that is. */
function malformed(good: Buffer): readonly (readonly [what: string, bytes: Buffer])[] {
  const outer = /^\d+/;
  return [
    ['a length that is too long', lying(good, (text) => text.replace(outer, (length) => `${Number(length) + 1}`))],
    ['a length that is too short', lying(good, (text) => text.replace(outer, (length) => `${Number(length) - 1}`))],
    ['a length within that reaches beyond its map', lying(good, (text) => text.replace(/:(\d)/, ':9$1'))],
    ['a negative length', lying(good, (text) => `-${text}`)],
    ['a length in hexadecimal', lying(good, (text) => `0x${text}`)],
    ['a length with a blank', lying(good, (text) => ` ${text}`)],
    ['no length', lying(good, (text) => text.replace(outer, ''))],
    ['a length of a million digits', Buffer.concat([Buffer.alloc(999_000, '9'), Buffer.from(':x,')])],
    ['a length of a million zeros before it', Buffer.concat([Buffer.alloc(999_000, '0'), good])],
    ['a gigabyte announced', Buffer.from('1000000000:x,')],
    ['a number that is none', Buffer.from('11:4:news,1:x#}')],
    ['a thousand lists in lists', nested(new Map(), 1_000)],
  ];
}

const NO_FORMATS = 'received message with invalid format: no formats specified, skipping';
const NO_CHANNEL = "received message with invalid format: publish item object does not contain 'channel', skipping";
/** Messages of one part that are no items, and what is said of them behind the name of the socket. */
const TEXTS = [
  ['J{', 'received message with invalid format (json parse failed), skipping'],
  ['J[]', 'received message with invalid format (not a valid json object), skipping'],
  ['junk', 'received message with invalid format (tnetstring parse failed), skipping'],
  ['J{"channel":"a"}', NO_FORMATS],
  // Without a channel: only PULL needs one.
  ['T0:}', undefined],
] as const;

describe.each(PULL_ENGINES)('bad input for PULL of %s', (engine) => {
  const opened = new Opened();

  async function stageOf(pullEngine: PullEngine, more: DeepPartial<Settings> = {}) {
    const log = new CollectedLog('warn');
    const settings = { ...more, zeromq: { pull: [ANYWHERE], pullEngine } };
    const stage = await AttackStage.start(opened, { logger: log, settings });
    return { log, stage, push: pushTo(opened, pullEndpoint(stage.holdfast)) };
  }

  async function takes(stage: AttackStage, push: Push): Promise<void> {
    const taken = once(stage.holdfast, 'publish');
    await push.send(GOOD);
    await within('the good item', taken);
  }

  it.each(malformed(GOOD))('%s is skipped, counted and told', async (_what, bytes) => {
    const { log, stage, push } = await stageOf(engine);
    await push.send(bytes);
    await push.send(Buffer.concat([Buffer.from('T'), bytes]));
    await takes(stage, push);
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(2);
    expect(log.lines).toEqual([
      'warn IN pull: received message with invalid format (tnetstring parse failed), skipping',
    ]);
    await stage.undisturbed();
  });

  it.each(TEXTS)('%s is told in the words of the original', async (message, text) => {
    const { log, stage, push } = await stageOf(engine);
    await push.send(message);
    await takes(stage, push);
    expect(log.lines).toEqual([`warn IN pull: ${text ?? NO_CHANNEL}`]);
  });

  it('64 levels of nesting are taken, the map included, and not one more', async () => {
    const { log, stage, push } = await stageOf(engine);
    const client = await stage.stream();
    await push.send(nested(ITEM, 64));
    await push.send(nested(ITEM, 63));
    expect(await client.readAsLongAs(chunk('deep\n'))).toBe(chunk('deep\n'));
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(1);
    expect(log.lines).toEqual([
      'warn IN pull: received message with invalid format (tnetstring parse failed), skipping',
    ]);
  });

  it('JSON may be nested as deeply as its size allows, where nobody looks', async () => {
    const { stage, push } = await stageOf(engine);
    const client = await stage.stream();
    const deep = `${'['.repeat(400_000)}${']'.repeat(400_000)}`;
    await push.send(`J{"deep":${deep},"channel":"news","http-stream":{"content":"deep\\n"}}`);
    expect(await client.readAsLongAs(chunk('deep\n'))).toBe(chunk('deep\n'));
    await stage.undisturbed();
  });

  it('a gigabyte that is announced takes no room', async () => {
    const { log, stage, push } = await stageOf(engine);
    const before = keptBytes();
    const port = Number(pullEndpoint(stage.holdfast).split(':').at(-1));
    for (let count = 0; count < 20; count += 1) {
      const peer = await opened.client(port);
      peer.write(Buffer.concat([greetingOf(), readyOf(), claim(GIGABYTE), Buffer.alloc(100_000, 'J')]));
      // libzmq ends it; our own reader lets it pass by.
      if (engine === 'libzmq') await peer.untilClosed();
    }
    await takes(stage, push);
    expect(keptBytes() - before).toBeLessThan(SMALL);
    expect(log.lines).toEqual([]);
    await stage.undisturbed();
  });

  it('a part far too large ends a connection at most, and what comes behind it is taken', async () => {
    const { stage, push } = await stageOf(engine);
    await push.send(Buffer.alloc(20 * MAX_BYTES));
    await takes(stage, push);
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(engine === 'holdfast' ? 1 : 0);
  });

  it('a flood reaches who is held, or is counted, and clients are served meanwhile', async () => {
    const { log, stage } = await stageOf(engine, { hold: { outboxBytes: 200_000, outboxPolicy: 'drop' } });
    const [reader, deaf] = [await stage.stream(), await stage.stream()];
    deaf.pause();
    const heard = [reader, deaf].map(({ receivedBytes }) => receivedBytes);
    const before = keptBytes();
    const floods = [1, 2, 3].map(() => {
      const args = ['--input-type=module', '-e', FLOOD, pullEndpoint(stage.holdfast), `${FLOOD_SIZE}`];
      return opened.add(Child.node(args), (one) => one.stop());
    });
    const { counters } = stage.holdfast;
    await turnUntil('the flood', () => counters.published > 1_000);
    await stage.undisturbed();
    for (const flood of floods) expect(await flood.ended()).toMatchObject({ code: 0, stderr: '' });
    const said = 1;
    const taken = (): number => counters.published - said + counters.dropped['invalid-item'];
    await turnUntil('the end of the flood', () => taken() === 3 * FLOOD_SIZE);
    const junk = (3 * FLOOD_SIZE) / 10;
    expect(counters.dropped['invalid-item']).toBe(junk);
    expect(keptBytes() - before).toBeLessThan(SMALL);
    deaf.resume();
    const arrived = (): number =>
      [reader, deaf].reduce((sum, client, at) => sum + client.receivedBytes - (heard[at] ?? 0), 0) /
      chunk(CONTENT).length;
    await turnUntil('everything', () => arrived() + counters.dropped['outbox-full'] === 2 * (3 * FLOOD_SIZE - junk));
    expect(counters.dropped['outbox-full']).toBeGreaterThan(10_000);
    expect(log.lines.filter((line) => line.includes('IN pull'))).toHaveLength(1);
    await stage.undisturbed();
  });
});

/** Messages of each publisher; every tenth is no item. */
const FLOOD_SIZE = 20_000;
/** What each good item of the flood says. */
const CONTENT = `${'x'.repeat(100)}\n`;
const FLOOD = `
  import { Push } from 'zeromq';
  const [, endpoint, count] = process.argv;
  const push = new Push();
  push.connect(endpoint);
  const good = ${JSON.stringify(`J${JSON.stringify({ channel: 'news', 'http-stream': { content: CONTENT } })}`)};
  for (let at = 0; at < Number(count); at += 1) await push.send(at % 10 === 0 ? 'junk' : good);
  push.close();
`;

describe('bad input for SUB', () => {
  const opened = new Opened();

  async function subscribed() {
    const log = new CollectedLog('warn');
    const stage = await AttackStage.start(opened, { logger: log, settings: { zeromq: { sub: [ANYWHERE] } } });
    const [endpoint = ''] = stage.holdfast.addresses.sub;
    const publisher = TopicPublisher.to(opened, endpoint);
    const client = await stage.stream();
    await publisher.told('+news');
    return { log, stage, publisher, client, port: Number(endpoint.split(':').at(-1)) };
  }

  it.each(malformed(GOOD))('%s is skipped, counted and told', async (_what, bytes) => {
    const { log, stage, publisher, client } = await subscribed();
    await publisher.socket.send(['news', bytes]);
    await publisher.socket.send(['news', Buffer.concat([Buffer.from('T'), bytes])]);
    await publisher.say('news', 'good\n');
    expect(await client.readAsLongAs(chunk('good\n'))).toBe(chunk('good\n'));
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(2);
    expect(log.lines).toEqual([
      'warn IN sub: received message with invalid format (tnetstring parse failed), skipping',
    ]);
  });

  it.each(TEXTS)('%s is told in the words of the original', async (message, text) => {
    const { log, publisher, client } = await subscribed();
    await publisher.socket.send(['news', message]);
    await publisher.say('news', 'good\n');
    await client.readUntil(chunk('good\n'));
    // The topic is the channel.
    expect(log.lines).toEqual([`warn IN sub: ${text ?? NO_FORMATS}`]);
  });

  it('items may be as large as the setting says', async () => {
    const { log, stage, publisher, client } = await subscribed();
    for (const size of [MAX_BYTES + 1, 5 * MAX_BYTES]) await publisher.socket.send(['news', Buffer.alloc(size)]);
    const room = MAX_BYTES - tnetItem('').length - 20;
    await publisher.socket.send(['news', tnetItem('x'.repeat(room))]);
    await client.readUntil(chunk('x'.repeat(room)));
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(2);
    expect(log.lines).toEqual([
      'warn IN sub: received message of more than 1000000 bytes (zeromq.sub_max_message_bytes), skipping',
    ]);
  });

  it('a gigabyte that is announced takes no room, and one that is sent ends its connection', async () => {
    const { stage, publisher, client, port } = await subscribed();
    const before = keptBytes();
    for (let count = 0; count < 20; count += 1) {
      const peer = await opened.client(port);
      peer.write(Buffer.concat([greetingOf(), readyOf('PUB'), claim(GIGABYTE), Buffer.alloc(100_000, 'J')]));
      await peer.untilClosed();
    }
    await publisher.socket.send(['news', Buffer.alloc(20 * MAX_BYTES)]);
    // Its publisher comes back with what waits behind it.
    await publisher.say('news', 'good\n');
    expect(await client.readAsLongAs(chunk('good\n'))).toBe(chunk('good\n'));
    expect(keptBytes() - before).toBeLessThan(SMALL);
    await stage.undisturbed();
  });
});

describe('bad input for REP', () => {
  const opened = new Opened();
  const good = encodeTnetstring(REQUEST);

  async function asked() {
    const log = new CollectedLog('warn');
    const stage = await AttackStage.start(opened, { logger: log, settings: { zeromq: { rep: [ANYWHERE] } } });
    const [endpoint = ''] = stage.holdfast.addresses.rep;
    const raw = opened.add(new Dealer({ linger: 0, receiveHighWaterMark: 1 }), (socket) => socket.close());
    raw.connect(endpoint);
    return { log, stage, raw, asker: Asker.to(opened, endpoint), port: Number(endpoint.split(':').at(-1)) };
  }

  it.each(malformed(good))('%s gets no reply, is counted and told', async (_what, bytes) => {
    const { log, stage, raw } = await asked();
    await raw.send(['', bytes]);
    await raw.send(['', Buffer.concat([Buffer.from('T'), good])]);
    await raw.send(['', good]);
    const [, reply = Buffer.alloc(0)] = await within('the one reply', raw.receive());
    expect(decodeTnetstring(reply)).toEqual(
      new Map<string, unknown>([
        ['success', true],
        ['value', null],
      ]),
    );
    expect(stage.holdfast.counters.dropped['invalid-request']).toBe(2);
    expect(log.lines).toEqual(['warn IN command: received message with invalid format, skipping']);
    await stage.undisturbed();
  });

  it('64 levels of nesting are taken, the map included, and not one more', async () => {
    const { stage, raw } = await asked();
    await raw.send(['', nested(REQUEST, 64)]);
    await raw.send(['', nested(REQUEST, 63)]);
    await within('the one reply', raw.receive());
    expect(stage.holdfast.counters.dropped['invalid-request']).toBe(1);
  });

  it('parts without end, before the empty one and behind it, are no request', async () => {
    const { stage, raw } = await asked();
    const many = Array.from({ length: 10_000 }, () => 'part');
    await raw.send([...many, '', good]);
    await raw.send(['', good, ...many]);
    await raw.send(many);
    await raw.send([...many.slice(0, 15), '', good]);
    const reply = await within('the one reply', raw.receive());
    expect(reply.slice(0, -1).map(String)).toEqual([...many.slice(0, 15), '']);
    expect(stage.holdfast.counters.dropped['invalid-request']).toBe(3);
  });

  it('a request may be as large as a body of the control port', async () => {
    const { log, stage, raw } = await asked();
    await raw.send(['', Buffer.alloc(MAX_BYTES + 1, '1')]);
    const padded = encodeTnetstring(new Map<string, TnetInput>([...REQUEST, ['from', 'x'.repeat(MAX_BYTES - 100)]]));
    await raw.send(['', padded]);
    await within('the one reply', raw.receive());
    expect(stage.holdfast.counters.dropped['invalid-request']).toBe(1);
    expect(log.lines).toEqual([
      'warn IN command: received message of more than 1000000 bytes (control.max_body_bytes), skipping',
    ]);
  });

  it('a gigabyte that is announced ends its connection', async () => {
    const { stage, asker, port } = await asked();
    const peer = await opened.client(port);
    peer.write(Buffer.concat([greetingOf(), readyOf('REQ'), claim(GIGABYTE, 1)]));
    await peer.untilClosed();
    expect(await asker.ask('recover')).toMatchObject({ success: true });
    await stage.undisturbed();
  });

  it('a client that never reads loses replies, counted and told once, and others are answered', async () => {
    const { log, stage, raw, asker } = await asked();
    const ask = encodeTnetstring(new Map<string, TnetInput>([...REQUEST, ['id', 'x'.repeat(100_000)]]));
    const before = keptBytes();
    const { counters } = stage.holdfast;
    let asking = 0;
    // Into the kernel and two high-water marks, until one is too many.
    for (; counters.dropped['unread-reply'] < 1_000; asking += 1) {
      await raw.send(['', ask]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await asker.ask('conncheck', { ids: [] })).toMatchObject({ value: [] });
    expect(log.lines).toEqual(['warn IN command: a client does not read its replies, 100 wait, dropping']);
    // Requests that wait, as many under way, and replies: a hundred each. Dropped were as many bytes again.
    expect(keptBytes() - before).toBeLessThan(60_000_000);
    // It may begin to read: what waits is there, and there is room again.
    let replies = 0;
    const reading = (async () => {
      for await (const _ of raw) replies += 1;
    })();
    reading.catch(() => {});
    await turnUntil('what waits', () => replies === asking - counters.dropped['unread-reply'] && replies >= 100);
    await raw.send(['', ask]);
    asking += 1;
    await turnUntil('one more', () => replies === asking - counters.dropped['unread-reply']);
    await stage.undisturbed();
  });
});

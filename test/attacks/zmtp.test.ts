/**
 * Peers of the PULL socket that are no publishers, or hostile ones, by the bytes of ZMTP: each loses its own connection
 * at most. Clients and other publishers notice nothing, and what is kept is bounded.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Publisher, Request } from 'zeromq';
import { AttackStage } from '../support/attack-stage.js';
import { Opened, pullEndpoint } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { turnUntil, within } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import { pushTo } from '../support/push.js';
import type { RawClient } from '../support/raw-client.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { GOOD } from '../support/zeromq-messages.js';
import { ANSWER, claim, commandOf, frameOf, greetingOf, HELLO, messageOf, readyOf } from '../support/zmtp-peer.js';

const CLOSING = /^warn IN pull: closing the connection of publisher 127\.0\.0\.1:\d+: /;

class Scene {
  private constructor(
    private readonly opened: Opened,
    readonly stage: AttackStage,
    readonly log: CollectedLog,
  ) {}

  static async open(opened: Opened, pullMaxConnections = 1_000): Promise<Scene> {
    const log = new CollectedLog('warn');
    const settings = { zeromq: { pull: ['tcp://127.0.0.1:*'], pullMaxConnections } };
    return new Scene(opened, await AttackStage.start(opened, { logger: log, settings }), log);
  }

  get endpoint(): string {
    return pullEndpoint(this.stage.holdfast);
  }

  get port(): number {
    return Number(this.endpoint.split(':').at(-1));
  }

  async peer(...bytes: readonly Buffer[]): Promise<RawClient> {
    const client = await this.opened.client(this.port);
    client.write(Buffer.concat(bytes));
    return client;
  }

  /** A real publisher's item arrives, and clients are served. */
  async undisturbed(): Promise<void> {
    const taken = once(this.stage.holdfast, 'publish');
    await pushTo(this.opened, this.endpoint).send(GOOD);
    await within('the item of another publisher', taken);
    await this.stage.undisturbed();
  }

  /** What the log says of refused peers, from the colon behind their address. */
  get refusals(): string[] {
    return this.log.lines.filter((line) => CLOSING.test(line)).map((line) => line.replace(CLOSING, ''));
  }
}

describe('a peer of the PULL socket is closed', () => {
  const opened = new Opened();

  it.each([
    ['that speaks HTTP', [Buffer.from('POST /publish/ HTTP/1.1\r\nHost: a\r\n\r\n')], 'it does not speak ZMTP 3'],
    ['that speaks TLS', [Buffer.from('\x16\x03\x01\x02\0\x01\0', 'latin1')], 'it does not speak ZMTP 3'],
    ['that sends zeros', [Buffer.alloc(1_000_000)], 'it does not speak ZMTP 3'],
    ['of ZMTP 1.0', [Buffer.from([1, 0, 5, 0, 104, 105])], 'it does not speak ZMTP 3'],
    ['of ZMTP 2.0', [greetingOf({ major: 1 })], 'it speaks ZMTP 2 or older, not ZMTP 3'],
    [
      'with a password',
      [greetingOf({ mechanism: 'PLAIN' })],
      'it wants the security mechanism PLAIN, there is only NULL',
    ],
    ['with keys', [greetingOf({ mechanism: 'CURVE' })], 'it wants the security mechanism CURVE, there is only NULL'],
    ['that subscribes', [greetingOf(), readyOf('SUB')], 'it is "SUB", not PUSH'],
    ['with a type of 200 bytes', [greetingOf(), readyOf('\n'.repeat(200))], `it is "${'\\n'.repeat(200)}", not PUSH`],
    ['with garbage for READY', [greetingOf(), Buffer.alloc(100, 0xff)], 'it sent a frame with reserved flags (0xff)'],
    ['with endless metadata', [greetingOf(), claim(2n ** 40n, 4)], 'it sent a command of 1099511627776 bytes'],
    ['with a message before READY', [greetingOf(), messageOf(GOOD)], 'it sent a message before READY'],
    ['with garbage behind READY', [HELLO, Buffer.alloc(100, 0xf0)], 'it sent a frame with reserved flags (0xf0)'],
    ['with a frame of 2^62 bytes', [HELLO, claim(2n ** 62n)], 'it sent a frame of 4611686018427388000 bytes'],
    ['with an endless command', [HELLO, claim(2n ** 31n, 4)], 'it sent a command of 2147483648 bytes'],
    ['with a nameless command', [HELLO, frameOf(4, Buffer.from([200, 1]))], 'it sent a command without a name'],
    ['with an error', [greetingOf(), commandOf('ERROR', '\x02no')], 'it refused us: "no"'],
  ])('%s', async (_what, bytes, why) => {
    const scene = await Scene.open(opened);
    const peer = await scene.peer(...bytes);
    await peer.untilClosed();
    expect(scene.refusals).toEqual([why]);
    expect(scene.stage.holdfast.counters.dropped['invalid-item']).toBe(0);
    await scene.undisturbed();
  });

  it('that sends parts without end', async () => {
    const scene = await Scene.open(opened);
    const peer = await scene.peer(HELLO);
    const parts = Buffer.concat(Array.from({ length: 10_000 }, () => frameOf(1, 'part')));
    for (let count = 0; count < 11; count += 1) peer.write(parts);
    await peer.untilClosed();
    expect(scene.refusals).toEqual(['it sent a message of more than 100000 parts']);
    await scene.undisturbed();
  });

  it.each([
    ['PUB', () => new Publisher({ linger: 0, reconnectInterval: 1 })],
    ['REQ', () => new Request({ linger: 0, reconnectInterval: 1 })],
  ])('that is a real %s, which does not try again', async (type, create) => {
    const scene = await Scene.open(opened);
    const socket = create();
    const events: string[] = [];
    const ended = (async () => {
      for await (const event of socket.events) events.push(event.type);
    })();
    socket.connect(scene.endpoint);
    await turnUntil('the end', () => events.includes('disconnect') && scene.refusals.length > 0);
    expect(scene.refusals).toEqual([`it is "${type}", not PUSH`]);
    await scene.undisturbed();
    socket.close();
    await within('the last event', ended);
    expect(events.filter((event) => event === 'connect')).toHaveLength(1);
  });
});

describe('the PULL socket', () => {
  const opened = new Opened();

  it('keeps nothing of messages that are claimed or sent, and too large', async () => {
    const scene = await Scene.open(opened);
    const before = keptBytes();
    const peers: RawClient[] = [];
    for (let count = 0; count < 100; count += 1) peers.push(await scene.peer(HELLO, claim(999_999n), Buffer.from('J')));
    const large = Buffer.alloc(1_000_000);
    const sender = await scene.peer(HELLO, claim(200_000_000n));
    for (let count = 0; count < 200; count += 1) {
      if (!sender.write(large)) await once(sender.socket, 'drain');
    }
    await turnUntil('the end of the message', () => scene.log.lines.length > 0);
    expect(scene.log.lines).toEqual([
      'warn IN pull: received message of more than 1000000 bytes (zeromq.pull_max_message_bytes), skipping',
    ]);
    // A hundred connections with the room that a body gets when it begins, and the sockets at both ends.
    expect(keptBytes() - before).toBeLessThan(20_000_000);
    const taken = once(scene.stage.holdfast, 'publish');
    sender.write(messageOf(GOOD));
    await within('the item behind it', taken);
    expect(peers.some(({ closed }) => closed)).toBe(false);
  });

  it('takes what comes byte by byte, from many at once', async () => {
    const scene = await Scene.open(opened);
    const bytes = Buffer.concat([HELLO, messageOf(GOOD)]);
    const peers = await Promise.all(Array.from({ length: 20 }, () => scene.peer()));
    for (const byte of bytes) {
      await Promise.all(peers.map(({ socket }) => new Promise((sent) => socket.write(Buffer.from([byte]), sent))));
    }
    await turnUntil('all items', () => scene.stage.holdfast.counters.published === 20);
    expect(scene.log.lines).toEqual([]);
  });

  it('goes on for all others when one breaks off in the middle', async () => {
    const scene = await Scene.open(opened);
    const bytes = Buffer.concat([HELLO, messageOf(GOOD)]);
    for (let at = 0; at < bytes.length; at += 5) {
      const peer = await scene.peer(bytes.subarray(0, at));
      peer.socket.resetAndDestroy();
    }
    await scene.undisturbed();
    expect(scene.stage.holdfast.counters.published).toBe(2);
  });

  it.skipIf(!REQUIREMENTS.descriptors.isThere())(
    'has room for a publisher although thousands connect and say nothing',
    async () => {
      const scene = await Scene.open(opened, 50);
      let closed = 0;
      for (let count = 0; count < 3_000; count += 1) {
        const socket = opened.add(connect({ port: scene.port, host: '127.0.0.1' }), (one) => one.destroy());
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.on('close', () => {
          closed += 1;
        });
        if (count % 100 === 99) await once(socket, 'connect');
      }
      await turnUntil('the end of those who are too many', () => closed >= 2_950);
      expect(closed).toBe(2_950);
      await scene.undisturbed();
    },
  );

  it('refuses publishers beyond its bound, and those who are there go on', async () => {
    const scene = await Scene.open(opened, 20);
    const peers = await Promise.all(Array.from({ length: 20 }, () => scene.peer(HELLO, messageOf(GOOD))));
    await turnUntil('all items', () => scene.stage.holdfast.counters.published === 20);
    const more = await Promise.all(Array.from({ length: 100 }, () => scene.peer()));
    for (const peer of more) await peer.untilClosed();
    expect(scene.log.lines).toEqual([
      'warn IN pull: refusing a publisher, 20 are connected (zeromq.pull_max_connections)',
    ]);
    for (const peer of peers) {
      await peer.read(ANSWER.length);
      peer.write(messageOf(GOOD));
    }
    await turnUntil('all items', () => scene.stage.holdfast.counters.published === 40);
  });

  it('lets a publisher that floods it slow down nobody', async () => {
    const scene = await Scene.open(opened);
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => messageOf(GOOD)));
    const flooder = await scene.peer(HELLO);
    let over = false;
    const more = (): void => {
      while (!over && flooder.socket.write(flood));
    };
    flooder.socket.on('drain', more);
    more();
    await turnUntil('the flood', () => scene.stage.holdfast.counters.published > 10_000);
    await scene.undisturbed();
    over = true;
    expect(scene.log.lines).toEqual([]);
  });
});

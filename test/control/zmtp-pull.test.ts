/** Our own PULL socket: who may connect, for how long, what waits when, and what is left behind. */
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { PullStage } from '../support/pull-stage.js';
import { tnetItem } from '../support/zeromq-messages.js';
import { ANSWER, greetingOf, HELLO, messageOf, pingOf, pongOf, readyOf } from '../support/zmtp-peer.js';

function items(count: number, size = 0): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => messageOf(tnetItem(`${at} `.padEnd(size, '.')))));
}

describe('a publisher', () => {
  const opened = new Opened();

  it('is greeted at once, and told READY when it has greeted', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer();
    expect(await peer.read(64)).toEqual(ANSWER.subarray(0, 64));
    peer.write(greetingOf());
    expect(await peer.read(ANSWER.length - 64)).toEqual(ANSWER.subarray(64));
    peer.write(readyOf());
    peer.write(messageOf(tnetItem('a')));
    await stage.items.taken(1);
    expect(stage.items.contents).toEqual(['a']);
  });

  it('may send everything at once and go: nothing is lost', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer();
    peer.socket.end(Buffer.concat([HELLO, items(20_000)]));
    await stage.items.taken(20_000);
    expect(stage.items.contents).toEqual(Array.from({ length: 20_000 }, (_, at) => `${at} `));
    await peer.untilClosed();
  });

  it('that leaves in the middle of a message leaves nothing of it', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const whole = messageOf(tnetItem('whole'));
    const peer = await stage.peer();
    peer.socket.end(Buffer.concat([HELLO, whole, whole.subarray(0, -1)]));
    await peer.untilClosed();
    await stage.items.taken(1);
    expect([stage.items.contents, stage.lines]).toEqual([['whole'], []]);
  });

  it('gets its PONGs, all to one read in one go', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const pings = Array.from({ length: 100 }, (_, at) => pingOf(0, `${at}`));
    const pongs = Buffer.concat(Array.from({ length: 100 }, (_, at) => pongOf(`${at}`)));
    const peer = await stage.peer(Buffer.concat([HELLO, ...pings]));
    expect(await peer.read(ANSWER.length + pongs.length)).toEqual(Buffer.concat([ANSWER, pongs]));
  });

  it('sends to a channel in the order of its messages, whatever others send', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const names = ['a', 'b', 'c', 'd'];
    const peers = await Promise.all(names.map(() => stage.peer(HELLO)));
    for (let at = 0; at < 500; at += 1) {
      for (const [of, peer] of peers.entries()) peer.write(messageOf(tnetItem(`${names[of]}${at}`)));
    }
    await stage.items.taken(2_000);
    for (const name of names) {
      const own = stage.items.contents.filter((content) => content.startsWith(name));
      expect(own).toEqual(Array.from({ length: 500 }, (_, at) => `${name}${at}`));
    }
  });
});

describe('time', () => {
  const opened = new Opened();

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a greeting', HELLO.subarray(0, 32)],
    ['a greeting and no READY', greetingOf()],
    ['half of READY', HELLO.subarray(0, -1)],
  ])('is over for a peer that sends %s, after thirty seconds', async (_what, bytes) => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer(bytes);
    await peer.read(64);
    stage.sample.clock.advance(29_900);
    expect(stage.lines).toEqual([]);
    stage.sample.clock.advance(200);
    await peer.untilClosed();
    expect(stage.lines).toEqual(['warn IN pull: closing the connection of publisher PEER: it sent no READY in time']);
    expect(stage.sample.wheel.size).toBe(0);
  });

  it('does not matter to a publisher that is connected', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer(Buffer.concat([HELLO, items(1)]));
    await stage.items.taken(1);
    stage.sample.clock.advance(86_400_000);
    peer.write(items(1));
    await stage.items.taken(2);
    expect(stage.sample.wheel.size).toBe(0);
  });

  it('is over for one that is silent for longer than its PING has said', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer(Buffer.concat([HELLO, pingOf(20)]));
    await peer.readUntil('\x04PONG');
    stage.sample.clock.advance(1_900);
    peer.write(items(1));
    await stage.items.taken(1);
    // Any bytes will do, and call the time off until the next PING.
    stage.sample.clock.advance(60_000);
    peer.write(pingOf(20));
    await peer.readUntil('\x04PONG');
    stage.sample.clock.advance(2_100);
    await peer.untilClosed();
    expect(stage.lines).toEqual([
      'warn IN pull: closing the connection of publisher PEER: it was silent for longer than it had said',
    ]);
  });
});

describe('congestion', () => {
  const opened = new Opened();

  it('lets publishers wait, and they go on where they were', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peers = [await stage.peer(HELLO), await stage.peer(HELLO)];
    for (const peer of peers) await peer.read(ANSWER.length);
    stage.onItem = () => {
      stage.dam.congested = true;
    };
    const all = Array.from({ length: 30 }, () => items(1_000, 1_000));
    for (const peer of peers) for (const bytes of all) peer.write(bytes);
    await turnUntil('congestion', () => stage.dam.waiters > 0);
    const { length } = stage.items.all;
    // At most one read of each; the rest of 60 MB is not even in our process.
    expect(length).toBeLessThan(200);
    stage.onItem = () => {};
    const newcomer = await stage.peer(Buffer.concat([HELLO, messageOf(tnetItem('new'))]));
    await newcomer.read(64);
    await turnUntil('a full pipe', () => peers.every(({ socket }) => socket.writableNeedDrain));
    expect([stage.items.all.length, stage.dam.waiters]).toEqual([length, 1]);
    // Waiting is not silence.
    stage.sample.clock.advance(120_000);
    stage.dam.open();
    await stage.items.taken(60_001);
    expect(stage.lines).toEqual([]);
    expect(stage.items.contents).toContain('new');
  });

  it('is over at once where it is over at once', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    stage.onItem = () => {
      stage.dam.congested = stage.items.all.length % 100 === 0;
    };
    const clearing = setInterval(() => stage.dam.open(), 1);
    const peer = await stage.peer(Buffer.concat([HELLO, items(10_000)]));
    try {
      await stage.items.taken(10_000);
    } finally {
      clearInterval(clearing);
    }
    expect(stage.items.contents).toEqual(Array.from({ length: 10_000 }, (_, at) => `${at} `));
    peer.close();
  });
});

describe('limits', () => {
  const opened = new Opened();

  it('refuse one publisher too many, until one has gone', async () => {
    const stage = new PullStage(opened, { maxConnections: 2 });
    await stage.bind();
    const first = await stage.peer(HELLO);
    const second = await stage.peer(Buffer.concat([HELLO, items(1)]));
    await first.read(ANSWER.length);
    await stage.items.taken(1);
    const third = await stage.peer();
    await third.untilClosed();
    expect(stage.lines).toEqual(['warn IN pull: refusing a publisher, 2 are connected (zeromq.pull_max_connections)']);
    first.close();
    let fourth = await stage.peer(HELLO);
    // Its place is free when its end has come here: until then it is the publisher who tries again.
    await within(
      'a free place',
      (async () => {
        while (!(await greeted(fourth))) fourth = await stage.peer(HELLO);
      })(),
    );
    fourth.write(items(1));
    await stage.items.taken(2);
    expect(second.closed).toBe(false);
  });

  it('let whoever has not said READY for longest make room', async () => {
    const stage = new PullStage(opened, { maxConnections: 2 });
    await stage.bind();
    const publisher = await stage.peer(Buffer.concat([HELLO, items(1)]));
    await stage.items.taken(1);
    const idle = await stage.peer();
    await idle.read(64);
    const next = await stage.peer(Buffer.concat([HELLO, items(1)]));
    await idle.untilClosed();
    await stage.items.taken(2);
    expect([publisher.closed, next.closed, stage.lines]).toEqual([false, false, []]);
  });

  it('end with a peer that asks and does not read', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peer = await stage.peer(HELLO);
    await peer.read(ANSWER.length);
    peer.pause();
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => pingOf(0, '0123456789abcdef')));
    const closed = new Promise((resolve) => peer.socket.once('error', resolve));
    const more = (): void => {
      while (!peer.socket.destroyed && peer.socket.write(pings));
    };
    peer.socket.on('drain', more);
    more();
    await within('the end', closed);
    expect(stage.lines).toEqual([
      'warn IN pull: closing the connection of publisher PEER: it does not read our answers',
    ]);
  });
});

/** Whether a peer is greeted, or turned away. */
async function greeted(peer: { read(count: number): Promise<Buffer> }): Promise<boolean> {
  try {
    await peer.read(64);
    return true;
  } catch {
    return false;
  }
}

describe('an ipc endpoint', () => {
  const opened = new Opened();

  function folder(): string {
    return opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
  }

  it('takes the place of a socket that was left behind', async () => {
    const path = join(folder(), 'pull');
    const left = new PullStage(opened);
    await left.bind(`ipc://${path}-removed`);
    linkSync(`${path}-removed`, path);
    await left.pull.close();
    const next = new PullStage(opened);
    expect(await next.bind(`ipc://${path}`)).toBe(`ipc://${path}`);
    next.send(path, Buffer.concat([HELLO, items(1)]));
    await next.items.taken(1);
  });

  it('does not take the place of somebody who listens there', async () => {
    const spec = `ipc://${join(folder(), 'pull')}`;
    const first = new PullStage(opened);
    await first.bind(spec);
    await expect(new PullStage(opened).bind(spec)).rejects.toMatchObject({
      code: 'HOLDFAST_LISTEN_FAILED',
      message: `unable to bind to ${spec} (setting zeromq.pull): Address already in use`,
    });
    first.send(spec.slice('ipc://'.length), Buffer.concat([HELLO, items(1)]));
    await first.items.taken(1);
    // Whoever looked is nobody to speak of.
    expect(first.lines).toEqual([]);
  });

  it('does not take the place of another file', async () => {
    const path = join(folder(), 'letter');
    writeFileSync(path, 'dear');
    await expect(new PullStage(opened).bind(`ipc://${path}`)).rejects.toMatchObject({
      code: 'HOLDFAST_LISTEN_FAILED',
      message: `unable to bind to ipc://${path} (setting zeromq.pull): Address already in use`,
    });
    expect(readFileSync(path, 'utf8')).toBe('dear');
  });

  it('has the permissions it should, and is gone when it is closed', async () => {
    const path = join(folder(), 'deep', 'pull');
    const stage = new PullStage(opened, { fileMode: 0o640 });
    await stage.bind(`ipc://${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await stage.pull.close();
    expect(existsSync(path)).toBe(false);
  });

  it('names itself in the log, since its peers have no address', async () => {
    const path = join(folder(), 'pull');
    const stage = new PullStage(opened);
    await stage.bind(`ipc://${path}`);
    stage.send(path, Buffer.from('GET'));
    await turnUntil('a line', () => stage.lines.length > 0);
    expect(stage.lines).toEqual([
      `warn IN pull: closing the connection of publisher at ${path}: it does not speak ZMTP 3`,
    ]);
  });
});

describe('closing', () => {
  const opened = new Opened();

  it('ends connections in every state, and leaves no timer', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    const peers = [await stage.peer(), await stage.peer(greetingOf()), await stage.peer(HELLO)];
    for (const peer of peers) await peer.read(64);
    await stage.pull.close();
    for (const peer of peers) await peer.untilClosed();
    expect(stage.sample.wheel.size).toBe(0);
  });

  it('in the middle of a read lets nothing more through', async () => {
    const stage = new PullStage(opened);
    await stage.bind();
    let closed: Promise<void> | undefined;
    stage.onItem = () => {
      closed ??= stage.pull.close();
    };
    await stage.peer(Buffer.concat([HELLO, items(100)]));
    await stage.items.taken(1);
    await closed;
    expect(stage.items.all).toHaveLength(1);
  });
});

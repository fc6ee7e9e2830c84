/** Publishing by topic: what real XPUB publishers, in Node and in Python, are told of subscriptions (specification 8.2). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { encodeHeaderText } from '../../src/protocol/headers.js';
import { chunk } from '../support/attack-stage.js';
import { Child } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { turnUntil } from '../support/deadline.js';
import { unsubscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { holding } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';
import { PYTHON, REQUIREMENTS } from '../support/requirements.js';
import { Several } from '../support/several.js';
import { TopicPublisher } from '../support/topic-publisher.js';

const ANYWHERE = 'tcp://127.0.0.1:*';
const LINGER = 60_000;
/** Channels that linger are looked at every second. */
const LOOK = 1_000;

function folderOf(opened: Opened): string {
  return opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
}

function endpointOf({ addresses }: Holdfast): string {
  return addresses.sub[0] ?? '';
}

class Scene {
  constructor(
    private readonly opened: Opened,
    readonly holdfast: Holdfast,
    readonly publisher: TopicPublisher,
  ) {}

  /** A stream of the test backend; it has its first line. */
  async stream(channel: string): Promise<RawClient> {
    const client = await this.opened.get(clientPort(this.holdfast), `/stream?channel=${channel}`);
    await client.readUntil('[stream opened]\n\r\n');
    return client;
  }

  /** A long-poll of the test backend that is held. */
  async poll(channel: string): Promise<RawClient> {
    const { response } = this.holdfast.counters.holds;
    const client = await this.opened.get(clientPort(this.holdfast), `/response?channel=${channel}`);
    await turnUntil('the hold', () => this.holdfast.counters.holds.response === response + 1);
    return client;
  }

  /** Whatever was to be said of subscriptions has been said when this is over. */
  async fence(name: string): Promise<void> {
    const client = await this.stream(name);
    client.close();
    await this.publisher.told(`-${name}`);
  }
}

describe('a publisher by topic', () => {
  const opened = new Opened();

  async function scene(options: HoldfastOptions = {}): Promise<Scene> {
    const { settings, ...rest } = options;
    const holdfast = await opened.holdfast({ ...rest, settings: { ...settings, zeromq: { sub: [ANYWHERE] } } });
    return new Scene(opened, holdfast, TopicPublisher.to(opened, endpointOf(holdfast)));
  }

  it('is told of a channel when its first stream comes, and when the last one has gone', async () => {
    const here = await scene();
    const { publisher } = here;
    const first = await here.stream('news');
    await publisher.told('+news');
    const second = await here.stream('news');
    first.close();
    await here.fence('fence');
    expect(publisher.heard).toEqual(['+news', '+fence', '-fence']);
    second.close();
    await publisher.told('-news');
    const again = await here.stream('news');
    await publisher.told('+news', 2);
    await publisher.say('news', 'hello\n');
    expect(await again.readAsLongAs(chunk('hello\n'))).toBe(chunk('hello\n'));
    expect(publisher.heard).toEqual(['+news', '+fence', '-fence', '-news', '+news']);
  });

  it('is told at once when the last WebSocket has gone, whatever the linger', async () => {
    const here = await scene({ clock: new ManualClock() });
    const socket = new WebSocket(`ws://127.0.0.1:${clientPort(here.holdfast)}/ws?channel=room`);
    opened.add(socket, (one) => one.terminate());
    await here.publisher.told('+room');
    socket.close();
    await here.publisher.told('-room');
    expect(here.publisher.heard).toEqual(['+room', '-room']);
  });

  it('is told of a long-poll that has gone only after its time to linger, and not when another one came', async () => {
    const clock = new ManualClock();
    const here = await scene({ clock });
    const { publisher, holdfast } = here;
    const answer = { channel: 'poll', formats: { 'http-response': { body: 'x' } } };
    const client = await here.poll('poll');
    await publisher.told('+poll');
    holdfast.publish(answer);
    await client.readAnswer();
    clock.advance(LINGER - LOOK);
    await here.fence('before');
    expect(publisher.heard).toEqual(['+poll', '+before', '-before']);
    const next = await here.poll('poll');
    // Less than a long-poll lasts.
    clock.advance(LINGER / 2);
    await here.fence('meanwhile');
    holdfast.publish(answer);
    await next.readAnswer();
    clock.advance(LINGER - LOOK);
    await here.fence('nearly');
    expect(publisher.heard.filter((what) => what.endsWith('poll'))).toEqual(['+poll']);
    clock.advance(2 * LOOK);
    await publisher.told('-poll');
  });

  it('is told the names as routes make them, to the byte', async () => {
    const origin = await opened.origin(holding('stream', encodeHeaderText('ünïcode 部屋')));
    const here = await scene({ routes: [`*,prefix=pre- ${origin.target}`] });
    const client = await opened.get(clientPort(here.holdfast), '/');
    await here.publisher.told('+pre-ünïcode 部屋');
    await client.readUntil('\r\n\r\n');
    await here.publisher.say('pre-ünïcode 部屋', 'hello\n');
    await client.readUntil(chunk('hello\n'));
  });

  it('reaches those of the topic alone, though ZeroMQ passes what only begins with it', async () => {
    const here = await scene();
    const { publisher, holdfast } = here;
    const test = await here.stream('test');
    await publisher.told('+test');
    const came = new Promise<string>((resolve) => holdfast.once('publish', ({ channel }) => resolve(channel)));
    await publisher.say('test2', 'for test2\n');
    expect(await came).toBe('test2');
    const test2 = await here.stream('test2');
    await publisher.told('+test2');
    await publisher.say('test2', 'second\n');
    await publisher.say('test', 'third\n');
    expect(await test2.readAsLongAs(chunk('second\n'))).toBe(chunk('second\n'));
    expect(await test.readAsLongAs(chunk('third\n'))).toBe(chunk('third\n'));
    // One message each, also where two subscriptions fit.
    expect(holdfast.counters.published).toBe(3);
    test.close();
    await publisher.told('-test');
    await publisher.say('test2', 'fourth\n');
    expect(await test2.readAsLongAs(chunk('fourth\n'))).toBe(chunk('fourth\n'));
  });

  it('is told of all the channels there are when it comes later, more than libzmq would keep for it', async () => {
    const count = 3_000;
    const settings = { http: { maxHeadBytes: 100_000 }, hold: { maxSubscriptions: count } };
    const here = await scene({ settings });
    const names = Array.from({ length: count }, (_, at) => `c${at}`);
    const client = await opened.get(clientPort(here.holdfast), `/stream?channel=${names.join('&channel=')}`);
    await client.readUntil('[stream opened]\n\r\n');
    const late = TopicPublisher.to(opened, endpointOf(here.holdfast));
    for (const name of names) await late.told(`+${name}`);
    expect(late.heard).toHaveLength(count);
  });

  it('is told again by a Holdfast that was started again', async () => {
    const endpoint = `ipc://${folderOf(opened)}/sub`;
    const publisher = TopicPublisher.to(opened, endpoint);
    const settings = { zeromq: { sub: [endpoint] } };
    for (const time of [1, 2]) {
      const here = new Scene(opened, await opened.holdfast({ settings }), publisher);
      await here.stream('news');
      await publisher.told('+news', time);
      await here.holdfast.close();
      await publisher.told('-news', time);
    }
    expect(publisher.heard).toEqual(['+news', '-news', '+news', '-news']);
  });

  it('may be at any of several addresses', async () => {
    const endpoints = [ANYWHERE, `ipc://${folderOf(opened)}/sub`];
    const holdfast = await opened.holdfast({ settings: { zeromq: { sub: endpoints } } });
    const publishers = holdfast.addresses.sub.map((endpoint) => TopicPublisher.to(opened, endpoint));
    const [first, second] = publishers as [TopicPublisher, TopicPublisher];
    const here = new Scene(opened, holdfast, first);
    const client = await here.stream('news');
    for (const [at, publisher] of publishers.entries()) {
      await publisher.told('+news');
      await publisher.say('news', `${at}\n`);
      expect(await client.readAsLongAs(chunk(`${at}\n`))).toBe(chunk(`${at}\n`));
    }
    client.close();
    for (const publisher of publishers) await publisher.told('-news');
    expect([first.heard, second.heard]).toEqual([
      ['+news', '-news'],
      ['+news', '-news'],
    ]);
  });
});

describe('a publisher by topic that Holdfast connects to', () => {
  const opened = new Opened();

  async function connected(endpoints: readonly string[], options: HoldfastOptions = {}): Promise<Holdfast> {
    return opened.holdfast({ ...options, settings: { zeromq: { sub: endpoints, subConnect: true } } });
  }

  it('is told again of what is subscribed when it comes back, and that is all', async () => {
    const endpoint = `ipc://${folderOf(opened)}/pub`;
    const holdfast = await connected([endpoint]);
    expect(holdfast.addresses.sub).toEqual([endpoint]);
    const first = TopicPublisher.of(opened);
    const here = new Scene(opened, holdfast, first);
    // There before the publisher.
    const stays = await here.stream('stays');
    const goes = await here.stream('goes');
    await first.socket.bind(endpoint);
    await first.told('+stays');
    await first.told('+goes');
    first.socket.close();
    const gone = unsubscribed(holdfast, 'goes');
    goes.close();
    await gone;
    const second = await TopicPublisher.at(opened, endpoint);
    await second.told('+stays');
    await second.say('stays', 'back\n');
    expect(await stays.readAsLongAs(chunk('back\n'))).toBe(chunk('back\n'));
    await new Scene(opened, holdfast, second).fence('fence');
    expect([...second.subscribed]).toEqual(['stays']);
  });

  it('may be one of several, each told the same', async () => {
    const publishers = [await TopicPublisher.at(opened, ANYWHERE), await TopicPublisher.at(opened, ANYWHERE)];
    const holdfast = await connected(publishers.map(({ socket }) => socket.lastEndpoint ?? ''));
    const here = new Scene(opened, holdfast, publishers[0] as TopicPublisher);
    const client = await here.stream('news');
    for (const publisher of publishers) {
      await publisher.told('+news');
      await publisher.say('news', 'one\n');
      expect(await client.readAsLongAs(chunk('one\n'))).toBe(chunk('one\n'));
    }
  });

  it.skipIf(process.platform !== 'linux')(
    'is asked by TCP whether it is still there after 30 s of silence',
    async () => {
      const publisher = await TopicPublisher.at(opened, ANYWHERE);
      const endpoint = publisher.socket.lastEndpoint ?? '';
      const here = new Scene(opened, await connected([endpoint]), publisher);
      await here.stream('news');
      await publisher.told('+news');
      const timers = (): string[] => keepAliveTimers(Number(endpoint.split(':').at(-1)));
      // Its acknowledgement is on its way: until then another timer runs.
      await turnUntil('the keep-alive timer', () => timers().every((timer) => timer.startsWith('02:')));
      const [left] = timers().map((timer) => Number.parseInt(timer.slice(3), 16));
      // Hundredths of a second.
      expect(left).toBeGreaterThan(2_000);
      expect(left).toBeLessThanOrEqual(3_000);
    },
  );

  it('that can be none is told at the start, with setting and reason', async () => {
    const log = new CollectedLog();
    for (const [spec, why] of [
      ['tcp://127.0.0.1', 'Invalid argument'],
      ['tcp://127.0.0.1:*', 'Invalid argument'],
    ] as const) {
      await expect(connected([spec], { logger: log })).rejects.toMatchObject({
        code: 'HOLDFAST_LISTEN_FAILED',
        message: `cannot connect to ${spec} (setting zeromq.sub): ${why}`,
      });
    }
  });
});

describe.skipIf(!REQUIREMENTS.pythonZeroMq.isThere())('a publisher by topic in Python', () => {
  const opened = new Opened();

  /** Tells what it hears, and greets each channel that is subscribed. */
  const script = [
    'import sys, zmq',
    'pub = zmq.Context().socket(zmq.XPUB)',
    'getattr(pub, sys.argv[1])(sys.argv[2])',
    'print("ready", flush=True)',
    'while True:',
    '    message = pub.recv()',
    '    topic = message[1:]',
    '    print("+-"[message[0] == 0] + topic.decode(), flush=True)',
    '    if message[0]: pub.send_multipart([topic, b\'J{"http-stream":{"content":"hello \' + topic + b\'\\\\n"}}\'])',
  ].join('\n');

  async function python(way: 'bind' | 'connect', endpoint: string): Promise<Child> {
    const child = opened.add(Child.start(PYTHON, ['-c', script, way, endpoint]), (one) => one.stop());
    await child.says(/^ready$/m);
    return child;
  }

  it.each(['bind', 'connect'] as const)('is told of channels and reaches them: %s', async (way) => {
    const endpoint = `ipc://${folderOf(opened)}/topics`;
    const settings = { zeromq: { sub: [endpoint], subConnect: way === 'bind' } };
    const holdfast = await opened.holdfast({ settings });
    const child = await python(way, endpoint);
    const client = await opened.get(clientPort(holdfast), '/stream?channel=news');
    await child.says(/^\+news$/m);
    await client.readUntil(chunk('hello news\n'));
    client.close();
    await child.says(/^-news\n/m);
    expect(child.output).toBe('ready\n+news\n-news\n');
    await child.stop();
    const next = await opened.get(clientPort(holdfast), '/stream?channel=again');
    await next.readUntil('[stream opened]\n\r\n');
    const second = await python(way, endpoint);
    await second.says(/^\+again$/m);
    await next.readUntil(chunk('hello again\n'));
  });
});

describe('a publisher by topic, for several workers', () => {
  const opened = new Opened();

  it('is told of a channel once, whichever workers have it, and reaches the clients of each', async () => {
    const endpoint = `ipc://${folderOf(opened)}/sub`;
    const several = await Several.start(opened, 2, '--route', '* test', '--set', `zeromq.sub=${endpoint}`);
    const publisher = TopicPublisher.to(opened, endpoint);
    const clients = await several.streams('news');
    await publisher.told('+news');
    await publisher.say('news', 'to both\n');
    for (const client of clients) {
      expect(await client.readAsLongAs(chunk('to both\n'))).toBe(chunk('to both\n'));
    }
    const [first, second] = clients as [RawClient, RawClient];
    first.close();
    const fence = await several.stream('fence');
    fence.close();
    await publisher.told('-fence');
    await publisher.say('news', 'to one\n');
    expect(await second.readAsLongAs(chunk('to one\n'))).toBe(chunk('to one\n'));
    second.close();
    await publisher.told('-news');
    expect(publisher.heard).toEqual(['+news', '+fence', '-fence', '-news']);
  });

  it('is told that a channel has gone when the worker dies that had it', async () => {
    const endpoint = `ipc://${folderOf(opened)}/sub`;
    const several = await Several.start(opened, 2, '--route', '* test', '--set', `zeromq.sub=${endpoint}`);
    const publisher = TopicPublisher.to(opened, endpoint);
    const [worker = 0] = several.workers();
    await several.stream('news', worker);
    await publisher.told('+news');
    process.kill(worker, 'SIGKILL');
    await publisher.told('-news');
  });
});

/** As the kernel numbers it: who had the same port a minute ago may still be there in another state. */
const ESTABLISHED = '01';

/** `timer:time left` of the open connections to a local port (proc(5), net/tcp). */
function keepAliveTimers(port: number): string[] {
  const to = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, , remote, state, , timer = '']) => (remote === to && state === ESTABLISHED ? [timer] : []));
}

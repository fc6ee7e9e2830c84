/** Server-sent events at a real `EventSource`, published in every way there is: HTTP, ZeroMQ PUSH and ZeroMQ PUB. */
import { EventSource } from 'eventsource';
import { describe, expect, it } from 'vitest';
import { XPublisher } from 'zeromq';
import type { Holdfast } from '../../src/index.js';
import { Child } from '../support/child.js';
import { controlUri, Opened, pullEndpoint } from '../support/closing.js';
import { Watch, within } from '../support/deadline.js';
import { subscribed, unsubscribed } from '../support/events.js';
import type { Script } from '../support/origin.js';
import { PULL_ENGINES, type PullEngine } from '../support/pull-engines.js';
import { pushTo } from '../support/push.js';

const streaming: Script = (request, response) => {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Grip-Hold': 'stream',
    'Grip-Channel': request.url.slice(1),
  });
  response.end('event: hello\ndata: you are connected\n\n');
};

/** A client that keeps what it hears. */
class Listener {
  readonly heard: string[] = [];
  private readonly watch = new Watch();
  private readonly source: EventSource;

  constructor(url: string) {
    this.source = new EventSource(url);
    for (const type of ['hello', 'message', 'update']) {
      this.source.addEventListener(type, (event: MessageEvent) => {
        this.heard.push(`${type}: ${event.data}`);
        this.watch.changed();
      });
    }
  }

  async hears(...expected: readonly string[]): Promise<void> {
    const all = (): boolean => this.heard.length >= expected.length;
    await this.watch.until(`event ${expected.length}`, all, () => ` but ${JSON.stringify(this.heard)}`);
    expect(this.heard).toEqual(expected);
  }

  close(): void {
    this.source.close();
  }
}

const HELLO = 'hello: you are connected';

describe('server-sent events', () => {
  const opened = new Opened();

  async function start(
    settings: { pull?: string[]; pullEngine?: PullEngine; sub?: string[]; subConnect?: boolean } = {},
  ) {
    const { holdfast, port } = await opened.proxied(streaming, { settings: { zeromq: settings } });
    const listen = (channel: string): Listener =>
      opened.add(new Listener(`http://127.0.0.1:${port}/${channel}`), (listener) => listener.close());
    return { holdfast, listen };
  }

  async function publish(holdfast: Holdfast, channel: string, ...contents: readonly string[]): Promise<void> {
    const args = ['test/support/grip-publisher.mjs', controlUri(holdfast), channel, ...contents];
    const publisher = opened.add(Child.node(args), (child) => child.stop());
    expect(await publisher.ended()).toMatchObject({ code: 0, stderr: '' });
  }

  it('reach an EventSource when a GRIP library publishes over HTTP', async () => {
    const { holdfast, listen } = await start();
    const listeners = [listen('news'), listen('news'), listen('other')];
    for (const listener of listeners) await listener.hears(HELLO);

    await publish(holdfast, 'news', 'data: first\n\n', 'event: update\ndata: two\ndata: lines\n\n');
    await publish(holdfast, 'other', 'data: elsewhere\n\n');
    await listeners[0]?.hears(HELLO, 'message: first', 'update: two\nlines');
    await listeners[1]?.hears(HELLO, 'message: first', 'update: two\nlines');
    await listeners[2]?.hears(HELLO, 'message: elsewhere');
  });

  it('end at the client when a GRIP library publishes the close action', async () => {
    const { holdfast, port } = await opened.proxied(streaming);
    const client = await opened.get(port, '/news');
    await client.readUntil('connected\n\n\r\n');
    await publish(holdfast, 'news', 'close');
    expect(await client.readUntil('0\r\n\r\n')).toBe('0\r\n\r\n');
  });

  it.each(PULL_ENGINES)('reach it through PUSH and PULL (%s), as JSON and as tagged netstrings', async (pullEngine) => {
    const { holdfast, listen } = await start({ pull: ['tcp://127.0.0.1:*'], pullEngine });
    const listener = listen('news');
    await listener.hears(HELLO);

    const push = pushTo(opened, pullEndpoint(holdfast));
    await push.send(
      `J${JSON.stringify({ channel: 'news', formats: { 'http-stream': { content: 'data: json\n\n' } } })}`,
    );
    const bare = '81:7:channel,4:news,7:formats,50:11:http-stream,31:7:content,17:data: netstring\n\n,}}}';
    await push.send(`T${bare}`);
    await push.send(bare);
    await listener.hears(HELLO, 'message: json', 'message: netstring', 'message: netstring');
  });

  it.each(PULL_ENGINES)(
    'go on after a message that cannot be understood, which is counted (%s)',
    async (pullEngine) => {
      const { holdfast, listen } = await start({ pull: ['tcp://127.0.0.1:*'], pullEngine });
      const listener = listen('news');
      await listener.hears(HELLO);
      const push = pushTo(opened, pullEndpoint(holdfast));
      const good = `J${JSON.stringify({ channel: 'news', 'http-stream': { content: 'data: good\n\n' } })}`;
      await push.send('T5:oops');
      await push.send('J{"channel":"news"}');
      await push.send(['two', 'parts']);
      await push.send(good);
      await listener.hears(HELLO, 'message: good');
      expect(holdfast.counters.dropped['invalid-item']).toBe(3);
    },
  );

  it('reach it through PUB and SUB, once the subscription has been forwarded', async () => {
    const { holdfast, listen } = await start({ sub: ['tcp://127.0.0.1:*'] });
    const publisher = opened.add(new XPublisher(), (socket) => socket.close());
    publisher.connect(holdfast.addresses.sub[0] ?? '');

    const first = listen('news');
    await first.hears(HELLO);
    expect(await forwarded(publisher)).toBe('\x01news');
    const second = listen('news');
    await second.hears(HELLO);

    const item = (content: string): string => `J${JSON.stringify({ 'http-stream': { content } })}`;
    await publisher.send(['news', item('data: by topic\n\n')]);
    // The socket matches topics by their beginning: this one arrives too, for a channel that nobody listens to.
    await publisher.send(['newspaper', item('data: not for you\n\n')]);
    await publisher.send(['news', item('data: after it\n\n')]);
    await first.hears(HELLO, 'message: by topic', 'message: after it');
    await second.hears(HELLO, 'message: by topic', 'message: after it');

    const over = unsubscribed(holdfast, 'news');
    first.close();
    second.close();
    await over;
    expect(await forwarded(publisher)).toBe('\x00news');
  });

  it('reach it from a publisher that Holdfast connects to', async () => {
    const publisher = opened.add(new XPublisher(), (socket) => socket.close());
    await publisher.bind('tcp://127.0.0.1:*');
    const { holdfast, listen } = await start({ sub: [publisher.lastEndpoint ?? ''], subConnect: true });
    const there = subscribed(holdfast, 'news');
    const listener = listen('news');
    await there;
    expect(await forwarded(publisher)).toBe('\x01news');
    await publisher.send(['news', `J${JSON.stringify({ 'http-stream': { content: 'data: connected\n\n' } })}`]);
    await listener.hears(HELLO, 'message: connected');
    const over = unsubscribed(holdfast, 'news');
    listener.close();
    await over;
  });
});

/** What an XPUB socket hears of a subscription: 1 or 0, and the topic. */
async function forwarded(publisher: XPublisher): Promise<string> {
  const [message] = await within('a forwarded subscription', publisher.receive());
  return String(message);
}

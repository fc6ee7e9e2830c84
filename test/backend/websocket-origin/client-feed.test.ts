/** What an origin says waits for a slow client: in order, within the window, and not for longer than needed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFeed } from '../../../src/backend/websocket-origin/client-feed.js';
import type { ClientFlow } from '../../../src/backend/websocket-verdict.js';
import type { WebSocketClient } from '../../../src/hold/websocket-origin.js';

const WINDOW = 1_000;

/** A client that takes bytes only when it is told to. */
class SlowClient implements WebSocketClient, ClientFlow {
  readonly heard: string[] = [];
  queuedBytes = 0;
  /** The most that ever waited for it. */
  most = 0;
  onHeard: () => void = () => {};
  private readonly waiting: (() => void)[] = [];

  fromOrigin(type: string, content: Buffer): void {
    this.heard.push(`${type} ${content.length}`);
    this.queuedBytes += content.length;
    this.most = Math.max(this.most, this.queuedBytes);
    this.onHeard();
  }

  close(code: number | undefined, reason: string): void {
    this.heard.push(`close ${code} ${reason}`);
  }

  whenSent(run: () => void): void {
    this.waiting.push(run);
  }

  /** Takes everything. */
  take(): void {
    this.queuedBytes = 0;
    for (const run of this.waiting.splice(0)) run();
  }

  drop(): void {}
  pause(): void {}
  resume(): void {}
}

function feedOf(client: SlowClient, flow: ClientFlow | undefined = client): { feed: ClientFeed; said: string[] } {
  const said: string[] = [];
  const options = { window: WINDOW, full: () => said.push('full'), room: () => said.push('room') };
  return { feed: new ClientFeed(client, flow, options), said };
}

describe('a feed', () => {
  it('hands over at once what fits, and one message of any size when nothing waits', () => {
    const client = new SlowClient();
    const { feed, said } = feedOf(client);
    feed.message('binary', Buffer.alloc(500));
    feed.message('text', Buffer.alloc(480));
    expect(client.heard).toEqual(['binary 500', 'text 480']);
    client.take();
    feed.message('text', Buffer.alloc(50_000));
    expect(client.heard).toHaveLength(3);
    expect(said).toEqual([]);
  });

  it('keeps what does not fit, stops the origin once, and lets it go on when all is told', () => {
    const client = new SlowClient();
    const { feed, said } = feedOf(client);
    feed.message('text', Buffer.alloc(900));
    feed.message('text', Buffer.alloc(800));
    feed.message('ping', Buffer.alloc(1));
    feed.close(1_000, 'bye');
    expect([client.heard, said]).toEqual([['text 900'], ['full']]);
    client.take();
    expect(client.heard).toEqual(['text 900', 'text 800', 'ping 1', 'close 1000 bye']);
    expect(said).toEqual(['full', 'room']);
  });

  it('waits again while what is left does not fit', () => {
    const client = new SlowClient();
    const { feed, said } = feedOf(client);
    for (const size of [900, 901, 902]) feed.message('text', Buffer.alloc(size));
    client.take();
    expect([client.heard, said]).toEqual([['text 900', 'text 901'], ['full']]);
    client.take();
    expect([client.heard.length, said]).toEqual([3, ['full', 'room']]);
  });

  it('tells nothing any more when it is stopped, even from within', () => {
    const client = new SlowClient();
    const { feed, said } = feedOf(client);
    for (const size of [900, 200, 201]) feed.message('text', Buffer.alloc(size));
    client.onHeard = () => feed.stop();
    client.take();
    feed.message('text', Buffer.alloc(1));
    client.take();
    expect([client.heard, said]).toEqual([['text 900', 'text 200'], ['full']]);
  });

  it('never waits where it cannot be known how much the client has to take', () => {
    const client = new SlowClient();
    const { feed, said } = feedOf(client, undefined);
    // Told apart from the default: nothing says how slow this client is.
    const unpaced = new ClientFeed(client, undefined, { window: 1, full: () => said.push('full'), room: () => {} });
    unpaced.message('text', Buffer.alloc(900));
    unpaced.message('text', Buffer.alloc(901));
    feed.stop();
    expect([client.heard, said]).toEqual([['text 900', 'text 901'], []]);
  });

  it('keeps every order and never hands over more than the window to a client that has not taken it', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const client = new SlowClient();
        const { feed, said } = feedOf(client);
        const sizes: number[] = [];
        for (const one of steps) {
          if (one === 'take') client.take();
          else {
            sizes.push(one);
            feed.message('text', Buffer.alloc(one));
          }
        }
        while (said.at(-1) === 'full') client.take();
        expect(client.heard).toEqual(sizes.map((size) => `text ${size}`));
        expect(client.most).toBeLessThanOrEqual(Math.max(WINDOW, ...sizes));
        expect(said).toEqual(said.map((_one, index) => (index % 2 === 0 ? 'full' : 'room')));
      }),
    );
  });
});

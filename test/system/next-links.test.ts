/** Streams that can ask their origin again: pages, gaps in the ids, hints, failures and their back-off. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import type { Script } from '../support/origin.js';

const settings = { hold: { updateOnFirstSubscription: false } };

/** One answer for each request, by its number. */
function pages(...answers: readonly { headers?: Record<string, string>; body?: string; status?: number }[]): Script {
  let count = 0;
  return (_request, response) => {
    const { headers = {}, body = '', status = 200 } = answers[count] ?? { status: 500 };
    count += 1;
    response.writeHead(status, { 'Content-Type': 'text/plain', ...headers });
    response.end(body);
  };
}

function held(prevId: string, link = '</more>; rel=next'): Record<string, string> {
  return { 'Grip-Hold': 'stream', 'Grip-Channel': `news; prev-id=${prevId}`, 'Grip-Link': link };
}

function item(id: string, prevId: string | undefined): object {
  return {
    channel: 'news',
    id,
    ...(prevId === undefined ? {} : { 'prev-id': prevId }),
    'no-seq': true,
    formats: { 'http-stream': { content: `item ${id}\n` } },
  };
}

describe('a next link', () => {
  const opened = new Opened();

  it('is followed page by page until there is none', async () => {
    const { origin, port } = await opened.proxied(
      pages(
        { body: 'one\n', headers: { 'Grip-Link': '<more?page=2>; rel=next' } },
        { body: 'two\n', headers: { 'Grip-Link': '<?page=3>; rel=next' } },
        { body: 'three\n' },
      ),
      { settings },
    );
    const client = await opened.get(port, '/list/first?page=1', 'X-Of-Client: 1');
    expect((await client.readAnswer()).body.toString()).toBe('one\ntwo\nthree\n');
    expect(origin.requests.map(({ url }) => url)).toEqual([
      '/list/first?page=1',
      '/list/more?page=2',
      '/list/more?page=3',
    ]);
    expect(origin.requests[1]?.headers['x-of-client']).toBeUndefined();
    expect(origin.requests[1]?.headers['grip-sig']).toBeDefined();
  });

  it('makes good a gap: what the origin sends comes first, what it covers is left out', async () => {
    const clock = new ManualClock();
    const { holdfast, origin, port } = await opened.proxied(
      pages({ body: 'open\n', headers: held('1') }, { body: 'missed 2 and 3\n', headers: held('3') }),
      { clock, settings },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    holdfast.publish(item('3', '2'));
    await turnUntil('the request for what was missed', () => {
      clock.advance(100);
      return origin.requests.length === 2;
    });
    await client.readUntil('missed 2 and 3\n');
    expect(origin.requests[1]?.headers['grip-last']).toBe('news; last-id=1');
    expect(client.pending).not.toContain('item 3');
    holdfast.publish(item('4', '3'));
    await client.readUntil('item 4\n');
    holdfast.publish(item('5', '4'));
    await client.readUntil('item 5\n');
    expect(origin.requests.length).toBe(2);
  });

  it('delivers what follows in order without asking', async () => {
    const { holdfast, origin, port } = await opened.proxied(pages({ body: 'open\n', headers: held('a') }), {
      settings,
    });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    for (const [id, prevId] of [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
    ] as const)
      holdfast.publish(item(id, prevId));
    await client.readUntil('item b\n');
    await client.readUntil('item c\n');
    await client.readUntil('item d\n');
    expect(origin.requests.length).toBe(1);
  });

  it('is fetched at once on a hint', async () => {
    const { holdfast, port } = await opened.proxied(
      pages({ body: 'open\n', headers: held('1') }, { body: 'hinted\n', headers: held('1') }),
      { settings },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    holdfast.publish({
      channel: 'news',
      'prev-id': '1',
      id: '1',
      'no-seq': true,
      formats: { 'http-stream': { action: 'hint' } },
    });
    await client.readUntil('hinted\n');
  });

  it('is fetched again when a channel had no item for the time it names, and not when all had', async () => {
    const clock = new ManualClock();
    const link = '</more>; rel=next; timeout=30';
    const { holdfast, origin, port } = await opened.proxied(
      pages(
        { body: 'open\n', headers: held('1', link) },
        { body: 'asked after 60 s\n', headers: held('2', link) },
        { body: 'asked after 90 s\n', headers: held('2', link) },
      ),
      { clock, settings },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    await client.readUntil('open\n');
    holdfast.publish(item('2', '1'));
    await client.readUntil('item 2\n');
    clock.advance(30_500);
    clock.advance(28_000);
    expect(origin.requests).toHaveLength(1);
    clock.advance(2_500);
    await client.readUntil('asked after 60 s\n');
    expect(origin.requests[1]?.headers['grip-last']).toBe('news; last-id=2');
    clock.advance(29_000);
    expect(origin.requests).toHaveLength(2);
    await turnUntil('the next round', () => {
      clock.advance(500);
      return origin.requests.length === 3;
    });
    await client.readUntil('asked after 90 s\n');
  });

  it('is not fetched again by time when the client has gone', async () => {
    const clock = new ManualClock();
    const link = '</more>; rel=next; timeout=1';
    const script = pages({ body: 'open\n', headers: held('1', link) }, { body: 'never\n' });
    const { holdfast, origin, port } = await opened.proxied(script, { clock, settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    const left = new Promise((resolve) => holdfast.once('unsubscribe', resolve));
    client.socket.destroy();
    await left;
    clock.advance(10_000);
    expect(origin.requests).toHaveLength(1);
  });

  it('is tried five times more with growing pauses, then the stream ends', async () => {
    const clock = new ManualClock();
    const script = pages(
      { body: 'open\n', headers: { 'Grip-Link': '</more>; rel=next' } },
      ...Array.from({ length: 6 }, () => ({ status: 500 })),
    );
    const { origin, port } = await opened.proxied(script, { clock, settings, random: () => 0 });
    const client = await opened.get(port, '/');
    await client.readUntil('open\n');
    for (const [retry, pause] of [1_000, 2_000, 4_000, 8_000, 16_000].entries()) {
      await origin.request(retry + 1);
      // The failure reaches the hold a moment after the origin has answered; the timer starts then.
      await turnUntil('the pause', () => {
        clock.advance(pause);
        return origin.requests.length > retry + 2;
      });
    }
    await origin.request(6);
    await client.readUntil('0\r\n\r\n');
    expect(origin.requests.length).toBe(7);
  });

  it('must be there when a channel has a last id', async () => {
    const { port, origin } = await opened.proxied(
      pages({ body: 'open\n', headers: { 'Grip-Hold': 'stream', 'Grip-Channel': 'news; prev-id=1' } }),
      { settings: { ...settings, proxy: { debug: true } } },
    );
    const client = await opened.get(port, '/');
    const { body } = await client.readAnswer();
    expect(body.toString()).toBe("open\n\n\nchannel 'news' specifies prev-id, but no next link found\n");
    expect(origin.requests.length).toBe(1);
  });

  it('may not lead to a long poll', async () => {
    const { port } = await opened.proxied(
      pages(
        { body: 'open\n', headers: { 'Grip-Link': '</more>; rel=next' } },
        { headers: { 'Grip-Hold': 'response', 'Grip-Channel': 'news' } },
      ),
      { settings: { ...settings, proxy: { debug: true } } },
    );
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).body.toString()).toBe('open\n\n\nNext link returned non-stream hold.\n');
  });

  it('is not fetched any more when the client has gone', async () => {
    let asked = 0;
    let gone: (() => void) | undefined;
    const cancelled = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const { holdfast, port } = await opened.proxied(
      (request, response) => {
        asked += 1;
        if (asked === 1) {
          response.writeHead(200, { 'Grip-Link': '</more>; rel=next' });
          response.end('open\n');
        } else request.incoming.on('close', () => gone?.());
      },
      { settings },
    );
    const client = await opened.get(port, '/');
    await client.readUntil('open\n');
    await turnUntil('the second request', () => asked === 2);
    client.close();
    await cancelled;
    expect(holdfast.counters.holds.stream).toBe(0);
  });

  it('changes the channels to those of its answer', async () => {
    const { holdfast, port } = await opened.proxied(
      pages(
        { body: 'open\n', headers: { 'Grip-Hold': 'stream', 'Grip-Channel': 'one', 'Grip-Link': '</more>; rel=next' } },
        {
          body: 'moved\n',
          headers: { 'Grip-Hold': 'stream', 'Grip-Channel': 'two', 'Grip-Link': '</more>; rel=next' },
        },
      ),
      { settings },
    );
    const ready = subscribed(holdfast, 'one');
    const client = await opened.get(port, '/');
    await ready;
    const moved = subscribed(holdfast, 'two');
    holdfast.publish({ channel: 'one', formats: { 'http-stream': { action: 'hint' } } });
    await moved;
    await client.readUntil('moved\n');
    await turnUntil(
      'the end of the fetch',
      () => holdfast.publish({ channel: 'one', formats: { 'http-stream': { content: 'x' } } }).kind === 'sent',
    );
    expect(holdfast.publish({ channel: 'one', formats: { 'http-stream': { content: 'x' } } })).toEqual({
      kind: 'sent',
      receivers: 0,
    });
    holdfast.publish({ channel: 'two', formats: { 'http-stream': { content: 'at two\n' } } });
    await client.readUntil('at two\n');
  });
});

describe('the first subscription of a channel', () => {
  const opened = new Opened();

  it('makes a long poll ask once more a second later', async () => {
    const clock = new ManualClock();
    const { holdfast, origin, port } = await opened.proxied(
      pages({ headers: { 'Grip-Hold': 'response', 'Grip-Channel': 'news; prev-id=7' } }, { body: 'something new\n' }),
      { clock },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/poll', 'X-Of-Client: 1');
    await ready;
    clock.advance(900);
    expect(origin.requests.length).toBe(1);
    clock.advance(300);
    expect((await client.readAnswer()).body.toString()).toBe('something new\n');
    expect(origin.requests[1]?.headers).toMatchObject({ 'x-of-client': '1', 'grip-last': 'news; last-id=7' });
  });

  it('does nothing to a plain stream', async () => {
    const clock = new ManualClock();
    const { holdfast, origin, port } = await opened.proxied(
      pages({ body: 'open\n', headers: { 'Grip-Hold': 'stream', 'Grip-Channel': 'news' } }),
      { clock },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    clock.advance(5_000);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'still here\n' } } });
    await client.readUntil('still here\n');
    expect(origin.requests.length).toBe(1);
  });
});

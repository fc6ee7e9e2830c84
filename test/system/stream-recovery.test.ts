/** Streams that look at their items one by one: what they do when something goes wrong on the way (4.5 to 4.13). */
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import type { Script } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

const settings = { hold: { updateOnFirstSubscription: false } };
const debug = { settings: { ...settings, proxy: { debug: true } } };
const MORE = '</more>; rel=next';

interface Page {
  readonly headers?: Record<string, string>;
  readonly body?: string | readonly string[];
  readonly status?: number;
  /** Announce this length, and break off after the body. */
  readonly brokenOf?: number;
}

/** One answer for each request, by its number; the last one stays. */
function pages(...answers: readonly Page[]): Script {
  let count = 0;
  return (_request, response) => {
    const { headers = {}, body = '', status = 200, brokenOf } = answers[Math.min(count, answers.length - 1)] ?? {};
    count += 1;
    const length = brokenOf === undefined ? {} : { 'Content-Length': String(brokenOf) };
    response.writeHead(status, { 'Content-Type': 'text/plain', ...length, ...headers });
    const parts = typeof body === 'string' ? [body] : body;
    for (const part of parts) response.write(part);
    if (brokenOf === undefined) response.end();
    else response.flushHeaders();
    if (brokenOf !== undefined) setImmediate(() => response.destroy());
  };
}

function hold(channel: string, extra: Record<string, string> = {}): Record<string, string> {
  return { 'Grip-Hold': 'stream', 'Grip-Channel': channel, 'Grip-Link': MORE, ...extra };
}

function item(id: string, prevId: string, format: object = {}): object {
  const content = { content: `item ${id}\n`, ...format };
  return { channel: 'news', id, 'prev-id': prevId, 'no-seq': true, formats: { 'http-stream': content } };
}

async function open(opened: Opened, holdfast: Holdfast, channel = 'news'): Promise<RawClient> {
  const ready = subscribed(holdfast, channel);
  const client = await opened.get(clientPort(holdfast), '/');
  await ready;
  await client.readUntil('open\n');
  return client;
}

describe('a link whose answer breaks off', () => {
  const opened = new Opened();

  it('is tried again with growing pauses and the ids of the first try, then the stream ends', async () => {
    const clock = new ManualClock();
    const { holdfast, origin } = await opened.proxied(
      pages({ body: 'open\n', headers: hold('news; prev-id=1') }, { headers: hold('news; prev-id=9'), brokenOf: 10 }),
      { clock, settings, random: () => 0 },
    );
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', id: '1', 'prev-id': '1', formats: { 'http-stream': { action: 'hint' } } });
    await origin.request(1);
    for (const [retry, pause] of [1_000, 2_000, 4_000, 8_000, 16_000].entries()) {
      let waited = 0;
      await turnUntil('the next try', () => {
        clock.advance(50);
        waited += 50;
        return origin.requests.length > retry + 2;
      });
      expect(waited).toBeGreaterThanOrEqual(pause);
    }
    await client.readUntil('0\r\n\r\n');
    expect(origin.requests.slice(1).map(({ headers }) => headers['grip-last'])).toEqual(
      Array.from({ length: 6 }, () => 'news; last-id=1'),
    );
  });

  it('ends the stream when some of it has reached the client', async () => {
    const { holdfast } = await opened.proxied(
      pages({ body: 'open\n', headers: hold('news') }, { body: 'half', headers: hold('news'), brokenOf: 10 }),
      debug,
    );
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'hint' } } });
    expect((await client.readUntil('0\r\n\r\n')).replaceAll(/\r\n[0-9a-f]+\r\n/g, '')).toContain(
      'Failed to retrieve next link.',
    );
  });

  it('leaves the keep-alives of the stream going', async () => {
    const clock = new ManualClock();
    const { holdfast, origin } = await opened.proxied(
      pages({ body: 'open\n', headers: hold('news', { 'Grip-Keep-Alive': 'beat; timeout=1' }) }, { status: 500 }),
      { clock, settings, random: () => 0 },
    );
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'hint' } } });
    await origin.request(1);
    // The pauses between the tries are 1, 2, 4, 8 and 16 seconds: ten beats need the later of them.
    await turnUntil('ten keep-alives', () => {
      clock.advance(100);
      return client.pending.split('beat').length > 10;
    });
  });
});

describe('an item that a filter fails at', () => {
  const opened = new Opened();

  it.each([
    ['is written for other filters', { 'content-filters': ['var-subst'] }, 'news; prev-id=1'],
    ['names what is not known', { content: '%(nobody)s' }, 'news; prev-id=1; filter=var-subst'],
  ])('because it %s is asked for with the next one', async (_why, format, channel) => {
    const clock = new ManualClock();
    const { holdfast, origin } = await opened.proxied(
      pages({ body: 'open\n', headers: hold(channel) }, { body: 'both\n', headers: hold('news; prev-id=3') }),
      { clock, settings },
    );
    const client = await open(opened, holdfast);
    holdfast.publish(item('2', '1', format));
    holdfast.publish(item('3', '2'));
    await turnUntil('the request for what was missed', () => {
      clock.advance(100);
      return origin.requests.length === 2;
    });
    await client.readUntil('both\n');
    expect(origin.requests[1]?.headers['grip-last']).toBe('news; last-id=1');
  });

  it('is told to a plain stream in debug mode, too', async () => {
    const { holdfast } = await opened.proxied(
      pages({ body: 'open\n', headers: { 'Grip-Hold': 'stream', 'Grip-Channel': 'news' } }),
      debug,
    );
    const client = await open(opened, holdfast);
    holdfast.publish(item('2', '1', { 'content-filters': ['var-subst'] }));
    await client.readUntil('content filter mismatch: subscription= message=var-subst');
  });
});

describe('pages', () => {
  const opened = new Opened();

  it('without a hold subscribe to nothing, and leave the channels of the hold as they are', async () => {
    const { holdfast, origin } = await opened.proxied(
      pages(
        { body: 'open\n', headers: hold('news; prev-id=1') },
        { body: 'page\n', headers: { 'Grip-Channel': 'other; prev-id=7', 'Grip-Link': MORE } },
        { body: 'again\n', headers: hold('news; prev-id=1') },
      ),
      { settings },
    );
    const names: string[] = [];
    holdfast.on('subscribe', (name) => names.push(name));
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', id: '1', 'prev-id': '1', formats: { 'http-stream': { action: 'hint' } } });
    await client.readUntil('again\n');
    expect(names).toEqual(['news']);
    expect(origin.requests[2]?.headers['grip-last']).toBe('news; last-id=1');
  });

  it('go through the filters of their channels, over the ends of their pieces', async () => {
    const headers = hold('news; filter=build-id', { 'Grip-Set-Meta': 'id_format=x' });
    const { holdfast } = await opened.proxied(
      pages({ body: 'open\n', headers: hold('news') }, { body: ['id: %(a', 'b)I\n'], headers }),
      { settings },
    );
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'hint' } } });
    await client.readUntil('ab\n');
  });

  it('that end within a directive end the stream', async () => {
    const headers = hold('news; filter=build-id', { 'Grip-Set-Meta': 'id_format=x' });
    const { holdfast } = await opened.proxied(
      pages({ body: 'open\n', headers: hold('news') }, { body: 'id: %(a', headers }),
      debug,
    );
    const client = await open(opened, holdfast);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { action: 'hint' } } });
    await client.readUntil('filter error: build-id: Unterminated field');
  });
});

describe('a link to another place', () => {
  const opened = new Opened();
  const other = (target: string): Record<string, string> => ({ 'Grip-Link': `<http://${target}/other>; rel=next` });

  it('is fetched straight from there, without the headers that the route adds for its own origin', async () => {
    const elsewhere = await opened.origin(pages({ body: 'from elsewhere\n' }));
    const origin = await opened.origin((request, response) => {
      const next = request.url === '/' ? { 'Grip-Link': MORE } : other(elsewhere.target);
      response.writeHead(200, { 'Content-Type': 'text/plain', ...next });
      response.end('page\n');
    });
    const holdfast = await opened.holdfast({ routes: [`*,header=X-Secret:s3cret ${origin.target}`], settings });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('page\npage\nfrom elsewhere\n');
    expect(origin.requests.map(({ headers }) => headers['x-secret'])).toEqual(['s3cret', 's3cret']);
    expect(elsewhere.requests[0]?.headers['x-secret']).toBeUndefined();
    expect(elsewhere.requests[0]?.headers.host).toBe(elsewhere.target);
  });

  it('that a client of an untrusted origin may not reach is not fetched', async () => {
    const elsewhere = await opened.origin(pages({ body: 'private\n' }));
    const origin = await opened.origin(pages({ body: 'open\n', headers: other(elsewhere.target) }));
    // The origin itself is found under a name that the policy is not asked about.
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},untrusted`], settings });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).status).toBe(502);
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe('channels of the target', () => {
  const opened = new Opened();

  it('reach streams and long-polls, have no prefix, count towards nothing and stay', async () => {
    const log = new LineLog();
    const names = Array.from({ length: 21 }, (_, index) => `c${index}`);
    const origin = await opened.origin((request, response) => {
      const mode = request.url === '/poll' ? 'response' : 'stream';
      const next = request.url === '/more' ? ['other'] : names;
      const link = request.url === '/tracked' || request.url === '/more' ? { 'Grip-Link': MORE } : {};
      response.writeHead(200, { 'Grip-Hold': mode, 'Grip-Channel': next, ...link });
      response.end(mode === 'stream' ? 'open\n' : '');
    });
    const routes = [`*,prefix=p- ${origin.target},sub=always`];
    const holdfast = await opened.holdfast({ routes, settings, logger: log });
    const clients: RawClient[] = [];
    for (const path of ['/plain', '/tracked', '/poll']) {
      const client = await opened.get(clientPort(holdfast), path);
      await log.until(`subscribe http://example.com${path} channel=always`);
      await log.until(`subscribe http://example.com${path} channel=p-c19`);
      clients.push(client);
    }
    expect(log.count('channel=p-c20')).toBe(0);
    expect(log.count('httpsession: too many subscriptions')).toBe(3);
    const moved = subscribed(holdfast, 'p-other');
    holdfast.publish({ channel: 'p-c0', formats: { 'http-stream': { action: 'hint' } } });
    await moved;
    const formats = { 'http-stream': { content: 'to all\n' }, 'http-response': { body: 'to all\n' } };
    holdfast.publish({ channel: 'always', formats });
    for (const client of clients) await client.readUntil('to all\n');
  });

  it('that an instruct names, too, go by the name it gives them', async () => {
    const clock = new ManualClock();
    const origin = await opened.origin(
      pages({ body: 'open\n', headers: hold('x; prev-id=1') }, { body: 'more\n', headers: hold('x; prev-id=1') }),
    );
    const routes = [`*,prefix=p- ${origin.target},sub=p-x`];
    const holdfast = await opened.holdfast({ routes, settings, clock });
    const client = await open(opened, holdfast, 'p-x');
    const hint = { action: 'hint' };
    holdfast.publish({ channel: 'p-x', id: '1', 'prev-id': '1', formats: { 'http-stream': hint } });
    await client.readUntil('more\n');
    expect(origin.requests[1]?.headers['grip-last']).toBe('x; last-id=1');
  });
});

describe('asking again', () => {
  const opened = new Opened();

  it('takes one link after the other, ten a second', async () => {
    const clock = new ManualClock();
    const { holdfast, origin } = await opened.proxied(
      (request, response) => {
        const user = new URL(request.url, 'http://x').searchParams.get('u') ?? '';
        response.writeHead(200, hold('news; prev-id=1', { 'Grip-Link': `</more?u=${user}>; rel=next` }));
        response.end('open\n');
      },
      { clock, settings },
    );
    const clients: RawClient[] = [];
    for (const user of ['a', 'b', 'c']) {
      const client = await opened.get(clientPort(holdfast), `/?u=${user}`);
      await client.readUntil('open\n');
      clients.push(client);
    }
    await turnUntil('three holds', () => holdfast.counters.holds.stream === 3);
    holdfast.publish(item('3', '2'));
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(150);
    // The one that came last hears of an item first.
    for (const [index, client] of clients.reverse().entries()) {
      await client.readUntil('open\n');
      expect(origin.requests.slice(3).map(({ url }) => url)).toEqual(
        ['c', 'b', 'a'].slice(0, index + 1).map((user) => `/more?u=${user}`),
      );
      clock.advance(100);
    }
  });

  it('reaches streams that have no channel, on a recover', async () => {
    const clock = new ManualClock();
    const { holdfast, origin } = await opened.proxied(
      pages({ body: 'open\n', headers: { 'Grip-Hold': 'stream', 'Grip-Link': MORE } }, { body: 'recovered\n' }),
      { clock, settings },
    );
    const client = await opened.get(clientPort(holdfast), '/');
    await client.readUntil('open\n');
    await turnUntil('the hold', () => holdfast.counters.holds.stream === 1);
    await fetch(`${controlUri(holdfast)}/recover`, { method: 'POST' });
    await turnUntil('the request', () => {
      clock.advance(100);
      return origin.requests.length === 2;
    });
    await client.readUntil('recovered\n');
  });

  it('comes before a long-poll subscribes to anything, when what it knows is not the last', async () => {
    const { holdfast, origin } = await opened.proxied(
      (request, response) => {
        const stale = request.url === '/poll' && request.headers['grip-last'] === undefined;
        const channels = stale ? ['news; prev-id=old', 'fresh; prev-id=1'] : ['news'];
        if (request.url === '/poll' && !stale) response.writeHead(200).end('up to date\n');
        else {
          const mode = request.url === '/poll' ? 'response' : 'stream';
          response.writeHead(200, { 'Grip-Hold': mode, 'Grip-Channel': channels });
          response.end(mode === 'stream' ? 'open\n' : '');
        }
      },
      { settings },
    );
    await open(opened, holdfast);
    holdfast.publish({ channel: 'news', id: '5', formats: { 'http-stream': { content: 'x' } } });
    const names: string[] = [];
    holdfast.on('subscribe', (name) => names.push(name));
    const poll = await opened.get(clientPort(holdfast), '/poll');
    expect((await poll.readAnswer()).body.toString()).toBe('up to date\n');
    expect(origin.requests.at(-1)?.rawHeaders.filter((text) => text.includes('last-id'))).toEqual([
      'news; last-id=old',
      'fresh; last-id=1',
    ]);
    expect(names).toEqual([]);
  });
});

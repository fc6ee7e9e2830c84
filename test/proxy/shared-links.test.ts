/** Streams that miss the same ask for it together (specification 3.12, 4.10). */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import type { Origin } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

const settings = { hold: { updateOnFirstSubscription: false } };

describe('next links', () => {
  const opened = new Opened();

  interface Stage {
    readonly holdfast: Holdfast;
    readonly origin: Origin;
    readonly port: number;
    readonly clock: ManualClock;
    readonly log: LineLog;
    /** Answers to links that wait for the test. */
    readonly links: { readonly url: string; readonly lastId: string; readonly response: ServerResponse }[];
  }

  /** `/ID` holds a client that has seen item ID; its next link has a query of its own. */
  async function staged(): Promise<Stage> {
    const links: Stage['links'] = [];
    const clock = new ManualClock();
    const log = new LineLog();
    const { holdfast, origin, port } = await opened.proxied(
      (request, response) => {
        const { url, headers } = request;
        if (url.startsWith('/more')) links.push({ url, lastId: String(headers['grip-last'] ?? ''), response });
        else {
          response.writeHead(200, hold(url.slice(1, 2), url.slice(2)));
          response.end('open\n');
        }
      },
      { settings, clock, logger: log },
    );
    return { holdfast, origin, port, clock, log, links };
  }

  function hold(prevId: string, query: string): Record<string, string> {
    const prev = prevId === '0' ? '' : `; prev-id=${prevId}`;
    return {
      'Grip-Hold': 'stream',
      'Grip-Channel': `news${prev}`,
      'Grip-Link': `</more${query}>; rel=next`,
      'Grip-Keep-Alive': 'x; timeout=1000',
    };
  }

  async function held({ holdfast, port }: Stage, ...targets: string[]): Promise<RawClient[]> {
    const clients: RawClient[] = [];
    for (const target of targets) {
      const client = await opened.get(port, target);
      await client.readUntil('open\n\r\n');
      clients.push(client);
    }
    expect(holdfast.counters.holds.stream).toBe(targets.length);
    return clients;
  }

  /** Tells all to ask their links; resolves when `count` requests have come, and no more can be on their way. */
  async function hinted({ holdfast, clock, links }: Stage, count: number, id: object = {}): Promise<void> {
    holdfast.publish({ channel: 'news', 'no-seq': true, ...id, formats: { 'http-stream': { action: 'hint' } } });
    await turnUntil(`${count} requests for links`, () => {
      clock.advance(10);
      return links.length >= count;
    });
    // Links that are not quite the same are asked for one after the other.
    for (let turn = 0; turn < 50; turn += 1) {
      clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(links.length).toBe(count);
  }

  it('with the same last ids are fetched once, whatever their query', async () => {
    const stage = await staged();
    const clients = await held(stage, '/1?a', '/1?b', '/1?c');
    await hinted(stage, 1, { id: '3', 'prev-id': '2' });
    const [{ response, lastId } = { response: undefined, lastId: '' }] = stage.links;
    expect(lastId).toBe('news; last-id=1');
    response?.writeHead(200, hold('3', '?d'));
    response?.write('missed 2, ');
    for (const client of clients) await client.readUntil('missed 2, ');
    response?.end('and 3\n');
    for (const client of clients) await client.readUntil('and 3\n');
    await stage.log.until(' code=200 16 shared=1 #news=1');
    stage.holdfast.publish({
      channel: 'news',
      id: '4',
      'prev-id': '3',
      formats: { 'http-stream': { content: 'item 4\n' } },
    });
    for (const client of clients) await client.readUntil('item 4\n');
    expect(stage.origin.requests.length).toBe(4);
  });

  it('with different last ids are fetched for each', async () => {
    const stage = await staged();
    await held(stage, '/1?a', '/2?a', '/1?a');
    await hinted(stage, 2, { id: '9', 'prev-id': '8' });
    expect(stage.links.map(({ lastId }) => lastId).sort()).toEqual(['news; last-id=1', 'news; last-id=2']);
  });

  it('without last ids are one only when their query is: it may be all that tells pages apart', async () => {
    const stage = await staged();
    await held(stage, '/0?page=1', '/0?page=2', '/0?page=1');
    await hinted(stage, 2);
    expect(stage.links.map(({ url }) => url).sort()).toEqual(['/more?page=1', '/more?page=2']);
  });

  it('are fetched on for who stays, and called off by the last who leaves', async () => {
    const stage = await staged();
    const [first, second] = await held(stage, '/1', '/1');
    await hinted(stage, 1, { id: '3', 'prev-id': '2' });
    const response = stage.links[0]?.response;
    let calledOff = false;
    response?.on('close', () => {
      calledOff = true;
    });
    first?.close();
    await turnUntil('one stream', () => stage.holdfast.counters.holds.stream === 1);
    response?.writeHead(200, hold('3', ''));
    response?.write('missed\n');
    await second?.readUntil('missed\n');
    expect(calledOff).toBe(false);
    second?.close();
    await turnUntil('the end of the request', () => calledOff);
  });

  it('that fail are tried again by all', async () => {
    const stage = await staged();
    const clients = await held(stage, '/1', '/1');
    await hinted(stage, 1, { id: '3', 'prev-id': '2' });
    stage.links[0]?.response.writeHead(503).end();
    await turnUntil('the next try', () => {
      stage.clock.advance(100);
      return stage.links.length === 2;
    });
    const { links } = stage;
    // Each waits for a time of its own: who comes later is given what was said.
    const again = links[1]?.response;
    again?.writeHead(200, hold('3', ''));
    again?.write('missed\n');
    const seen = clients.map((client) => client.readUntil('missed\n'));
    let both = false;
    void Promise.all(seen).then(() => {
      both = true;
    });
    await turnUntil('the missed items at both', () => {
      stage.clock.advance(100);
      return both;
    });
    expect(links.length).toBe(2);
  });
});

/**
 * The same traffic through Debian's pushpin and through Holdfast: the same lines in both logs (specification 14.1), but for
 * what the table "In the log" of docs/differences.md explains.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast } from '../../src/index.js';
import { PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { answering, holding, Origin, REFUSING_TARGET, type Script } from '../support/origin.js';
import { type PublishedItem, Pushpin } from '../support/pushpin.js';
import type { RawClient } from '../support/raw-client.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';
import { HANDSHAKE } from '../support/websocket-client.js';
import { WrittenLog } from '../support/written-log.js';

const installed = REQUIREMENTS.pushpin.isThere();
if (!installed) console.info(noticeOf({ ...REQUIREMENTS.pushpin, tests: 'the lines of the log against the original' }));

/** Milliseconds. Starting the original's processes is most of it. */
const TIMEOUT = 60_000;

/** One of the two, with an origin of its own. */
class Side {
  /** Lines that a test has looked at. */
  private seen = 0;

  constructor(
    readonly port: number,
    readonly origin: Origin,
    readonly publish: (item: PublishedItem) => Promise<unknown>,
    /** Resolves when so many lines contain the text. */
    readonly logs: (text: string, count?: number) => Promise<unknown>,
    private readonly lines: () => readonly string[],
    private readonly sockets: EventsOrigin,
    readonly stop: () => Promise<void>,
  ) {}

  /**
   * Lines of requests, subscriptions and publishes since the last time. Sorted: two processes of the original write
   * them.
   */
  fresh(): string[] {
    const lines = this.lines().filter((line) => /^INFO ([A-Z]+ \w+:|subscribe |publish )/.test(line));
    const fresh = lines.slice(this.seen);
    this.seen = lines.length;
    const targets = [this.origin.target, this.sockets.target] as const;
    return fresh.map((line) => line.replace(targets[0], 'ORIGIN').replace(targets[1], 'SOCKETS')).sort();
  }
}

/** What the origins say to each path. */
const SCRIPTS: Readonly<Record<string, Script>> = {
  '/pieces': (_request, response) => {
    response.write('he');
    setImmediate(() => response.end('llo'));
  },
  '/missing': (_request, response) => void response.writeHead(404).end('nothing here'),
  '/never': () => {},
  '/broken': (_request, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half');
  },
  '/poll': holding('response', 'news', 'nothing new\n'),
  '/again': holding('response', 'again', 'nothing new\n'),
  '/stream': holding('stream', 'lines', 'open\n'),
  '/pages': answering(
    { 'Grip-Hold': 'stream', 'Grip-Channel': 'pages; prev-id=1', 'Grip-Link': '</page>; rel=next' },
    '1\n',
  ),
  '/page': answering({ 'Grip-Hold': 'stream', 'Grip-Channel': 'pages; prev-id=1' }, '2\n'),
};

function routesTo(origin: Origin, sockets: EventsOrigin): string[] {
  return [
    `* ${origin.target}`,
    `named.example,id=main,aco ${origin.target}`,
    `prefix.example,prefix=pre- ${origin.target}`,
    `dead.example ${REFUSING_TARGET}`,
    `second.example ${REFUSING_TARGET} ${origin.target}`,
    `socket.example,id=sockets ${sockets.target},over_http`,
    'test.example test',
    'nowhere.example,path_beg=/known test',
  ];
}

function startOrigin(): Promise<Origin> {
  return Origin.start((request, response) => {
    const [path = ''] = request.url.split('?');
    const script = SCRIPTS[path] ?? answering({ 'Content-Type': 'text/plain' }, 'hello');
    return script(request, response);
  });
}

async function theirSide(sockets: EventsOrigin): Promise<Side> {
  const origin = await startOrigin();
  const routes = routesTo(origin, sockets);
  const pushpin = await Pushpin.start({ routes, proxy: ['log_from=true', 'log_user_agent=true'] });
  return new Side(
    pushpin.port,
    origin,
    (item) => pushpin.publish(item),
    (text, count) => pushpin.logs(text, count),
    () => pushpin.lines,
    sockets,
    async () => {
      await pushpin.stop();
      await origin.stop();
    },
  );
}

async function ourSide(sockets: EventsOrigin): Promise<Side> {
  const origin = await startOrigin();
  const log = new WrittenLog();
  const settings = { log: { from: true, userAgent: true }, proxy: { debug: true } };
  const holdfast = await createHoldfast({ routes: routesTo(origin, sockets), settings, logger: log.logger });
  return new Side(
    clientPort(holdfast),
    origin,
    (item) => fetch(`${controlUri(holdfast)}/publish/`, { method: 'POST', body: JSON.stringify({ items: [item] }) }),
    (text, count) => log.until(text, count),
    () => log.lines,
    sockets,
    async () => {
      await holdfast.close();
      await origin.stop();
    },
  );
}

/** A request whose answer is awaited, and its line. */
interface Exchange {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly headers?: readonly string[];
  /** Undefined: both lines are the same. */
  readonly explained?: Explanation;
}

interface Explanation {
  /** First column of a row of the table. */
  readonly row: string;
  /** The original's line as Holdfast has to write it. */
  readonly apply: (line: string) => string;
}

const EXPLAINED = {
  forwarded: {
    row: '`from=` is the peer, whatever `X-Forwarded-For` says',
    apply: (line) => line.replace('from=127.0.0.1', 'from=1.2.3.4'),
  },
  referer: {
    row: '`ref=` is empty for a `Referer` that is no URI',
    apply: (line) => line.replace('ref= ', 'ref=http://a%20b%09c%C3%A9 '),
  },
  lastIds: {
    row: '`#CHANNEL=ID` for every client that sends `Grip-Last`',
    apply: (line) => line.replace(' #news=4', ''),
  },
  subrequest: {
    row: 'a request for a next link has no `->`, and the conditions of a route without an id as `route=`',
    apply: (line) => line.replace('/page route=*,*,*,*', '/page -> ORIGIN'),
  },
  noRoute: {
    row: 'other sizes, where the answer has another text',
    apply: (line) => line.replace(/code=502 \d+/, 'code=502 16'),
  },
  product: {
    row: 'other sizes, where the answer has another text',
    apply: (line) => line.replace('code=200 37', 'code=200 38'),
  },
} as const satisfies Record<string, Explanation>;

const EXCHANGES: readonly Exchange[] = [
  { what: 'a request', path: '/plain?a=1' },
  { what: 'a port in Host', path: '/port', host: 'any.example:8080' },
  {
    what: 'a Referer and a User-Agent',
    path: '/both',
    headers: ['Referer: http://a.example/?q', 'User-Agent: x/1 (a b)'],
  },
  { what: 'an empty Referer and User-Agent', path: '/empty', headers: ['Referer: ', 'User-Agent: '] },
  {
    what: 'a Referer with blanks and bytes beyond ASCII',
    path: '/odd',
    headers: ['Referer: http://a b\tcé'],
    explained: EXPLAINED.referer,
  },
  { what: 'no address in X-Forwarded-For', path: '/nonsense', headers: ['X-Forwarded-For: nonsense'] },
  {
    what: 'an address in X-Forwarded-For',
    path: '/forwarded',
    headers: ['X-Forwarded-For: 1.2.3.4, 5.6.7.8'],
    explained: EXPLAINED.forwarded,
  },
  {
    what: 'last ids of just anybody',
    path: '/last',
    headers: ['Grip-Last: news; last-id=4'],
    explained: EXPLAINED.lastIds,
  },
  { what: 'an answer in pieces', path: '/pieces' },
  { what: 'a 404 of the origin', path: '/missing' },
  { what: 'HEAD', method: 'HEAD', path: '/head' },
  { what: 'POST', method: 'POST', path: '/post', headers: ['Content-Length: 0'] },
  { what: 'a route with an id', path: '/named', host: 'named.example', headers: ['User-Agent: x'] },
  { what: 'JSON-P', path: '/jsonp?callback=cb&_method=POST', host: 'named.example' },
  { what: 'an origin that cannot be reached', path: '/dead', host: 'dead.example' },
  { what: 'a second target', path: '/second', host: 'second.example' },
  { what: 'no route', path: '/nowhere', host: 'nowhere.example', explained: EXPLAINED.noRoute },
  { what: 'the test target', path: '/', host: 'test.example', explained: EXPLAINED.product },
  { what: 'a 404 of the test target', path: '/none', host: 'test.example' },
  { what: 'a WebSocket', path: '/chat', host: 'socket.example', headers: HANDSHAKE },
  { what: 'a WebSocket that its origin refuses', path: '/refused', host: 'socket.example', headers: HANDSHAKE },
];

describe.skipIf(!installed)('the log of pushpin and that of Holdfast', { timeout: TIMEOUT }, () => {
  const opened = new Opened();
  let sockets: EventsOrigin;
  let theirs: Side;
  let ours: Side;

  beforeAll(async () => {
    sockets = await EventsOrigin.start((request) => {
      if (request.url === '/refused') request.reply(403, { 'Content-Type': 'text/plain' }, 'no entry');
      else request.answer(request.events[0] === 'OPEN' ? ['OPEN', subscribe('room')] : [], GRIP);
    });
    theirs = await theirSide(sockets);
    ours = await ourSide(sockets);
  }, TIMEOUT);

  afterAll(async () => {
    await ours?.stop();
    await theirs?.stop();
    await sockets?.stop();
  });

  /** Plays on both sides, and compares what they wrote of it. */
  async function agree(play: (side: Side) => Promise<void>, explained?: Explanation): Promise<string[]> {
    await play(theirs);
    await play(ours);
    const lines = theirs.fresh();
    const expected = explained === undefined ? lines : lines.map(explained.apply);
    // An explanation that explains nothing is out of date.
    expect(explained !== undefined && expected.join('\n') === lines.join('\n')).toBe(false);
    expect(lines.length).toBeGreaterThan(0);
    expect(ours.fresh()).toEqual(expected.sort());
    return lines;
  }

  async function send(side: Side, path: string, host = 'any.example', ...more: readonly string[]): Promise<RawClient> {
    const client = await opened.client(side.port);
    client.write(Buffer.from([`GET ${path} HTTP/1.1`, `Host: ${host}`, ...more, '', ''].join('\r\n')));
    return client;
  }

  it.each(EXCHANGES.map((exchange) => [exchange.what, exchange] as const))(
    'have the same line of %s',
    async (_what, one) => {
      const { method = 'GET', path, host = 'any.example', headers = [], explained } = one;
      await agree(async (side) => {
        const client = await opened.client(side.port);
        client.write(Buffer.from([`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n')));
        await client.readUntil('\r\n\r\n');
        await side.logs(`${host}${path.replace(/\?callback.*/, '')} `.trimEnd());
        if (path === '/chat') await side.logs('channel=room');
      }, explained);
    },
  );

  it('have the same line of a client that went', async () => {
    const [line] = await agree(async (side) => {
      const before = side.origin.requests.length;
      const client = await send(side, '/never');
      await side.origin.request(before);
      client.close();
      await side.logs('/never');
    });
    expect(line).toMatch(/ error$/);
  });

  it('have the same line of an answer that breaks off', async () => {
    const [line] = await agree(async (side) => {
      const client = await send(side, '/broken');
      await client.readUntil('half');
      side.origin.requests.at(-1)?.incoming.socket.destroy();
      await side.logs('/broken');
    });
    expect(line).toMatch(/ error$/);
  });

  it.each([
    ['a long-poll', '/poll', 'news', 'http-response', 'http-stream'],
    ['a stream', '/stream', 'lines', 'http-stream', 'http-response'],
  ])('have the same lines of %s, and of what is published to it', async (_what, path, channel, format, other) => {
    const lines = await agree(async (side) => {
      await send(side, path);
      await side.logs(`${path} channel=${channel}`);
      await side.logs(`any.example${path} -> `);
      for (const [at, one] of [other, format].entries()) {
        await side.publish({ channel, formats: { [one]: { body: 'x', content: 'x' } } });
        await side.logs(`publish channel=${channel}`, at + 1);
      }
    });
    expect(lines).toHaveLength(4);
  });

  it('have the same lines of a channel with the prefix of its route, and of one that nobody hears', async () => {
    await agree(async (side) => {
      await send(side, '/stream', 'prefix.example');
      await side.logs('prefix.example/stream channel=pre-lines');
      await side.logs('prefix.example/stream -> ');
      await side.publish({ channel: 'nobody', formats: { 'http-stream': { content: 'x' } } });
      await side.logs('channel=nobody');
    });
  });

  it('have the same lines of an origin that is asked again, by a hint and after a second', async () => {
    const lines = await agree(async (side) => {
      const client = await send(side, '/again', 'named.example');
      await side.logs('/again channel=again');
      await side.publish({ channel: 'again', formats: { 'http-response': { action: 'hint' } } });
      await side.logs('/again channel=again retry', 2);
      await side.logs('accept retry', 2);
      client.close();
    });
    expect(lines).toHaveLength(7);
  });

  it('have the same lines of a next link', async () => {
    await agree(async (side) => {
      await send(side, '/pages');
      await side.logs('/pages channel=pages');
      await side.logs('example/page ');
    }, EXPLAINED.subrequest);
  });

  it('have the same line of what is published to a WebSocket', async () => {
    await agree(async (side) => {
      await send(side, '/room', 'socket.example', ...HANDSHAKE);
      await side.logs('socket.example/room channel=room');
      await side.logs('socket.example/room -> ');
      await side.publish({ channel: 'room', formats: { 'ws-message': { content: 'x' } } });
      await side.logs('publish channel=room');
    });
  });
});

describe('what differs in the log', () => {
  it.each([...new Set(Object.values(EXPLAINED).map(({ row }) => row))])('is explained: %s', (row) => {
    const page = readFileSync(join(PROJECT, 'docs/differences.md'), 'utf8');
    expect(page.slice(page.indexOf('## In the log'))).toContain(`\n| ${row} | `);
  });
});

/** The origin hears once that the session of a held client is over, when it asked for that (specification 4.13). */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { type Origin, REFUSING_TARGET } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

const settings = { hold: { updateOnFirstSubscription: false } };

type Headers = Readonly<Record<string, string>>;

interface Stage {
  readonly holdfast: Holdfast;
  readonly origin: Origin;
  readonly client: RawClient;
  readonly log: LineLog;
  readonly clock: ManualClock;
}

describe('a gone link', () => {
  const opened = new Opened();

  /** A client held with these headers; POSTs are answered by `gone`. */
  async function held(
    headers: Headers,
    gone: (response: ServerResponse) => void = (response) => void response.writeHead(204).end(),
  ): Promise<Stage> {
    const log = new LineLog();
    const clock = new ManualClock();
    const { holdfast, origin, port } = await opened.proxied(
      (request, response) => {
        if (request.method === 'POST') {
          gone(response);
          return;
        }
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Grip-Channel': 'news', ...headers });
        response.end('open\n');
      },
      { settings, logger: log, clock },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/app/start?x=1', 'X-Of-Client: 1');
    await ready;
    return { holdfast, origin, client, log, clock };
  }

  const STREAM: Headers = { 'Grip-Hold': 'stream', 'Grip-Link': '<gone?id=7>; rel=gone' };
  const POLL: Headers = { 'Grip-Hold': 'response', 'Grip-Link': '<gone?id=7>; rel=gone' };

  const ENDS: [name: string, headers: Headers, end: (stage: Stage) => void][] = [
    ['the client of a stream goes', STREAM, ({ client }) => client.close()],
    ['a stream is closed', STREAM, ({ holdfast }) => publish(holdfast, { 'http-stream': { action: 'close' } })],
    ['Holdfast ends', STREAM, ({ holdfast }) => void holdfast.close()],
    ['the client of a long-poll goes', POLL, ({ client }) => client.close()],
    ['a long-poll is answered', POLL, ({ holdfast }) => publish(holdfast, { 'http-response': { body: 'x' } })],
    ['the time of a long-poll is up', { ...POLL, 'Grip-Timeout': '5' }, ({ clock }) => clock.advance(5_100)],
    ['Holdfast ends in the middle of a long-poll', POLL, ({ holdfast }) => void holdfast.close()],
  ];
  it.each(ENDS)('is told once when %s', async (_name, headers, end) => {
    const stage = await held(headers);
    const { origin, log, holdfast } = stage;
    expect(origin.requests.length).toBe(1);
    end(stage);
    const request = await origin.request(1);
    expect([request.method, request.url]).toEqual(['POST', '/app/gone?id=7']);
    expect(await request.body()).toEqual(Buffer.alloc(0));
    const { headers: sent } = request;
    expect([sent['content-length'], sent['x-of-client'], sent.host]).toEqual(['0', undefined, 'example.com']);
    expect(sent['grip-sig']).toBeDefined();
    await log.until('POST http://example.com/app/gone?id=7 -> ');
    await holdfast.close();
    expect(origin.requests.length).toBe(2);
    expect(log.lines.find((line) => line.includes('/app/gone'))).toMatch(/ code=204 0$/);
  });

  it('is told when the pages of an answer are over', async () => {
    const { port, origin } = await opened.proxied(
      (request, response) => {
        const first = request.url === '/first';
        // What a later page says of a gone link does not count.
        const links = first ? '</second>; rel=next, </gone>; rel=gone' : '</other-gone>; rel=gone';
        response.writeHead(200, { 'Grip-Link': links });
        response.end(request.method === 'POST' ? '' : `${request.url}\n`);
      },
      { settings },
    );
    const client = await opened.get(port, '/first');
    expect((await client.readAnswer()).body.toString()).toBe('/first\n/second\n');
    const { method, url } = await origin.request(2);
    expect([method, url]).toEqual(['POST', '/gone']);
  });

  it('goes to the host it names', async () => {
    const other = await opened.origin();
    const { client } = await held({ ...STREAM, 'Grip-Link': `<http://${other.target}/away>; rel=gone` });
    client.close();
    const request = await other.request(0);
    expect([request.method, request.url, request.headers.host]).toEqual(['POST', '/away', other.target]);
  });

  it('means nothing on an answer without a hold', async () => {
    const { port, origin, holdfast } = await opened.proxied(
      (_request, response) => {
        response.writeHead(200, { 'Grip-Link': '</gone>; rel=gone' });
        response.end('done\n');
      },
      { settings },
    );
    expect((await (await opened.get(port, '/')).readAnswer()).body.toString()).toBe('done\n');
    await holdfast.close();
    expect(origin.requests.length).toBe(1);
  });

  it('that nobody could follow does not keep the client from being held', async () => {
    const { client, holdfast, origin } = await held({ ...STREAM, 'Grip-Link': '<mailto:a@example.com>; rel=gone' });
    publish(holdfast, { 'http-stream': { content: 'x\n' } });
    await client.readUntil('x\n\r\n');
    client.close();
    await holdfast.close();
    expect(origin.requests.length).toBe(1);
  });

  const TROUBLE: [name: string, link: string, gone: (response: ServerResponse) => void, detail: string][] = [
    ['a status that is no success', '</gone>', (response) => void response.writeHead(500).end(), 'status 500'],
    ['a body', '</gone>', (response) => void response.end('hello'), 'the answer has a body'],
    ['nobody there', `<http://${REFUSING_TARGET}/>`, () => {}, 'connect'],
  ];
  it.each(TROUBLE)('that meets %s is only logged, and not told again', async (_name, link, gone, detail) => {
    const { client, log, holdfast, origin } = await held({ ...STREAM, 'Grip-Link': `${link}; rel=gone` }, gone);
    client.close();
    await log.until(`: ${detail}`);
    await holdfast.close();
    expect(log.count('debug: gone link')).toBe(1);
    expect(log.count(detail === 'status 500' ? ' code=500 0' : ' error')).toBe(1);
    expect(origin.requests.filter(({ method }) => method === 'POST').length).toBeLessThan(2);
  });
});

describe('the retry of a long-poll with a gone link', () => {
  const opened = new Opened();

  async function held() {
    const farewells: ServerResponse[] = [];
    const clock = new ManualClock();
    const origin = await opened.origin((request, response) => {
      if (request.method === 'POST') farewells.push(response);
      else if (origin.requests.filter(({ method }) => method === 'GET').length > 1) response.end('second\n');
      else {
        response.writeHead(200, { 'Grip-Hold': 'response', 'Grip-Channel': 'news', 'Grip-Link': '</gone>; rel=gone' });
        response.end('first\n');
      }
    });
    const holdfast = await opened.holdfast({ settings, clock, routes: [`* ${origin.target}`] });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/poll');
    await ready;
    publish(holdfast, { 'http-response': { action: 'hint' } });
    await origin.request(1);
    await turnUntil('the farewell', () => farewells.length === 1);
    const methods = (): string => origin.requests.map(({ method }) => method).join(' ');
    return { origin, holdfast, client, clock, methods, farewell: farewells[0] as ServerResponse };
  }

  it('waits until the origin has answered', async () => {
    const { client, farewell, methods, clock } = await held();
    clock.advance(30_000);
    expect(methods()).toBe('GET POST');
    farewell.writeHead(204).end();
    expect((await client.readAnswer()).body.toString()).toBe('second\n');
    expect(methods()).toBe('GET POST GET');
  });

  it('goes on when the origin refuses to hear it', async () => {
    const { client, farewell, methods } = await held();
    farewell.destroy();
    expect((await client.readAnswer()).body.toString()).toBe('second\n');
    expect(methods()).toBe('GET POST GET');
  });

  it('does not wait for ever', async () => {
    const { client, methods, clock } = await held();
    clock.advance(60_100);
    expect((await client.readAnswer()).body.toString()).toBe('second\n');
    expect(methods()).toBe('GET POST GET');
  });

  it('is not made for a client that has gone meanwhile', async () => {
    const { client, farewell, methods, holdfast } = await held();
    client.close();
    await turnUntil('the end of the connection', () => holdfast.counters.openConnections === 0);
    farewell.writeHead(204).end();
    await holdfast.close();
    expect(methods()).toBe('GET POST');
  });
});

function publish(holdfast: Holdfast, formats: object): void {
  holdfast.publish({ channel: 'news', formats });
}

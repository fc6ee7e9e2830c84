/** Requests of clients that are sent to the origin once, where the operator allows it (specification 3.12). */
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import type { Origin } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';

const settings = { proxy: { shareAll: true }, hold: { updateOnFirstSubscription: false } };

describe('proxy.share_all', () => {
  const opened = new Opened();

  /** An origin whose answers wait for the test, and a Holdfast in front of it. */
  async function staged(options: HoldfastOptions = {}) {
    const answers: ServerResponse[] = [];
    const log = new LineLog();
    const { holdfast, origin, port } = await opened.proxied((_request, response) => void answers.push(response), {
      settings,
      logger: log,
      ...options,
    });
    const answer = async (index: number): Promise<ServerResponse> => {
      await turnUntil(`request ${index}`, () => answers.length > index);
      return answers[index] as ServerResponse;
    };
    /** Clients that have asked the same, all of them known to the proxy. */
    const asking = async (count: number, target = '/x', ...headers: string[]): Promise<RawClient[]> => {
      const clients: RawClient[] = [];
      for (let index = 0; index < count; index += 1) {
        const { requests } = holdfast.counters;
        clients.push(await opened.get(port, target, ...headers));
        await turnUntil('the request', () => holdfast.counters.requests > requests);
      }
      // Signatures are made later than requests are counted.
      await holdfastTurns();
      return clients;
    };
    return { holdfast, origin, port, log, answer, asking };
  }

  async function holdfastTurns(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async function post(port: number, body: string, target = '/x'): Promise<RawClient> {
    const client = await opened.client(port);
    client.write(`POST ${target} HTTP/1.1\r\nHost: example.com\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return client;
  }

  async function bodies(clients: readonly RawClient[]): Promise<string[]> {
    return Promise.all(clients.map(async (client) => (await client.readAnswer()).body.toString()));
  }

  it('asks the origin once for all who ask the same meanwhile', async () => {
    const { origin, answer, asking, log, holdfast } = await staged();
    const clients = await asking(3);
    (await answer(0)).end('one answer');
    expect(await bodies(clients)).toEqual(['one answer', 'one answer', 'one answer']);
    expect([origin.requests.length, holdfast.counters.originRequests]).toEqual([1, 1]);
    await log.until(`GET http://example.com/x -> ${origin.target} code=200 10 shared=1`, 3);
  });

  it('says nothing of sharing in the log line of who was alone', async () => {
    const { answer, asking, log } = await staged();
    const [client] = await asking(1);
    (await answer(0)).end('x');
    await client?.readAnswer();
    await log.until(' code=200 1');
    expect(log.count('shared')).toBe(0);
  });

  it('is off unless it is set', async () => {
    const { origin, answer, asking } = await staged({ settings: {} });
    const clients = await asking(2);
    (await answer(0)).end('a');
    (await answer(1)).end('b');
    expect((await bodies(clients)).sort()).toEqual(['a', 'b']);
    expect(origin.requests.length).toBe(2);
  });

  it('keeps apart what differs in method, host, path, query or body', async () => {
    const { origin, answer, asking, port } = await staged();
    const clients = [
      ...(await asking(1, '/x')),
      ...(await asking(1, '/y')),
      ...(await asking(1, '/x?q')),
      ...(await asking(1, 'http://other.test/x')),
      await post(port, ''),
      await post(port, 'body'),
      await post(port, 'ydob'),
    ];
    for (let index = 0; index < clients.length; index += 1) (await answer(index)).end(`${index}`);
    await bodies(clients);
    expect(origin.requests.length).toBe(7);
  });

  it('shares requests with the same body, however it comes, up to 100,000 bytes', async () => {
    const { origin, answer, port, holdfast } = await staged();
    const body = 'b'.repeat(100_000);
    const clients = [await post(port, body), await opened.client(port)];
    await answer(0);
    clients[1]?.write('POST /x HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n');
    clients[1]?.write(`186a0\r\n${body}\r\n0\r\n\r\n`);
    await turnUntil('the second request', () => holdfast.counters.requests === 2);
    await holdfastTurns();
    expect((await origin.requests[0]?.body())?.length).toBe(100_000);
    (await answer(0)).end('same');
    expect(await bodies(clients)).toEqual(['same', 'same']);
    expect(origin.requests.length).toBe(1);
  });

  it('does not share requests with a longer body', async () => {
    const { origin, answer, port } = await staged();
    const body = 'b'.repeat(100_001);
    const clients = [await post(port, body), await post(port, body)];
    for (const index of [0, 1]) {
      const request = await origin.request(index);
      expect((await request.body()).length).toBe(100_001);
      (await answer(index)).end('own');
    }
    expect(await bodies(clients)).toEqual(['own', 'own']);
  });

  it('keeps the routes apart', async () => {
    const answers: ServerResponse[] = [];
    const origin = await opened.origin((_request, response) => void answers.push(response));
    const holdfast = await opened.holdfast({
      settings: { ...settings, proxy: { shareAll: true, acceptPushpinRoute: true } },
      routes: [`*,id=a ${origin.target}`, `other.test,id=b ${origin.target}`],
    });
    const clients = await Promise.all(
      ['a', 'b', 'a'].map((id) => opened.get(clientPort(holdfast), '/x', `Pushpin-Route: ${id}`)),
    );
    await turnUntil('two requests', () => answers.length === 2 && holdfast.counters.requests === 3);
    await holdfastTurns();
    for (const answer of answers) answer.end('x');
    await bodies(clients);
    expect(origin.requests.length).toBe(2);
  });

  it('lets who comes late have the answer from its beginning, while that is short', async () => {
    const { origin, answer, asking } = await staged();
    const [first] = await asking(1);
    const response = await answer(0);
    response.writeHead(200, { 'X-Of-Origin': 'yes' });
    response.write('beginning, ');
    await first?.readUntil('beginning, \r\n');
    const [second] = await asking(1);
    expect(await second?.readUntil('beginning, \r\n')).toContain('X-Of-Origin: yes');
    response.end('end');
    for (const client of [first, second]) await client?.readUntil('3\r\nend\r\n0\r\n\r\n');
    expect(origin.requests.length).toBe(1);
  });

  it('asks anew for who comes when too much was said, or all', async () => {
    const { origin, answer, asking } = await staged();
    const [first] = await asking(1);
    const long = await answer(0);
    long.writeHead(200, { 'Content-Length': '100002' });
    long.write('x'.repeat(100_001));
    await first?.readUntil('x'.repeat(100_001));
    const [second] = await asking(1);
    (await answer(1)).end('anew');
    expect((await second?.readAnswer())?.body.toString()).toBe('anew');
    long.end('y');
    await first?.readUntil('y');
    const [third] = await asking(1);
    (await answer(2)).end('again');
    expect((await third?.readAnswer())?.body.toString()).toBe('again');
    expect(origin.requests.length).toBe(3);
  });

  it('slows the origin down to the slowest, and goes on when he does', async () => {
    const { answer, port, holdfast } = await staged();
    const counting = async (): Promise<Socket> => {
      const socket = opened.add(connect({ host: '127.0.0.1', port }), (one) => one.destroy());
      const { requests } = holdfast.counters;
      socket.write('GET /x HTTP/1.1\r\nHost: example.com\r\n\r\n');
      await turnUntil('the request', () => holdfast.counters.requests > requests);
      await holdfastTurns();
      // Bytes are counted by the socket, and kept by nobody.
      return socket.resume();
    };
    const quick = await counting();
    const slow = (await counting()).pause();
    const response = await answer(0);
    const size = 64 * 1024 * 1024;
    response.writeHead(200, { 'Content-Length': String(size) });
    const chunk = Buffer.alloc(1024 * 1024);
    let written = 0;
    const pour = (): void => {
      while (written < size) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
      if (written >= size) response.end();
    };
    response.on('drain', pour);
    pour();
    // It has come to rest when nothing moves for a good many turns of the loop.
    let still = 0;
    for (let before = -1; still < 2_000; before = quick.bytesRead) {
      still = before === quick.bytesRead ? still + 1 : 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written).toBeLessThan(size);
    expect(quick.bytesRead).toBeLessThan(size);
    slow.resume();
    await turnUntil('the whole answer at both', () => quick.bytesRead > size && slow.bytesRead > size);
  });

  it('goes on for who stays, and calls the origin off for the last who leaves', async () => {
    const { answer, asking, holdfast } = await staged();
    const [first, second] = await asking(2);
    const response = await answer(0);
    let calledOff = false;
    response.on('close', () => {
      calledOff = !response.writableFinished;
    });
    first?.close();
    await turnUntil('the end of a connection', () => holdfast.counters.openConnections === 1);
    await holdfastTurns();
    expect(calledOff).toBe(false);
    response.write('still here\n');
    await second?.readUntil('still here\n');
    second?.close();
    await turnUntil('the end of the request', () => calledOff);
  });

  it('holds all who share a GRIP answer', async () => {
    const { answer, asking, holdfast, origin, log } = await staged();
    const clients = await asking(3);
    const ready = subscribed(holdfast, 'news');
    const response = await answer(0);
    response.writeHead(200, { 'Grip-Hold': 'stream', 'Grip-Channel': 'news' });
    response.end('open\n');
    await ready;
    for (const client of clients) await client.readUntil('open\n\r\n');
    expect(holdfast.counters.holds.stream).toBe(3);
    holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'hello\n' } } });
    for (const client of clients) await client.readUntil('hello\n\r\n');
    expect(origin.requests.length).toBe(1);
    expect(log.count(' accept shared=1')).toBe(3);
  });

  it('tells all who share it of a failure, and tries the next target for all at once', async () => {
    const origin = await opened.origin((_request, response) => void response.end('second'));
    const answers: ServerResponse[] = [];
    const dead: Origin = await opened.origin((_request, response) => void answers.push(response));
    const target = dead.target;
    await dead.stop();
    const holdfast = await opened.holdfast({ settings, routes: [`* ${target} ${origin.target}`] });
    const clients = await Promise.all([1, 2, 3].map(() => opened.get(clientPort(holdfast), '/x')));
    expect(await bodies(clients)).toEqual(['second', 'second', 'second']);
    expect(answers).toEqual([]);
    const broken = await staged();
    const sharers = await broken.asking(2);
    (await broken.answer(0)).destroy();
    for (const client of sharers) expect((await client.readAnswer()).status).toBe(502);
    expect(broken.origin.requests.length).toBe(1);
  });
});

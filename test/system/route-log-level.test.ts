/** `log_level` of a route: what its requests, and whatever is done for them, say to the log (spec 2.2, 14.1). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import type { LogLevel } from '../../src/observe/logger.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, Watch } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { GRIP, opening, subscribe } from '../support/events-origin.js';
import { answering, holding, REFUSING_TARGET, type Script } from '../support/origin.js';
import { Stage } from '../support/websocket-stage.js';
import { WrittenLog } from '../support/written-log.js';

interface Levels {
  readonly log: WrittenLog;
  readonly holdfast: Holdfast;
  readonly port: number;
  readonly target: string;
}

const settings = { hold: { updateOnFirstSubscription: false } };

/** One origin behind the route of example.com, which has the level, and that of plain.example, which has none. */
async function levels(opened: Opened, level: string, script: Script, general: LogLevel = 'info'): Promise<Levels> {
  const log = new WrittenLog(general);
  const { target } = await opened.origin(script);
  const routes = [`example.com,log_level=${level} ${target}`, `plain.example ${target}`];
  const holdfast = await opened.holdfast({ routes, settings, logger: log.logger });
  return { log, holdfast, port: clientPort(holdfast), target };
}

const PLAIN = 'GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n';

describe('a route that is quieter than the log', () => {
  const opened = new Opened();

  it.each(['0', '1'])('has no request lines with log_level=%s, and the others keep theirs', async (level) => {
    const { log, port, target } = await levels(opened, level, answering({}, 'ok'));
    const client = await opened.get(port, '/');
    await client.readAnswer();
    client.write(PLAIN);
    await client.readAnswer();
    expect(log.lines).toEqual([`INFO GET http://plain.example/ -> ${target} code=200 2`]);
  });

  it('has its request lines with log_level=2, and no debug lines of a louder log', async () => {
    const { log, port, target } = await levels(opened, '2', holding('stream', 'news', 'x'), 'debug');
    const first = log.lines.length;
    await (await opened.get(port, '/')).readUntil('x');
    const client = await opened.client(port);
    client.write('GET / HTTP/1.1\r\nHost: example.com\r\nGrip-Sig: x\r\n\r\n');
    await client.readUntil('x');
    const line = `INFO GET http://example.com/ -> ${target} accept`;
    expect(log.lines.slice(first)).toEqual([
      line,
      'INFO subscribe http://example.com/ channel=news',
      line,
      'INFO subscribe http://example.com/ channel=news',
    ]);
  });

  it.each<[string, 'stream' | 'response', string]>([
    ['a stream', 'stream', '</gone>; rel=gone'],
    ['a stream with a next link', 'stream', '</next>; rel=next, </gone>; rel=gone'],
    ['a long-poll', 'response', '</gone>; rel=gone'],
  ])('says nothing of the subscriptions and subrequests of %s', async (_name, mode, link) => {
    let told = false;
    const goodbye = new Watch();
    const { log, holdfast, port } = await levels(opened, '1', (request, response) => {
      if (request.headers.host === 'plain.example') {
        response.end('ok');
      } else if (request.method === 'POST') {
        response.writeHead(204).end();
        told = true;
        goodbye.changed();
      } else {
        const headers = { 'Content-Type': 'text/plain', 'Grip-Hold': mode, 'Grip-Channel': 'news', 'Grip-Link': link };
        response.writeHead(200, headers).end();
      }
    });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    client.close();
    await goodbye.until('the request for the gone link', () => told);
    const other = await opened.client(port);
    other.write(PLAIN);
    await other.readAnswer();
    expect(log.lines).toEqual([expect.stringContaining('INFO GET http://plain.example/ ')]);
  });

  it('says nothing of the requests and subscriptions of its WebSockets', async () => {
    const log = new WrittenLog();
    const script = opening([subscribe('news')], GRIP);
    const stage = await Stage.set(opened, script, { condition: '*,log_level=1', logger: log.logger, settings });
    const ready = subscribed(stage.holdfast, 'news');
    await stage.open();
    await ready;
    stage.holdfast.publish({ channel: 'news', formats: { 'ws-message': { content: 'x' } } });
    expect(log.lines).toEqual(['INFO publish channel=news receivers=1']);
  });
});

describe('a route that is louder than the log', () => {
  const opened = new Opened();

  it('shows its debug lines with log_level=3, and the others do not', async () => {
    const log = new WrittenLog();
    const routes = [`example.com,log_level=3 ${REFUSING_TARGET}`, `plain.example ${REFUSING_TARGET}`];
    const holdfast = await opened.holdfast({ routes, logger: log.logger });
    const client = await opened.client(clientPort(holdfast));
    client.write(PLAIN);
    await client.readAnswer();
    client.write('GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n');
    await client.readAnswer();
    expect(log.lines.map((line) => line.replace(/: .*/, ''))).toEqual([
      `INFO GET http://plain.example/ -> ${REFUSING_TARGET} code=502 32`,
      'DEBUG http://example.com/a',
      `INFO GET http://example.com/a -> ${REFUSING_TARGET} code=502 32`,
    ]);
  });

  it('shows its request lines in a log of warnings', async () => {
    const { log, port, target } = await levels(opened, '2', answering({}, 'ok'), 'warn');
    const client = await opened.get(port, '/');
    await client.readAnswer();
    client.write(PLAIN);
    await client.readAnswer();
    expect(log.lines).toEqual([`INFO GET http://example.com/ -> ${target} code=200 2`]);
  });

  it('shows that a signature of a client is none', async () => {
    const log = new WrittenLog();
    const routes = ['example.com,log_level=3 test', 'plain.example test'];
    const proxy = { upstreamKey: 'the key of the proxy behind' };
    const holdfast = await opened.holdfast({ routes, settings: { proxy }, logger: log.logger });
    const client = await opened.client(clientPort(holdfast));
    for (const host of ['plain.example', 'example.com']) {
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nGrip-Sig: nonsense\r\n\r\n`);
      await client.readAnswer();
    }
    expect(log.lines).toEqual([
      'INFO GET http://plain.example/ -> test code=200 38',
      'DEBUG signature present but invalid',
      'INFO GET http://example.com/ -> test code=200 38',
    ]);
  });

  it('shows what a hold has to say', async () => {
    const { log, holdfast, port } = await levels(opened, '3', holding('response', 'news', '{}'));
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await ready;
    const patch = [{ op: 'test', path: '/none', value: 1 }];
    holdfast.publish({ channel: 'news', formats: { 'http-response': { 'body-patch': patch } } });
    await client.readAnswer();
    expect(log.with('DEBUG')).toEqual([expect.stringMatching(/^DEBUG failed to apply JSON patch: /)]);
  });

  it('shows what its WebSockets say of control messages', async () => {
    const log = new WrittenLog();
    const script = opening(['TEXT c:{"type":"nonsense"}', subscribe('news')], GRIP);
    const stage = await Stage.set(opened, script, { condition: '*,log_level=3', logger: log.logger, settings });
    const ready = subscribed(stage.holdfast, 'news');
    await stage.open();
    await ready;
    expect(log.with('DEBUG').length).toBe(1);
  });
});

describe('a routes file that changes the level while a client is held', () => {
  const opened = new Opened();

  it.each<[string, string, string, string[]]>([
    ['is taken away', ',log_level=1', '', ['accept retry', 'subscribe']],
    ['is given', '', ',log_level=1', ['accept', 'subscribe']],
  ])('counts for what is done from then on, when one %s', async (_name, before, after, lines) => {
    const log = new WrittenLog();
    const origin = await opened.origin(holding('response', 'news'));
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'levels-')), (path) => rmSync(path, { recursive: true }));
    const file = join(folder, 'routes');
    writeFileSync(file, `*,id=main${before} ${origin.target}\n`);
    const routes = { file, lines: [] };
    const holdfast = await opened.holdfast({ settings: { ...settings, routes }, logger: log.logger });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/');
    await ready;
    writeFileSync(file, `*,id=main${after} ${origin.target}\n`);
    await holdfast.reload();
    const { counters } = holdfast;
    const requests = counters.originRequests;
    holdfast.publish({ channel: 'news', formats: { 'http-response': { action: 'hint' } } });
    await origin.request(1);
    await turnUntil('the second hold', () => counters.originRequests > requests && counters.holds.response === 1);
    holdfast.publish({ channel: 'news', formats: { 'http-response': { body: 'x' } } });
    await client.readAnswer();
    const ofClient = log.lines.filter((line) => line.includes('http://example.com/'));
    expect(ofClient.map((line) => /(?:accept(?: retry)?|subscribe)/.exec(line)?.[0])).toEqual(lines);
  });
});

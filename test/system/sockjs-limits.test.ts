/** Bounds of SockJS sessions (spec 13), slow sides, what is logged, and where nothing of it is spoken. */
import { describe, expect, it } from 'vitest';
import type { HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { opening } from '../support/events-origin.js';
import { answerOf, SockjsRequests, text } from '../support/sockjs-requests.js';
import { LEFT, OK, OPENED, SEND, SockjsStage, XHR } from '../support/sockjs-stage.js';
import { WebSocketOriginServer } from '../support/websocket-origin.js';

const FULL = text('Service Unavailable\n', '503 Service Unavailable');

describe('sockjs.max_sessions', () => {
  const opened = new Opened();

  const set = (maxSessions: number) => SockjsStage.set(opened, opening(), { settings: { sockjs: { maxSessions } } });

  it('bounds the sessions over polling; those there are go on', async () => {
    const { sockjs, origin, stage } = await set(2);
    expect(await sockjs.post('/echo/0/a/xhr')).toBe(OPENED);
    expect(await sockjs.post('/echo/0/b/xhr')).toBe(OPENED);
    expect(await sockjs.post('/echo/0/c/xhr')).toBe(FULL);
    expect(await sockjs.get('/echo/0/c/jsonp?c=cb')).toBe(FULL);
    expect(origin.requests).toHaveLength(2);
    expect(await sockjs.post('/echo/0/a/xhr_send', '["x"]')).toBe(OK);
    expect(stage.holdfast.counters.requestErrors).toBe(2);
  });

  it('counts those that are over and still remembered, and leaves room when they are forgotten', async () => {
    const one = await set(1);
    await one.open();
    const poll = await one.poll();
    poll.close();
    await one.origin.request(1);
    expect(await one.sockjs.post(XHR)).toBe(LEFT);
    expect(await one.sockjs.post('/echo/0/b/xhr')).toBe(FULL);
    one.clock.advance(5_100);
    expect(await one.sockjs.post('/echo/0/b/xhr')).toBe(OPENED);
  });

  it('does not count WebSockets, nor sessions that were refused', async () => {
    const { sockjs, stage, origin } = await set(1);
    await stage.open('/echo/0/a/websocket');
    await stage.open('/echo/websocket');
    const { script } = origin;
    origin.script = (request) => request.reply(403, {}, 'no\n');
    expect(await sockjs.post('/echo/0/a/xhr')).toContain('403 Forbidden');
    origin.script = script;
    expect(await sockjs.post('/echo/0/b/xhr')).toBe(OPENED);
  });
});

describe('a SockJS session over polling', () => {
  const opened = new Opened();

  /** In front of an origin that speaks WebSocket itself. */
  async function direct(options: HoldfastOptions = {}, condition = '*,sockjs=/echo') {
    const origin = opened.add(await WebSocketOriginServer.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`${condition} ${origin.target}`], ...options });
    return { origin, holdfast, sockjs: new SockjsRequests(opened, clientPort(holdfast)) };
  }

  it('is a WebSocket to an origin that speaks it, both ways and to the end', async () => {
    const { origin, sockjs } = await direct();
    expect(await sockjs.post(`${XHR}?a=b`, '', 'Cookie: a=b')).toBe(OPENED);
    const side = await origin.side();
    expect([side.request.url, side.request.headers.cookie]).toEqual(['/echo?a=b', 'a=b']);
    expect(side.request.headers['content-length']).toBeUndefined();
    expect(await sockjs.post(SEND, '["a","b"]')).toBe(OK);
    await side.sees(1);
    expect(side.seen).toEqual(['text a', 'text b']);
    side.socket.send('one');
    side.socket.close(4001, 'so long');
    const answers = [await sockjs.post(XHR), await sockjs.post(XHR)];
    while (!answers.includes(text('c[4001,"so long"]\n'))) answers.push(await sockjs.post(XHR));
    expect(answers[0]).toBe(text('a["one"]\n'));
    expect(await side.ended()).toMatch(/^close 1000/);
  });

  it('makes such an origin wait when nobody polls, and loses nothing', async () => {
    const { origin, sockjs } = await direct({ settings: { websocket: { maxBufferedBytes: 10_000 } } });
    await sockjs.post(XHR);
    const { socket } = await origin.side();
    const said = Array.from({ length: 2_000 }, (_, index) => `${index} ${'x'.repeat(1_000)}`);
    let sent = 0;
    for (const content of said) {
      socket.send(content, () => {
        sent += 1;
      });
    }
    const heard: string[] = [];
    while (heard.length < said.length) {
      const answer = await sockjs.post(XHR);
      const frame = answer.slice(answer.indexOf('\r\n\r\n') + 4);
      expect(frame.length).toBeLessThan(20_000);
      heard.push(...(JSON.parse(frame.slice(1)) as string[]));
    }
    expect(heard).toEqual(said);
    expect(sent).toBe(said.length);
  });

  it('says goodbye to such an origin for a client that leaves its poll', async () => {
    const { origin, sockjs } = await direct();
    await sockjs.post(XHR);
    const poll = await sockjs.begin('POST', XHR, '');
    while (!(await sockjs.post(XHR)).includes('2010')) expect(poll.closed).toBe(false);
    poll.close();
    expect(await (await origin.side()).ended()).toBe('close 1000');
    expect(await sockjs.post(XHR)).toBe(LEFT);
  });

  it('works on a route without GRIP, where nothing of it is looked at', async () => {
    const { origin, sockjs } = await direct({}, '*,no_grip,sockjs=/echo');
    await sockjs.post(XHR);
    const side = await origin.side();
    expect(side.request.headers['grip-sig']).toBeUndefined();
    side.socket.send('c:{"type":"subscribe","channel":"a"}');
    expect(await answerOf(await sockjs.begin('POST', XHR, ''))).toContain('a["c:{');
  });

  it('is logged as the WebSocket that it stands for, once', async () => {
    const log = new CollectedLog('info');
    const one = await SockjsStage.set(opened, opening(), { logger: log });
    expect(await one.sockjs.post(`${XHR}?a=b`)).toBe(OPENED);
    await one.sockjs.post(SEND, '["x"]');
    await one.stage.open('/echo/000/abc/websocket');
    const target = `${one.origin.target}[http] code=101 0`;
    expect(log.lines.filter((line) => line.includes('/echo'))).toEqual([
      `info GET ws://example.com/echo?a=b -> ${target}`,
      `info GET ws://127.0.0.1:${one.stage.port}/echo/websocket -> ${target}`,
    ]);
  });

  it('leaves nothing behind when a thousand come and go in every way', async () => {
    const one = await SockjsStage.set(opened, opening());
    const { sockjs, stage, clock } = one;
    for (let round = 0; round < 10; round += 1) {
      const ids = Array.from({ length: 100 }, (_, index) => `r${round}-${index}`);
      await Promise.all(ids.map((id) => sockjs.post(`/echo/0/${id}/xhr`)));
      const polls = await Promise.all(ids.slice(0, 50).map((id) => sockjs.begin('POST', `/echo/0/${id}/xhr`, '')));
      for (const [at, poll] of polls.entries()) {
        if (at % 2 === 0) poll.close();
        else poll.socket.resetAndDestroy();
      }
      await stage.settled(() => stage.holdfast.counters.openConnections === 0);
      clock.advance(5_100);
    }
    await stage.abandoned();
    expect(one.stage.holdfast.counters.holds.ws).toBe(0);
    clock.advance(600_000);
    expect(clock.pending).toBe(0);
    expect(await stage.farewells()).toBe(1_000);
  });
});

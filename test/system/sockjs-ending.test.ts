/** How SockJS sessions over polling end (spec 13): by the origin, by the client, by the clock, and before they begin. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { type EventsScript, opening, opensOnly } from '../support/events-origin.js';
import { answerOf, jsonp, text, whole } from '../support/sockjs-requests.js';
import { GONE, LEFT, NOT_FOUND, OK, OPENED, SEND, SockjsStage, XHR } from '../support/sockjs-stage.js';

describe('a SockJS session over polling', () => {
  const opened = new Opened();

  const set = (script?: EventsScript) => SockjsStage.set(opened, script);

  describe('that its origin closes', () => {
    const closes = opening(['TEXT last', 'CLOSE 4001 so long']);

    it('says the last words first, and then why, to everybody for five seconds', async () => {
      const { sockjs, origin, clock } = await set(closes);
      await sockjs.post(XHR);
      expect(await sockjs.post(XHR)).toBe(text('a["last"]\n'));
      const closed = text('c[4001,"so long"]\n');
      expect(await sockjs.post(XHR)).toBe(closed);
      expect((await origin.request(1)).events).toEqual(['CLOSE']);
      clock.advance(4_900);
      expect(await sockjs.post(XHR)).toBe(closed);
      expect(await sockjs.post(SEND, '["x"]')).toBe(closed);
      expect(await sockjs.post('/echo/0/abc/jsonp_send?c=cb', 'd=[]')).toBe(jsonp('c[4001,"so long"]'));
      clock.advance(200);
      expect(await sockjs.post(XHR)).toBe(OPENED);
      expect((await origin.request(2)).events).toEqual(['OPEN']);
    });

    it('tells a poll that waits', async () => {
      const one = await set(opensOnly);
      await one.open();
      const poll = await one.poll();
      const { sockjs, origin } = one;
      await sockjs.post(SEND, '["ask"]');
      (await origin.request(1)).answer(['CLOSE 1000 done "well"']);
      expect(await answerOf(poll)).toBe(text('c[1000,"done \\"well\\""]\n'));
    });

    it('says that there is no more to say when the close has no code', async () => {
      const { sockjs } = await set(opening([Buffer.from('CLOSE\r\n')]));
      await sockjs.post(XHR);
      expect(await sockjs.post(XHR)).toBe(text('c[0,"Connection closed"]\n'));
    });

    it('is over when nobody asks why', async () => {
      const { sockjs, origin, clock, stage } = await set(closes);
      await sockjs.post(XHR);
      clock.advance(5_100);
      expect((await origin.request(1)).events).toEqual(['DISCONNECT']);
      expect(stage.holdfast.counters.holds.ws).toBe(0);
      expect(await sockjs.post(SEND, '["x"]')).toBe(NOT_FOUND);
    });
  });

  describe('that its client leaves', () => {
    it('is over after five seconds without a poll, and the origin is told', async () => {
      const { sockjs, origin, clock } = await set();
      await sockjs.post(XHR);
      clock.advance(4_900);
      await sockjs.post(SEND, '["this is no poll"]');
      expect(origin.farewells).toBe(0);
      clock.advance(200);
      expect((await origin.request(2)).events).toEqual(['DISCONNECT']);
      expect(await sockjs.post(XHR)).toBe(OPENED);
    });

    it('goes on when it is polled in time', async () => {
      const { sockjs, origin, clock } = await set(opening(['TEXT one']));
      await sockjs.post(XHR);
      clock.advance(4_900);
      await sockjs.post(XHR);
      clock.advance(4_900);
      expect(await sockjs.post(SEND, '["x"]')).toBe(OK);
      expect(origin.farewells).toBe(0);
    });

    it.each([
      ['ended', (end: { end(): void }) => end.end()],
      ['reset', (end: { resetAndDestroy(): void }) => end.resetAndDestroy()],
    ])('says goodbye for it when its poll is %s, and knows it for five seconds', async (_how, leave) => {
      const one = await set();
      await one.open();
      const poll = await one.poll();
      const { sockjs, origin, clock } = one;
      leave(poll.socket);
      expect((await origin.request(1)).events).toEqual(['CLOSE']);
      expect(await sockjs.post(XHR)).toBe(LEFT);
      expect(await sockjs.post(SEND, '["x"]')).toBe(LEFT);
      clock.advance(5_100);
      expect(await sockjs.post(XHR)).toBe(OPENED);
      expect(origin.farewells).toBe(1);
    });

    it('tells an origin that does not answer the goodbye', async () => {
      const one = await set(opensOnly);
      await one.open();
      const poll = await one.poll();
      const { origin, clock, stage } = one;
      poll.close();
      (await origin.request(1)).answer();
      await stage.settled(() => stage.holdfast.counters.holds.ws === 0);
      clock.advance(5_100);
      expect(await stage.farewells()).toBe(1);
    });

    it('is forgotten when that happens while it opens', async () => {
      const { sockjs, origin, stage } = await set(() => {});
      const first = await sockjs.begin('POST', XHR, '');
      const request = await origin.request(0);
      first.close();
      await stage.settled(() => stage.holdfast.counters.openConnections === 0);
      request.answer(['OPEN']);
      expect((await origin.request(1)).events).toEqual(['DISCONNECT']);
      origin.script = opening();
      expect(await sockjs.post(XHR)).toBe(OPENED);
    });
  });

  describe('that breaks off', () => {
    const disconnects: EventsScript = (request) =>
      request.answer([request.events[0] === 'OPEN' ? 'OPEN' : 'DISCONNECT']);

    it('tells a poll that waits, and is forgotten', async () => {
      const one = await set(disconnects);
      await one.open();
      const poll = await one.poll();
      const { sockjs } = one;
      await sockjs.post(SEND, '["x"]');
      expect(await answerOf(poll)).toBe(GONE);
      expect(await sockjs.post(XHR)).toBe(OPENED);
    });

    it('is forgotten at once when nobody polls', async () => {
      const { sockjs, stage } = await set(disconnects);
      await sockjs.post(XHR);
      await sockjs.post(SEND, '["x"]');
      await stage.abandoned();
      expect(await sockjs.post(XHR)).toBe(OPENED);
    });
  });

  describe('that is refused', () => {
    it('answers as the origin does, and is forgotten', async () => {
      const { sockjs, origin } = await set((request) => {
        request.reply(403, { 'X-Why': '1', Upgrade: 'x', 'Content-Type': 'text/html' }, 'not you\n');
      });
      const refusal = whole('403 Forbidden', ['X-Why: 1', 'Content-Type: text/html'], 'not you\n');
      expect(await sockjs.post(XHR)).toBe(refusal);
      expect(await sockjs.get('/echo/0/abc/jsonp?c=cb')).toBe(refusal);
      origin.script = opening();
      expect(await sockjs.post(XHR)).toBe(OPENED);
    });

    it('answers 502 when there is no origin', async () => {
      const { sockjs, origin } = await set();
      await origin.stop();
      const failure = whole('502 Bad Gateway', [], 'Error while proxying to origin.\n');
      expect(await sockjs.post(XHR)).toBe(failure);
      expect(await sockjs.post(SEND, '[]')).toBe(NOT_FOUND);
    });
  });

  it('lets a poll that waits know every 25 seconds that it lives', async () => {
    const one = await set();
    await one.open();
    const poll = await one.poll();
    const { clock } = one;
    clock.advance(24_900);
    expect(poll.closed).toBe(false);
    clock.advance(200);
    expect(await answerOf(poll)).toBe(text('h\n'));
    clock.advance(3_000);
    const next = await one.poll();
    clock.advance(24_900);
    expect(next.closed).toBe(false);
    clock.advance(200);
    expect(await answerOf(next)).toBe(text('h\n'));
  });

  it('ends with the process: whoever polls is told', async () => {
    const one = await set();
    await one.open();
    const poll = await one.poll();
    const { stage, origin } = one;
    const closed = stage.holdfast.close();
    expect(await answerOf(poll)).toBe(text('c[1001,""]\n'));
    await closed;
    expect(origin.farewells).toBe(1);
  });
});

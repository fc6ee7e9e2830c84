/** A SockJS session over polling, by hand over raw sockets (spec 13): how it opens, what it hears and what it says. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { type EventsScript, encode, opening, opensOnly } from '../support/events-origin.js';
import { answerOf, jsonp, text } from '../support/sockjs-requests.js';
import { GONE, OK, OPENED, SEND, SockjsStage, STILL_OPEN, XHR } from '../support/sockjs-stage.js';
import type { StageOptions } from '../support/websocket-stage.js';

describe('a SockJS session over polling', () => {
  const opened = new Opened();

  const set = (script?: EventsScript, options?: StageOptions) => SockjsStage.set(opened, script, options);

  it('opens as one WebSocket at its origin, whose headers are those of the first poll', async () => {
    const { sockjs, origin } = await set();
    const own = ['Cookie: a=b', 'X-Own: 1', 'Origin: http://page.example', 'Content-Type: text/plain'];
    const answer = await sockjs.post(`${XHR}?a=%20b`, 'not looked at', ...own);
    expect(answer).toBe(OPENED.replace('Allow-Origin: *', 'Allow-Origin: http://page.example'));
    const request = await origin.request(0);
    expect([request.method, request.url, request.events]).toEqual(['POST', '/echo?a=%20b', ['OPEN']]);
    expect(['cookie', 'x-own', 'origin', 'host'].map((name) => request.header(name))).toEqual([
      'a=b',
      '1',
      'http://page.example',
      'example.com',
    ]);
    expect(request.header('content-length')).toBe('6');
    expect(request.header('sec-websocket-extensions')).toBe('grip');
    expect(request.rawHeaders.filter((name) => /^content-type$/i.test(name))).toHaveLength(1);
  });

  it('is one WebSocket to another path where the route says so', async () => {
    const { sockjs, origin } = await set(opening(), { condition: '*,sockjs=/echo,sockjs_as_path=/chat' });
    expect(await sockjs.post(`${XHR}?a=b`)).toBe(OPENED);
    expect((await origin.request(0)).url).toBe('/chat?a=b');
  });

  it('is told by its id alone, with or without escapes', async () => {
    const { sockjs, origin } = await set(opening(['TEXT one']));
    expect(await sockjs.post('/echo/000/a%62c/xhr')).toBe(OPENED);
    expect(await sockjs.post('/echo/999/abc/xhr')).toBe(text('a["one"]\n'));
    expect(origin.requests).toHaveLength(1);
  });

  it('keeps what is said until a poll takes it, in one frame', async () => {
    const { sockjs } = await set(opening(['TEXT one', 'TEXT "two" \\ / \x01', 'TEXT ', 'PING p', 'PONG p']));
    expect(await sockjs.post(XHR)).toBe(OPENED);
    expect(await sockjs.post(XHR)).toBe(text('a["one","\\"two\\" \\\\ / \\u0001",""]\n'));
  });

  it.each([
    ['text beyond ASCII', encode(Buffer.from('TEXT 7\r\n\u00e9\ud83d\ude00x\r\n')), '\u00e9\ud83d\ude00x'],
    ['line ends of scripts', Buffer.from('TEXT 3\r\n\u2028\r\n'), '\u2028'],
    ['binary as the UTF-8 that it is', Buffer.from('BINARY 2\r\n\u00e9\r\n'), '\u00e9'],
    ['bytes that are no UTF-8', Buffer.from('BINARY 3\r\na\xff\0\r\n', 'latin1'), 'a\ufffd\0'],
  ])('carries %s', async (_what, event, said) => {
    const { sockjs } = await set(opening([event]));
    await sockjs.post(XHR);
    expect(await sockjs.post(XHR)).toBe(text(`a[${JSON.stringify(said)}]\n`));
  });

  it('answers a poll that waits as soon as there is something, all that comes together at once', async () => {
    const one = await set(opensOnly);
    await one.open();
    const poll = await one.poll();
    const { sockjs, origin } = one;
    expect(await sockjs.post(SEND, '["ask"]')).toBe(OK);
    (await origin.request(1)).answer(['TEXT one', 'TEXT two']);
    expect(await answerOf(poll)).toBe(text('a["one","two"]\n'));
  });

  it('lets one poll wait at a time', async () => {
    const one = await set(opensOnly);
    await one.open();
    const poll = await one.poll();
    const { sockjs, origin } = one;
    expect(await sockjs.post(XHR)).toBe(STILL_OPEN);
    expect(await sockjs.get('/echo/0/abc/jsonp?c=cb')).toBe(jsonp('c[2010,"Another connection still open"]'));
    await sockjs.post(SEND, '["ask"]');
    (await origin.request(1)).answer(['TEXT still']);
    expect(await answerOf(poll)).toBe(text('a["still"]\n'));
  });

  it('lets nobody poll while it opens, and takes messages for later', async () => {
    const { sockjs, origin } = await set(() => {});
    const first = await sockjs.begin('POST', XHR, '');
    const request = await origin.request(0);
    expect(await sockjs.post(XHR)).toBe(STILL_OPEN);
    const send = await sockjs.begin('POST', SEND, '["early","bird"]');
    while ((await sockjs.post(SEND, '["late"]')) !== text('Already sending\n', '400 Bad Request')) {
      expect(send.closed).toBe(false);
    }
    request.answer(['OPEN']);
    expect(await answerOf(first)).toBe(OPENED);
    expect(await answerOf(send)).toBe(OK);
    expect((await origin.request(1)).events).toEqual(['TEXT early', 'TEXT bird']);
  });

  describe('when the client sends', () => {
    it.each([
      ['one message', '["a"]', ['TEXT a']],
      ['several', ' [ "a", "b" ] ', ['TEXT a', 'TEXT b']],
      ['an empty one', '[""]', ['TEXT']],
      ['escapes', '["\\u00e9\\n\\u0000"]', ['TEXT \xc3\xa9\n\0']],
    ])('passes on %s', async (_what, payload, events) => {
      const { sockjs, origin } = await set();
      await sockjs.post(XHR);
      expect(await sockjs.post(SEND, payload)).toBe(OK);
      expect((await origin.request(1)).events).toEqual(events);
    });

    it.each(['', 'x', '"a"', '{}', '[1]', '["a",1]', '["a"', '[["a"]]', 'null', '["a"]x'])(
      'refuses %j whole',
      async (payload) => {
        const { sockjs, stage } = await set();
        await sockjs.post(XHR);
        expect(await sockjs.post(SEND, payload)).toBe(text('Payload expected\n', '400 Bad Request'));
        expect(await sockjs.post(SEND, '[]')).toBe(OK);
        expect(stage.origin.requests).toHaveLength(1);
        expect(stage.holdfast.counters.requestErrors).toBe(1);
      },
    );

    it('refuses what is no UTF-8', async () => {
      const { sockjs } = await set();
      await sockjs.post(XHR);
      const answer = await sockjs.post(SEND, Buffer.from('["\xe9"]', 'latin1'));
      expect(answer).toBe(text('Payload expected\n', '400 Bad Request'));
    });

    it('refuses a message that is larger than the setting, and takes one that is not', async () => {
      const { sockjs, stage } = await set(opening(), { settings: { websocket: { maxMessageBytes: 10 } } });
      await sockjs.post(XHR);
      const tooLarge = text('Message too large\n', '400 Bad Request');
      expect(await sockjs.post(SEND, `["ok","${'x'.repeat(11)}"]`)).toBe(tooLarge);
      expect(await sockjs.post(SEND, `["${'x'.repeat(10)}"]`)).toBe(OK);
      expect(stage.holdfast.counters.requestErrors).toBe(1);
    });

    it('answers when the origin has room for all, and takes no others before', async () => {
      const { sockjs, origin } = await set(opensOnly, { settings: { websocket: { maxBufferedBytes: 10 } } });
      await sockjs.post(XHR);
      const send = await sockjs.begin('POST', SEND, '["0123456789","second","third"]');
      const request = await origin.request(1);
      expect(await sockjs.post(SEND, '["x"]')).toBe(text('Already sending\n', '400 Bad Request'));
      expect(send.closed).toBe(false);
      request.answer();
      const next = await origin.request(2);
      expect(send.closed).toBe(false);
      next.answer();
      expect(await answerOf(send)).toBe(OK);
      await origin.request(3);
      expect(origin.story.flat()).toEqual(['OPEN', 'TEXT 0123456789', 'TEXT second', 'TEXT third']);
    });

    it('says so when the connection ends before the origin has taken all', async () => {
      const { sockjs, origin } = await set(opensOnly, { settings: { websocket: { maxBufferedBytes: 10 } } });
      await sockjs.post(XHR);
      const send = await sockjs.begin('POST', SEND, '["0123456789","second","third"]');
      (await origin.request(1)).answer(['DISCONNECT']);
      expect(await answerOf(send)).toBe(GONE);
    });
  });
});

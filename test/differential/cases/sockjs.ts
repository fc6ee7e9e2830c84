/** SockJS in requests (specification 13): the service's own answers, sessions over polling, and calls of scripts. */
import { answer, type Case, get, post } from '../case.js';
import type { Script } from '../script.js';
import { CLOSE, event, HOST, opening, poll, polled, SUBSCRIBED, sent, target } from '../sockjs-steps.js';
import { closePayload } from '../websocket-bytes.js';

/** One request outside of any session. */
function asked(name: string, request: (script: Script) => string | Buffer): Case {
  return {
    name,
    run: async (script) => await (await script.client(request(script))).closed(),
  };
}

/** A refused payload in an open session. */
function refused(name: string, payload: string): Case {
  return {
    name,
    origin: opening(),
    run: async (script) => {
      await polled(script);
      await sent(script, payload);
    },
  };
}

export const SOCKJS: readonly Case[] = [
  asked('13 a preflight of the path itself', () =>
    get(HOST, '/sockjs', [CLOSE, 'Origin: http://page.example']).replace('GET', 'OPTIONS'),
  ),
  asked('13 a preflight of a session', (script) => get(HOST, target(script, 'xhr'), [CLOSE]).replace('GET', 'OPTIONS')),
  asked('13 the page for frames', () => get(HOST, '/sockjs/iframe.html', [CLOSE])),
  asked('13 the page for frames under another name', () => get(HOST, '/sockjs/iframe-1.0.html?x=1', [CLOSE])),
  asked('13 the page for frames in a folder, for a page elsewhere', () =>
    get(HOST, '/sockjs/iframe/x.html', [CLOSE, 'Origin: http://page.example']),
  ),
  asked('13 a page that the client has already', () =>
    get(HOST, '/sockjs/iframe.html', [CLOSE, 'If-None-Match: "a65013c77ae6daa787b16bf0d17f9869"']),
  ),
  asked('13 the path itself is nothing', () => get(HOST, '/sockjs', [CLOSE])),
  asked('13 a path that only begins like it', () => get(HOST, '/sockjs-too/info', [CLOSE])),
  asked('13 info with a slash', () => get(HOST, '/sockjs/info/', [CLOSE])),
  asked('13 info asked for with POST', () => post(HOST, '/sockjs/info', [CLOSE], 'x')),
  asked('13 a poll with GET', (script) => get(HOST, target(script, 'xhr'), [CLOSE])),
  asked('13 messages with GET', (script) => get(HOST, target(script, 'xhr_send'), [CLOSE])),
  asked('13 streaming is not there', (script) => post(HOST, target(script, 'xhr_streaming'), [CLOSE], '')),
  asked('13 event streams are not there', (script) => get(HOST, target(script, 'eventsource'), [CLOSE])),
  asked('13 too few parts', () => post(HOST, '/sockjs/abc/xhr', [CLOSE], '')),
  asked('13 too many parts', () => post(HOST, '/sockjs/0/1/abc/xhr', [CLOSE], '')),
  asked('13 a call without a callback', (script) => get(HOST, target(script, 'jsonp'), [CLOSE])),
  asked('13 a callback that is empty', (script) => get(HOST, target(script, 'jsonp', '&c='), [CLOSE])),
  asked('13 messages for nobody', (script) => post(HOST, target(script, 'xhr_send'), [CLOSE], 'x')),
  asked('13 messages for nobody, from a script', (script) =>
    post(HOST, target(script, 'jsonp_send', '&c=cb'), [CLOSE], 'd=[]'),
  ),
  asked('13 a body of 100,000 bytes', (script) => post(HOST, target(script, 'xhr_send'), [CLOSE], 'x'.repeat(100_000))),
  asked('13 a body of 100,001 bytes', (script) => post(HOST, target(script, 'xhr_send'), [CLOSE], 'x'.repeat(100_001))),
  asked('13 a check goes no further than SockJS', () => get(HOST, '/sockjs/no', [CLOSE, 'Pushpin-Check: 1'])),
  {
    name: '13 a poll opens a session as a WebSocket with its own headers',
    origin: opening(),
    run: async (script) => {
      const headers = ['Origin: http://page.example', 'Cookie: a=b', 'X-Own: 1', 'Accept: */*'];
      await (await poll(script, headers)).closed();
    },
  },
  {
    name: '13 a poll that opens a session and names the type of its body',
    origin: opening(),
    run: async (script) => await (await poll(script, ['Content-Type: text/plain'])).closed(),
  },
  {
    name: '13 a session at another path of its origin',
    origin: opening(),
    run: async (script) => await polled(script, 'sockjs-as.example'),
  },
  {
    name: '13 a session that its origin refuses',
    origin: () => answer('403 Forbidden', ['Content-Type: text/html', 'X-Why: 1'], 'no\n'),
    run: async (script) => {
      await polled(script);
      await (await script.client(get(HOST, target(script, 'jsonp', '&c=cb'), [CLOSE]))).closed();
    },
  },
  {
    name: '13 a session without an origin',
    run: async (script) => await polled(script, 'sockjs-dead.example'),
  },
  {
    name: '13 what is said with the opening waits for the next poll',
    origin: opening([event('TEXT', 'a "b" \\ / \u00e9 \u2028 \u0001')]),
    run: async (script) => {
      await polled(script);
      await polled(script);
    },
  },
  {
    name: '13 binary content goes out as text',
    origin: opening([event('BINARY', Buffer.from([0xc3, 0xa9, 0xff]))]),
    run: async (script) => {
      await polled(script);
      await polled(script);
    },
  },
  {
    name: '13 a poll waits for what the origin says',
    origin: opening([], [event('TEXT', 'answer')]),
    run: async (script) => {
      await polled(script);
      await sent(script, '["question"]');
      await polled(script);
    },
  },
  {
    name: '13 a second poll while one waits',
    origin: opening([], [event('TEXT', 'answer')]),
    run: async (script) => {
      await polled(script);
      const first = await poll(script);
      await sent(script, '[]');
      await polled(script);
      await sent(script, '["question"]');
      await first.closed();
    },
  },
  refused('13 messages that are no JSON', 'x'),
  refused('13 messages that are a text', '"x"'),
  refused('13 messages that are an object', '{}'),
  refused('13 messages with a number among them', '["a",1]'),
  refused('13 no messages at all', '[]'),
  refused('13 no body at all', ''),
  {
    name: '13 a close of the origin is told to each poll',
    origin: opening([], [event('CLOSE', closePayload(4001, 'so "long"'))]),
    run: async (script) => {
      await polled(script);
      await sent(script, '["x"]');
      await polled(script);
      await script.originRequests(3);
      await polled(script);
      await sent(script, '["y"]');
    },
  },
  {
    name: '13 a close of the origin without a code',
    origin: opening([], [event('CLOSE')]),
    run: async (script) => {
      await polled(script);
      await sent(script, '["x"]');
      await polled(script);
      await script.originRequests(3);
    },
  },
  {
    name: '13 an origin that breaks off while a poll waits',
    origin: opening([], [event('DISCONNECT')]),
    run: async (script) => {
      await polled(script);
      const waiting = await poll(script);
      await sent(script, '[]');
      await sent(script, '["x"]');
      await waiting.closed();
    },
  },
  {
    name: '13 nobody polls for five seconds',
    origin: opening(),
    run: async (script) => {
      await polled(script);
      await script.originRequests(2, 8);
      await sent(script, '["x"]');
    },
  },
  {
    name: '13 a published message for a poll, and a close',
    origin: SUBSCRIBED,
    run: async (script) => {
      await polled(script);
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'n\u00e9ws' } });
      await polled(script);
      await script.publish({
        channel: script.channel('a'),
        'ws-message': { action: 'close', code: 4005, reason: 'r' },
      });
      await script.originRequests(2);
      await polled(script);
    },
  },
  {
    name: '13 a published close without a code',
    origin: SUBSCRIBED,
    run: async (script) => {
      await polled(script);
      await script.publish({ channel: script.channel('a'), 'ws-message': { action: 'close' } });
      await script.originRequests(2);
      await polled(script);
    },
  },
  {
    name: '13 a session of calls',
    origin: opening([], [event('TEXT', 'a "b"')]),
    run: async (script) => {
      const call = async () =>
        await (await script.client(get(HOST, target(script, 'jsonp', '&c=cb'), [CLOSE]))).closed();
      const form = async (query: string, body: string) =>
        await (await script.client(post(HOST, target(script, 'jsonp_send', query), [CLOSE], body))).closed();
      await call();
      await form('', 'd=%5B%22x%2By%22%5D');
      await call();
      await form('&c=cb', 'i=1&d=%5B%5D');
      await form('&c=cb', 'd=x');
      await form('', '["x"]');
    },
  },
  {
    name: '13 blanks in a form',
    origin: opening(),
    run: async (script) => {
      await polled(script);
      const form = 'd=%5B%22a+b%2Bc%22%5D';
      await (await script.client(post(HOST, target(script, 'jsonp_send'), [CLOSE], form))).closed();
      await script.originRequests(2);
    },
  },
  {
    name: '13 a callback with escapes',
    origin: opening(),
    run: async (script) => {
      const query = '&c=a.b%2B';
      await (await script.client(get(HOST, target(script, 'jsonp', query), [CLOSE]))).closed();
    },
  },
  {
    name: '13 line ends of JavaScript in a call',
    origin: opening([event('TEXT', '\u2028')]),
    run: async (script) => {
      await polled(script);
      await (await script.client(get(HOST, target(script, 'jsonp', '&c=cb'), [CLOSE]))).closed();
    },
  },
];

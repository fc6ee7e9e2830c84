/** The bytes of WebSocket-over-HTTP: what an origin's events may look like, and what a client's become (10.1, 10.2, 10.5, 10.6, 10.9). */
import { answer, type Case } from '../case.js';
import type { AnswerScript } from '../recording-origin.js';
import { clientFrame, closePayload, MORE_FOLLOWS } from '../websocket-bytes.js';
import { connected, EVENTS, event, events, fence, inTurn, opening, upgrade } from '../websocket-steps.js';

const ALL_GOOD = 'TEXT 3\r\nend\r\n';

/** The origin answers a message with `body`; the client gets something with `seen` in it, or is dropped. */
function read(name: string, body: string | Buffer, seen = 'end'): Case {
  return {
    name,
    origin: opening(answer('200 OK', [EVENTS], body)),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'x'));
      await client.untilOrClosed(seen);
      await fence(script);
    },
  };
}

/** A client says `frames`, and the origin gets them in `count` requests. */
function said(name: string, frames: readonly Buffer[], count = 1, host = 'over.example', origin = opening()): Case {
  return {
    name,
    origin,
    run: async (script) => {
      const client = await connected(script, host);
      client.send(Buffer.concat([...frames]));
      await script.originRequests(count + 1);
      await fence(script);
    },
  };
}

/** The client's headers as the origin gets them. */
function asked(name: string, headers: readonly string[], host = 'over.example', path?: string): Case {
  return {
    name,
    origin: opening(),
    run: async (script) => {
      const client = await upgrade(script, headers, host, path);
      await client.until('\r\n\r\n');
    },
  };
}

/** A message comes while the request with the first one is under way. */
function waiting(name: string, host = 'over.example'): Case {
  const answers: readonly AnswerScript[] = [() => '', () => events([event('TEXT', 'done')])];
  return {
    name,
    origin: opening(...answers),
    run: async (script) => {
      const client = await connected(script, host);
      client.send(clientFrame('TEXT', 'first'));
      await script.originRequests(2);
      client.send(clientFrame('TEXT', 'second'));
      script.originAnswers(events([event('TEXT', 'go on')]));
      await client.until('done');
      await fence(script);
    },
  };
}

const BODIES: readonly Case[] = [
  read('10.1 a size in capitals', `TEXT A\r\n0123456789\r\n${ALL_GOOD}`),
  read('10.1 a size with leading zeros', `TEXT 0002\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a size with 0x', `TEXT 0x2\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a size with 0X', `TEXT 0X2\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a size of zero', `TEXT 0\r\n\r\n${ALL_GOOD}`),
  read('10.1 a message without a size', `TEXT\r\nBINARY\r\nPING\r\nPONG\r\n${ALL_GOOD}`),
  read('10.1 a size that is no number', `TEXT g\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 an empty size', `TEXT \r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a negative size', `TEXT -1\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a size beyond all bodies', 'TEXT 7fffffff\r\nall of the rest', 'rest'),
  read('10.1 a size beyond 31 bits', `TEXT 80000000\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 content that is cut short', 'TEXT 5\r\nabc', 'abc'),
  read('10.1 content without its line end', 'TEXT 3\r\nabc', 'abc'),
  read('10.1 two other bytes behind content', `TEXT 3\r\nabc!!${ALL_GOOD}`),
  read('10.1 line ends inside of content', `TEXT 6\r\na\r\nb\r\n\r\n${ALL_GOOD}`),
  read('10.1 a type line without an end', 'TEXT 3\r\nabc\r\nTEXT', 'abc'),
  read('10.1 a type line that ends with a bare line feed', 'TEXT 3\nabc\r\n', 'abc'),
  read('10.1 an empty line', `\r\n${ALL_GOOD}`),
  read('10.1 a type in lower case', `text 2\r\nhi\r\n${ALL_GOOD}`),
  read('10.1 a type nobody knows without content', `SMOKE\r\n${ALL_GOOD}`),
  read('10.1 content that is no UTF-8', Buffer.from('TEXT 2\r\n\xff\xfe\r\nTEXT 3\r\nend\r\n', 'latin1')),
  read('10.1 a binary message with all kinds of bytes', event('BINARY', Buffer.from([0, 13, 10, 255])), '\x00\r\n\xff'),
];

const SAID: readonly Case[] = [
  said('10.1 an empty binary message', [clientFrame('BINARY')]),
  said('10.1 a ping without content', [clientFrame('PING')]),
  said('10.1 a pong without content', [clientFrame('PONG')]),
  said('10.1 a pong with content', [clientFrame('PONG', 'here')]),
  said('10.1 a size is written in lower case', [clientFrame('TEXT', 'x'.repeat(0xabc))]),
  said('10.5 a message in two fragments is one event', [
    clientFrame('TEXT', 'one ', MORE_FOLLOWS),
    clientFrame('CONTINUATION', 'message'),
  ]),
  said('10.5 a binary message in three fragments is one event', [
    clientFrame('BINARY', 'a', MORE_FOLLOWS),
    clientFrame('CONTINUATION', '', MORE_FOLLOWS),
    clientFrame('CONTINUATION', 'b'),
  ]),
  waiting('10.5 a message that comes while a request is under way waits'),
  waiting('10.9 with one_event each message has a request of its own', 'over-one.example'),
];

const ASKED: readonly Case[] = [
  asked('10.2 headers of a browser', [
    'Origin: http://over.example',
    'Cookie: a=1; b=2',
    'User-Agent: agent/1',
    'Accept-Language: de',
    'Cache-Control: no-cache',
    'Pragma: no-cache',
    'Sec-WebSocket-Protocol: chat, superchat',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  ]),
  asked('10.2 headers that belong to the events', [
    'Accept: text/html',
    'Content-Type: text/plain',
    'Connection-Id: 1',
    'Meta-Forged: 1',
    'META-forged: 2',
    'X-Meta-Kept: 1',
  ]),
  asked('10.2 headers of GRIP that a client forges', [
    'Grip-Sig: x',
    'Grip-Feature: all',
    'Grip-Last: a; last-id=1',
    'X-Grip: kept',
  ]),
  asked('10.2 two headers of one name', ['X-Same: 1', 'X-Same: 2', 'Cookie: a=1', 'Cookie: b=2']),
  asked('10.2 headers between proxies', ['Keep-Alive: 1', 'TE: trailers', 'Proxy-Authorization: x', 'Via: 1.1 a']),
  asked('10.2 forwarded addresses and protocols', ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https']),
  asked('10.2 a path with escapes and without a query', [], 'over.example', '/a%2Fb/%20'),
  asked('10.2 a host with a port', [], 'over.example:8080'),
  asked('10.2 no_grip leaves GRIP out', ['Sec-WebSocket-Extensions: grip'], 'over-signless.example'),
];

const ENDINGS: readonly Case[] = [
  read('10.6 a second OPEN', event('OPEN'), 'nothing'),
  read('10.6 what stands behind a DISCONNECT', Buffer.concat([event('DISCONNECT'), event('TEXT', 'lost')]), 'lost'),
  read('10.6 what stands before a DISCONNECT', Buffer.concat([event('TEXT', 'kept'), event('DISCONNECT')]), 'nothing'),
  read(
    '10.6 what stands behind a CLOSE',
    Buffer.concat([event('CLOSE', closePayload(4001, 'now')), event('TEXT', 'lost')]),
    'now',
  ),
  read('10.6 a CLOSE without content', Buffer.concat([event('TEXT', 'a'), event('CLOSE')]), '\x88'),
  read('10.6 a CLOSE of one byte', Buffer.concat([event('TEXT', 'a'), event('CLOSE', 'x')]), '\x88'),
  read('10.6 a CLOSE with a code that no frame may carry', event('CLOSE', closePayload(1005, 'x')), '\x88'),
  read('10.6 a CLOSE with the code 0', event('CLOSE', closePayload(0, 'x')), '\x88'),
  { ...read('10.6 a message of 10000 bytes', event('TEXT', `${'x'.repeat(9_997)}end`)), freedoms: ['fragments'] },
  read('10.6 an answer of more than a million bytes', event('TEXT', 'x'.repeat(1_000_001)), 'xx'),
  {
    name: '10.6 an answer without events is nothing',
    origin: opening(events([]), events([event('TEXT', 'end')])),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', '1'));
      await script.originRequests(2);
      client.send(clientFrame('TEXT', '2'));
      await client.until('end');
    },
  },
  {
    name: '10.6 events of a chunked answer',
    origin: opening(
      `HTTP/1.1 200 OK\r\n${EVENTS}\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nTEXT 3\r\n5\r\n\r\nend\r\n2\r\n\r\n\r\n0\r\n\r\n`,
    ),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', '1'));
      await client.untilOrClosed('end');
      await fence(script);
    },
  },
  {
    name: '10.6 events of an answer that ends with its connection',
    origin: opening({ bytes: `HTTP/1.1 200 OK\r\n${EVENTS}\r\n\r\nTEXT 3\r\nend\r\n`, after: 'close' }),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', '1'));
      await client.untilOrClosed('end');
      await fence(script);
    },
  },
  {
    name: '10.2 the first events are those of a route without GRIP',
    origin: inTurn(
      events([event('OPEN'), event('TEXT', 'm:a'), event('TEXT', 'c:{}end')], ['Sec-WebSocket-Extensions: grip']),
    ),
    run: async (script) => {
      const client = await upgrade(script, [], 'over-signless.example');
      await client.until('end');
    },
  },
];

export const WEBSOCKET_EVENTS: readonly Case[] = [...BODIES, ...SAID, ...ASKED, ...ENDINGS];

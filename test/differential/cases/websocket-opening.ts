/** How a WebSocket over HTTP comes about, or does not: the first answer, its headers, refusals, targets that fail (10.3, 10.4, 10.10). */
import { answer, type Case } from '../case.js';
import type { Answer } from '../recording-origin.js';
import { clientFrame, closePayload } from '../websocket-bytes.js';
import { connected, EVENTS, event, events, fence, GRIP, inTurn, opening, upgrade } from '../websocket-steps.js';

const OPEN = event('OPEN');
const END = event('TEXT', 'end');

/** The first answer does not lead to a WebSocket; what the client gets, and what the origin hears. */
function refused(name: string, first: Answer, host = 'over.example'): Case {
  return {
    name,
    origin: inTurn(first),
    run: async (script) => {
      const client = await upgrade(script, [], host);
      await client.closed();
      await fence(script);
    },
  };
}

/** No origin is reached. */
function unreachable(name: string, host: string): Case {
  return {
    name,
    run: async (script) => {
      const client = await upgrade(script, [], host);
      await client.closed();
    },
  };
}

/** The first answer opens, with these headers and then these events, and the last one has `end` in it. */
function accepted(
  name: string,
  headers: readonly string[],
  more: readonly Buffer[] = [END],
  status = '200 OK',
  seen = 'end',
): Case {
  return {
    name,
    origin: inTurn(answer(status, [EVENTS, ...headers], Buffer.concat([OPEN, ...more]))),
    run: async (script) => {
      const client = await upgrade(script);
      await client.untilOrClosed(seen);
    },
  };
}

/** An answer sets meta, and the next request shows what became of it. */
function remembered(name: string, first: readonly string[], second: readonly string[] = []): Case {
  return {
    name,
    origin: inTurn(events([OPEN], first), events([event('TEXT', 'one')], second), events([END])),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', '1'));
      await client.until('one');
      client.send(clientFrame('TEXT', '2'));
      await client.until('end');
    },
  };
}

/** What a later answer with this head does to the connection. */
function later(name: string, next: Answer): Case {
  return {
    name,
    origin: opening(next),
    run: async (script) => {
      const client = await connected(script);
      client.send(clientFrame('TEXT', 'x'));
      await client.untilOrClosed('end');
      await fence(script);
    },
  };
}

const REFUSED: readonly Case[] = [
  refused('10.3 a refusal without a body', answer('401 Unauthorized', ['WWW-Authenticate: Basic realm="x"'], '')),
  refused('10.3 a redirection', answer('302 Found', ['Location: /elsewhere'], 'over there\n')),
  refused('10.3 a status without a reason of its own', answer('499 Not Like This', [], 'no\n')),
  refused('10.3 a refusal without a length', {
    bytes: 'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\nuntil the end\n',
    after: 'close',
  }),
  refused(
    '10.3 a refusal in chunks',
    'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n6\r\n here\n\r\n0\r\n\r\n',
  ),
  refused('10.3 a refusal of 204', 'HTTP/1.1 204 No Content\r\nX-Why: 1\r\n\r\n'),
  refused('10.3 a refusal of 304', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'),
  refused('10.3 another good status', answer('201 Created', [EVENTS], OPEN)),
  refused('10.3 the type of events with a parameter', answer('200 OK', [`${EVENTS}; charset=utf-8`], OPEN)),
  refused('10.3 the type of events in capitals', answer('200 OK', [EVENTS.replace('app', 'App')], OPEN)),
  refused('10.3 events without a type', answer('200 OK', [], OPEN)),
  refused(
    '10.3 headers of a refusal that belong to the connection or the proxy',
    answer(
      '403 Forbidden',
      [
        'Upgrade: websocket',
        'Sec-WebSocket-Accept: x',
        GRIP,
        'Keep-Alive: 1',
        'Set-Cookie: a=1',
        'Set-Cookie: b=2',
        'Set-Meta-User: alice',
        'Keep-Alive-Interval: 30',
        'Grip-Hold: response',
        'X-Why: 1',
      ],
      'no\n',
    ),
  ),
  refused('10.3 a refusal of 20000 bytes', answer('400 Bad Request', [], 'x'.repeat(20_000))),
  refused('10.3 a refusal of more than is relayed', answer('400 Bad Request', [], 'x'.repeat(100_001))),
  refused('10.3 a refusal with UTF-8 in its body', answer('400 Bad Request', ['X-Word: \xfc'], 'größer\n')),
  refused('10.4 a body that is no events', answer('200 OK', [EVENTS], 'OPEN')),
  refused('10.4 an OPEN whose size is no number', answer('200 OK', [EVENTS], 'OPEN x\r\n')),
  refused('10.4 an OPEN in lower case', answer('200 OK', [EVENTS], 'open\r\n')),
  refused('10.4 a CLOSE instead of an OPEN', events([event('CLOSE', closePayload(4000))])),
  refused('10.4 a DISCONNECT instead of an OPEN', events([event('DISCONNECT')])),
  refused('10.4 an unknown event before the OPEN', events([event('SMOKE'), OPEN])),
  refused('10.4 no events and an interval of zero', events([], ['Keep-Alive-Interval: 0'])),
  refused('10.4 no events and an interval that is no number', events([], ['Keep-Alive-Interval: soon'])),
  refused('10.4 no events and a negative interval', events([], ['Keep-Alive-Interval: -5'])),
  refused(
    '10.4 a first answer that is malformed, with debug',
    answer('200 OK', [EVENTS], 'OPEN'),
    'over-debug.example',
  ),
  refused('10.10 an origin that speaks no HTTP', { bytes: 'nonsense\r\n\r\n', after: 'close' }),
  unreachable('10.10 no origin is there', 'over-dead.example'),
  unreachable('10.10 no origin is there, with debug', 'over-dead-debug.example'),
  {
    name: '10.10 the next target when the first is not there',
    origin: opening(events([END])),
    run: async (script) => {
      const client = await connected(script, 'over-down.example');
      client.send(clientFrame('TEXT', 'x'));
      await client.until('end');
    },
  },
];

const ACCEPTED: readonly Case[] = [
  accepted('10.4 headers that are for the proxy', [
    'Set-Meta-User: alice',
    'Keep-Alive-Interval: 30',
    'Keep-Alive: 5',
    'Sec-WebSocket-Accept: x',
    'Sec-WebSocket-Extensions: permessage-deflate',
    'Upgrade: other',
    'X-Kept: 1',
  ]),
  accepted('10.4 headers that are for the client', [
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Server: origin',
    'Date: today',
    'Sec-WebSocket-Protocol: chat',
    'Sec-WebSocket-Version: 13',
    'X-Empty: ',
    'x-lower: 1',
  ]),
  accepted('10.4 the headers of GRIP for plain HTTP', ['Grip-Hold: stream', 'Grip-Channel: a', 'Grip-Status: 201']),
  accepted('10.4 the reason is that of a handshake', [], [END], '200 Very Well'),
  accepted('10.4 an OPEN with content', [], [Buffer.from('TEXT 3\r\nend\r\n')]),
  accepted('10.4 a CLOSE right behind the OPEN', [], [event('CLOSE', closePayload(4001, 'end'))]),
  accepted('10.4 a DISCONNECT right behind the OPEN', [], [event('DISCONNECT')]),
  accepted('10.4 a second OPEN right behind the first', [], [OPEN, END]),
  accepted('10.4 a malformed event right behind the OPEN', [], [Buffer.from('TEXT x\r\n')]),
  accepted('10.3 the length of the events is not shown', ['Content-Language: en', 'Content-Encoding: identity']),
];

const SETTLED: readonly Case[] = [
  remembered('10.3 two values of one meta', ['Set-Meta-User: a', 'Set-Meta-User: b']),
  remembered('10.3 the case of a meta name', ['Set-Meta-UsEr: a', 'SET-META-Room: b']),
  remembered('10.3 a meta that is set again in another case', ['Set-Meta-User: a'], ['set-meta-user: b']),
  remembered('10.3 a meta that is deleted', ['Set-Meta-User: a', 'Set-Meta-Room: b'], ['Set-Meta-User: ']),
  remembered('10.3 a meta that is deleted before it was set', ['Set-Meta-User: ']),
  remembered('10.3 a meta with blanks and commas', ['Set-Meta-User:   a, b;  c  ']),
  remembered('10.3 metas come in the order of their names', ['Set-Meta-Z: 1', 'Set-Meta-A: 2', 'Set-Meta-M: 3']),
  later('10.3 a later answer of another type', answer('200 OK', ['Content-Type: text/plain'], END)),
  later('10.3 a later answer with a parameter in its type', answer('200 OK', [`${EVENTS};x=1`], END)),
  later('10.3 a later answer with another good status', answer('202 Accepted', [EVENTS], END)),
  later('10.3 a later answer of 204', 'HTTP/1.1 204 No Content\r\n\r\n'),
];

export const WEBSOCKET_OPENING: readonly Case[] = [...REFUSED, ...ACCEPTED, ...SETTLED];

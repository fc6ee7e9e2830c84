/** Origins that speak WebSocket themselves: the handshake and messages both ways (11.1). */
import { answer, type Case } from '../case.js';
import type { Answer, AnswerScript } from '../recording-origin.js';
import { clientFrame, MORE_FOLLOWS, serverFrame } from '../websocket-bytes.js';
import { accepting, between, fence, HANDSHAKE, handshake, inTurn, upgrade } from '../websocket-steps.js';

/** The last that an origin says: no prefix and no control message stand in its way. */
const END = serverFrame('PING', '');
const SEEN = '\x89\x00';

/** The handshake as the origin gets it, and the answer that the client gets. */
function shaken(
  name: string,
  asked: readonly string[],
  answered: readonly string[] = [],
  host = 'plain.example',
  reason?: string,
): Case {
  return {
    name,
    origin: inTurn((request) => handshake(request, answered, [END], reason)),
    run: async (script) => {
      const client = await upgrade(script, asked, host);
      await client.untilOrClosed(SEEN);
    },
  };
}

/** The origin's answer does not lead to a WebSocket. */
function refused(name: string, first: Answer | AnswerScript, host = 'plain.example'): Case {
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

/** The client's frames, as they reach the origin up to one that says so. */
function upwards(name: string, ...frames: readonly Buffer[]): Case {
  return between(name, async ({ client, origin }) => {
    client.send(Buffer.concat([...frames, clientFrame('TEXT', 'end')]));
    await origin.until('"end"');
  });
}

/** The origin's frames, as they reach the client up to one that says so. */
function downwards(name: string, ...frames: readonly Buffer[]): Case {
  return between(name, async ({ client, origin }) => {
    origin.send(...frames, serverFrame('TEXT', 'end'));
    await client.untilOrClosed('\x03end');
  });
}

/** The origin's 101 is not what was asked for, with or without an error that says so. */
function deceived(name: string, first: Answer | AnswerScript): Case {
  return {
    name,
    origin: inTurn(first),
    run: async (script) => {
      const client = await upgrade(script, [], 'plain.example');
      await client.untilOrClosed(['xOo=\r\n\r\n', 'origin.\n']);
    },
  };
}

const HANDSHAKES: readonly Case[] = [
  shaken('11.1 headers of a browser', [
    'Origin: http://plain.example',
    'Cookie: a=1; b=2',
    'User-Agent: agent/1',
    'Cache-Control: no-cache',
    'Sec-WebSocket-Protocol: chat, superchat',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
    'X-Same: 1',
    'X-Same: 2',
  ]),
  shaken('11.1 headers that a client forges', ['Grip-Sig: x', 'Grip-Feature: all', 'X-Grip: kept', 'Meta-Kept: 1']),
  shaken('11.1 headers between client and proxy', ['Keep-Alive: 1', 'TE: trailers', 'Accept: text/html']),
  shaken('11.1 forwarded addresses and protocols', ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https']),
  shaken(
    "11.1 headers of the origin's 101",
    ['Sec-WebSocket-Protocol: chat, superchat'],
    ['Sec-WebSocket-Protocol: superchat', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Server: origin', 'x-lower: 1'],
  ),
  shaken("11.1 the origin's reason is passed on", [], [], 'plain.example', 'Here We Go'),
  shaken('11.1 an extension that nobody asked for', [], ['Sec-WebSocket-Extensions: permessage-deflate']),
  shaken('11.1 a protocol that nobody asked for', [], ['Sec-WebSocket-Protocol: chat']),
  shaken(
    "11.1 headers of the origin's connection",
    [],
    ['Keep-Alive: 5', 'Content-Type: text/plain', 'Grip-Hold: stream'],
  ),
  shaken('11.1 the next target when the first is not there', [], [], 'down.example'),
  shaken('11.1 without GRIP the extensions are between client and origin', [], [], 'signless.example'),
  shaken(
    "11.1 without GRIP the origin's extension reaches a client that asked for it",
    ['Sec-WebSocket-Extensions: grip'],
    ['Sec-WebSocket-Extensions: grip'],
    'signless.example',
  ),
  shaken(
    '11.2 with GRIP the extension is not shown to a client that asked for it',
    ['Sec-WebSocket-Extensions: grip'],
    ['Sec-WebSocket-Extensions: grip'],
  ),
];

const REFUSED: readonly Case[] = [
  refused('11.1 a refusal', answer('403 Forbidden', ['Content-Type: text/plain', 'X-Why: 1'], 'not you\n')),
  refused('11.1 a refusal without a body', answer('404 Nothing Here', [], '')),
  refused('11.1 a redirection', answer('302 Found', ['Location: /elsewhere'], 'there\n')),
  refused('11.1 an ordinary answer', answer('200 OK', ['Content-Type: text/html'], 'a page\n')),
  refused(
    '11.1 a refusal in chunks',
    'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n6\r\n here\n\r\n0\r\n\r\n',
  ),
  refused('11.1 a refusal that ends with its connection', {
    bytes: 'HTTP/1.1 404 Not Found\r\n\r\nuntil the end\n',
    after: 'close',
  }),
  refused('11.1 a refusal of 20000 bytes', answer('400 Bad Request', [], 'x'.repeat(20_000))),
  refused(
    '11.1 headers of a refusal',
    answer(
      '403 Forbidden',
      ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Sec-WebSocket-Version: 8', 'Upgrade: other'],
      'no\n',
    ),
  ),
  refused('11.1 an origin that speaks no HTTP', { bytes: 'nonsense\r\n\r\n', after: 'close' }),
  deceived('11.1 a 101 with the answer to another key', (request) =>
    Buffer.from(
      handshake(request)
        .toString('latin1')
        .replace(/(Accept: )./, '$1!'),
      'latin1',
    ),
  ),
  deceived(
    '11.1 a 101 without an answer to the key',
    'HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  ),
  {
    name: '11.1 no origin is there',
    run: async (script) => await (await upgrade(script, [], 'dead.example')).closed(),
  },
  {
    name: '11.1 no origin is there, with debug',
    run: async (script) => await (await upgrade(script, [], 'dead-debug.example')).closed(),
  },
];

const MESSAGES: readonly Case[] = [
  upwards(
    '11.1 text and binary of a client',
    clientFrame('TEXT', 'hello'),
    clientFrame('BINARY', Buffer.from([0, 255])),
  ),
  upwards('11.1 empty messages of a client', clientFrame('TEXT'), clientFrame('BINARY')),
  upwards('11.1 pings and pongs of a client', clientFrame('PING', 'a'), clientFrame('PONG', 'b')),
  upwards('11.1 an empty ping and an empty pong of a client', clientFrame('PING'), clientFrame('PONG')),
  downwards('11.1 an empty ping and an empty pong of an origin', serverFrame('PING'), serverFrame('PONG')),
  upwards('11.1 control messages of a client are only text', clientFrame('TEXT', 'c:{"type":"detach"}')),
  upwards('11.1 a message of 1000 bytes of a client', clientFrame('TEXT', 'x'.repeat(1000))),
  upwards(
    '11.1 a message of a client in fragments',
    clientFrame('TEXT', 'one ', MORE_FOLLOWS),
    clientFrame('CONTINUATION', 'message'),
  ),
  downwards(
    '11.1 text and binary of an origin',
    serverFrame('TEXT', 'hello'),
    serverFrame('BINARY', Buffer.from([0, 255])),
  ),
  downwards('11.1 empty messages of an origin', serverFrame('TEXT'), serverFrame('BINARY')),
  downwards('11.1 pings and pongs of an origin', serverFrame('PING', 'a'), serverFrame('PONG', 'b')),
  downwards('11.1 a message of 1000 bytes of an origin', serverFrame('TEXT', 'x'.repeat(1000))),
  {
    ...downwards('11.1 a message of 20000 bytes of an origin', serverFrame('BINARY', 'x'.repeat(20_000))),
    freedoms: ['fragments'],
  },
  downwards(
    '11.1 a message of an origin in fragments',
    serverFrame('TEXT', 'one ', MORE_FOLLOWS),
    serverFrame('CONTINUATION', 'message'),
  ),
  downwards('11.2 without the extension all is plain text', serverFrame('TEXT', 'm:a'), serverFrame('TEXT', 'c:{}')),
  {
    name: '11.1 what an origin says right behind its 101',
    origin: accepting([], [serverFrame('TEXT', 'at once')]),
    run: async (script) => await (await upgrade(script, [], 'plain.example')).until('at once'),
  },
  {
    name: '11.1 what a client says right behind its handshake',
    origin: accepting(),
    run: async (script) => {
      const request = ['GET /KEY HTTP/1.1', 'Host: plain.example', ...HANDSHAKE, '', ''].join('\r\n');
      const bytes = Buffer.from(request.replace('KEY', script.key));
      const client = await script.client(Buffer.concat([bytes, clientFrame('TEXT', 'at once')]));
      await (await script.originSocket()).until('at once');
      await client.until('\r\n\r\n');
    },
  },
];

export const WEBSOCKET_TARGETS: readonly Case[] = [...HANDSHAKES, ...REFUSED, ...MESSAGES];

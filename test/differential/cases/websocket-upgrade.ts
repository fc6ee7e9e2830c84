/** Which requests are taken for the beginning of a WebSocket, and what the rest is answered (11.1, 15.3 to 15.5, 16). */
import { answer, type Case } from '../case.js';
import type { AnswerScript } from '../recording-origin.js';
import { clientFrame, closePayload } from '../websocket-bytes.js';
import { event, events, HANDSHAKE, handshake, inTurn } from '../websocket-steps.js';

/** Accepts what comes as a WebSocket, whichever way, and says so to what does not. */
const welcoming: AnswerScript = inTurn((request) => {
  const headers = request.message.headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  if (headers.includes('upgrade: websocket')) return handshake(request);
  return headers.includes('content-type: application/websocket-events')
    ? events([event('OPEN')])
    : answer('200 OK', [], 'plain HTTP\n');
});

const without = (...names: readonly string[]): string[] => {
  return HANDSHAKE.filter((line) => !names.some((name) => line.startsWith(`${name}:`)));
};

/** What the ends of all answers there may be look like. */
const ANSWERED = ['=\r\n\r\n', 'close\r\n\r\n', 'plain HTTP\n', 'request.\n', 'path.example\n', 'found\n'];

/** A request line and headers; the answer is waited for, or the end. */
function asked(
  name: string,
  headers: readonly string[],
  line = 'GET /KEY HTTP/1.1',
  host = 'over.example',
  body = '',
): Case {
  return {
    name,
    origin: welcoming,
    run: async (script) => {
      const head = [line.replace('KEY', script.key), `Host: ${host}`, ...headers, '', ''].join('\r\n');
      const client = await script.client(`${head}${body}`);
      await client.untilOrClosed(ANSWERED);
    },
  };
}

export const WEBSOCKET_UPGRADE: readonly Case[] = [
  asked('15.4 a handshake without a key', without('Sec-WebSocket-Key')),
  asked('15.4 a handshake with an empty key', [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: ']),
  asked('15.4 a handshake with any key', [...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: any']),
  asked('15.4 a handshake without a version', without('Sec-WebSocket-Version')),
  asked('15.4 a handshake with an older version', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']),
  asked('15.4 a handshake that posts', HANDSHAKE, 'POST /KEY HTTP/1.1'),
  asked(
    '15.4 a handshake with a body',
    [...HANDSHAKE, 'Content-Length: 4'],
    'GET /KEY HTTP/1.1',
    'over.example',
    'body',
  ),
  asked(
    '15.4 a handshake in chunks',
    [...HANDSHAKE, 'Transfer-Encoding: chunked'],
    'GET /KEY HTTP/1.1',
    'over.example',
    '0\r\n\r\n',
  ),
  asked('11.1 a handshake without Connection', without('Connection')),
  asked('11.1 a handshake with Connection: keep-alive', [...without('Connection'), 'Connection: keep-alive']),
  asked('11.1 a handshake with Connection: close', [...without('Connection'), 'Connection: close']),
  asked('11.1 a handshake with two connection options', [...without('Connection'), 'Connection: keep-alive, Upgrade']),
  asked('11.1 a handshake for WebSocket in another case', [...without('Upgrade'), 'Upgrade: WebSocket']),
  asked(
    '11.1 an upgrade to another protocol',
    [...without('Upgrade'), 'Upgrade: h2c'],
    'GET /KEY HTTP/1.1',
    'plain.example',
  ),
  asked(
    '11.1 an upgrade to two protocols',
    [...without('Upgrade'), 'Upgrade: websocket, h2c'],
    'GET /KEY HTTP/1.1',
    'plain.example',
  ),
  asked('11.1 a handshake of HTTP/1.0', HANDSHAKE, 'GET /KEY HTTP/1.0'),
  asked('11.1 a handshake without an Upgrade header', without('Upgrade'), 'GET /KEY HTTP/1.1', 'plain.example'),
  asked('15.5 a query that looks like a URL', HANDSHAKE, 'GET /KEY?a=http://x/ HTTP/1.1'),
  asked('2.5 a WebSocket is not for a route of another path', HANDSHAKE, 'GET /KEY HTTP/1.1', 'path.example'),
  {
    name: '16 the test target echoes',
    run: async (script) => {
      const client = await script.client(
        ['GET /ws?channel=none HTTP/1.1', 'Host: ready.test', ...HANDSHAKE, '', ''].join('\r\n'),
      );
      await client.until('\r\n\r\n');
      client.send(
        Buffer.concat([clientFrame('TEXT', 'c:one'), clientFrame('BINARY', 'two'), clientFrame('PING', '3')]),
      );
      await client.until('\x013');
      client.send(clientFrame('CLOSE', closePayload(4001, 'bye')));
      await client.closed();
    },
  },
  {
    name: '16 the test target subscribes to the channels of the query',
    run: async (script) => {
      const target = `/ws?channel=${script.channel('a')}&channel=${script.channel('ready')}`;
      const client = await script.client(
        [`GET ${target} HTTP/1.1`, 'Host: ready.test', ...HANDSHAKE, '', ''].join('\r\n'),
      );
      await client.until('\r\n\r\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await script.untilSubscribed(client, script.channel('a'));
      await script.publish({ channel: script.channel('a'), 'ws-message': { content: 'news' } });
      await client.until('news');
    },
  },
  {
    name: '16 the test target has no other WebSocket',
    run: async (script) => {
      const client = await script.client(
        ['GET /nothing HTTP/1.1', 'Host: ready.test', ...HANDSHAKE, '', ''].join('\r\n'),
      );
      await client.closed();
    },
  },
];

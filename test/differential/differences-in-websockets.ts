/** Where Holdfast is meant to differ from 1.36 over WebSockets, with events over HTTP or without (specification 10, 11, 15). */
import { type Apply, type Explanation, exchanging } from './changes.js';
import { ACCEPTED, hearing, onceExchanging } from './websocket-changes.js';

/** The origin's last request before the fence is followed by one that says that the client has gone. */
const disconnecting: Apply = (lines) => {
  const fence = lines.findIndex((line) => /^GET \S+\/fence /.test(line)) - 1;
  const last = lines.slice(0, fence).findLastIndex((line) => line.startsWith('== origin request '));
  const number = Number(/\d+$/.exec(lines[fence] ?? '')?.[0]);
  const goodbye = lines.slice(last + 1, fence).map((line) => {
    if (line.startsWith('content-length: ')) return 'content-length: 12';
    return line.startsWith('body (length): ') ? `body (length): ${JSON.stringify('DISCONNECT\r\n')}` : line;
  });
  const moved = `== origin request ${number + 1}`;
  return [...lines.slice(0, fence), `== origin request ${number}`, ...goodbye, moved, ...lines.slice(fence + 1)];
};

const INVALID =
  'Request contained an Upgrade header with value "websocket" but the request was not a valid WebSocket request.\n';

/** The handshake is answered with what is wrong, and no origin hears of it. */
const refusingHandshake: Apply = () => [
  '== client 1',
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain',
  `Content-Length: ${INVALID.length}`,
  `body (length): ${JSON.stringify(INVALID)}`,
  'end: not waited for',
];

const bodyOf = (size: number): Apply =>
  exchanging(
    ['body (length): ""', `body (length): ${JSON.stringify('x'.repeat(size))}`],
    ['the body is cut short', undefined],
  );

const OVER_HTTP: readonly Explanation[] = [
  {
    row: 'negative-size',
    cases: ['10.1 a negative size'],
    apply: (lines) =>
      onceExchanging(
        'end: not waited for',
        'end: closed by the proxy',
      )(lines.filter((line) => !line.startsWith('TEXT '))),
  },
  {
    row: 'size-beyond-body',
    cases: ['10.1 a size beyond all bodies'],
    apply: (lines) =>
      onceExchanging('end: closed by the proxy', 'end: not waited for')(hearing('TEXT "all of the rest"')(lines)),
  },
  {
    row: 'told-of-failure',
    cases: [
      '10.1 a size that is no number',
      '10.1 an empty size',
      '10.1 a negative size',
      '10.1 a size beyond 31 bits',
      '10.1 a type line without an end',
      '10.1 a type line that ends with a bare line feed',
      '10.3 a later answer that is not 200 drops the client',
      '10.3 a later answer of another type',
      '10.3 a later answer with a parameter in its type',
      '10.3 a later answer with another good status',
      '10.3 a later answer of 204',
      '10.6 an answer of more than a million bytes',
    ],
    apply: disconnecting,
  },
  {
    row: 'type-of-events',
    cases: ['10.2 headers that belong to the events'],
    apply: exchanging(['content-type: text/plain', undefined]),
  },
  {
    row: 'close-event-without-code',
    cases: [
      '10.6 a CLOSE without content',
      '10.6 a CLOSE of one byte',
      '10.7 a close without a code',
      '10.7 an origin that answers a close with one without a code',
      '10.7 a client answers a close that had no code',
    ],
    apply: exchanging(['CLOSE 1000 ""', 'CLOSE without a code']),
  },
  {
    row: 'impossible-codes',
    cases: ['10.6 a CLOSE with a code that no frame may carry', '10.6 a CLOSE with the code 0'],
    apply: exchanging(['CLOSE 1005 "x"', 'CLOSE without a code'], ['CLOSE 0 "x"', 'CLOSE without a code']),
  },
  {
    row: 'large-refusal',
    cases: ['10.3 a refusal of 20000 bytes', '11.1 a refusal of 20000 bytes'],
    apply: bodyOf(20_000),
  },
  { row: 'large-refusal', cases: ['10.3 a refusal of more than is relayed'], apply: bodyOf(100_000) },
  {
    row: 'answer-keep-alive',
    cases: [
      '10.3 headers of a refusal that belong to the connection or the proxy',
      '10.4 headers that are for the proxy',
      "11.1 headers of the origin's connection",
    ],
    apply: exchanging(['Keep-Alive: 1', undefined], ['Keep-Alive: 5', undefined]),
  },
  {
    row: 'events-encoding',
    cases: ['10.3 the length of the events is not shown'],
    apply: exchanging(['Content-Encoding: identity', undefined]),
  },
  { row: 'last-words', cases: ['10.6 what stands before a DISCONNECT'], apply: hearing('TEXT "kept"') },
  { row: 'last-words', cases: ['10.7 an origin that answers a close with a message'], apply: hearing('TEXT "end"') },
  {
    row: 'last-words',
    cases: ['11.1 last words of an origin to a client that closes'],
    apply: hearing('TEXT "farewell"'),
  },
];

const HANDSHAKES: readonly Explanation[] = [
  {
    row: 'no-route-text',
    cases: ['2.5 a WebSocket is not for a route of another path'],
    apply: exchanging(
      ['Content-Length: 32', 'Content-Length: 16'],
      ['body (length): "No route for host: path.example\\n"', 'body (length): "Route not found\\n"'],
    ),
  },
  {
    row: 'invalid-handshake',
    cases: [
      '15.4 a handshake without a key',
      '15.4 a handshake without a version',
      '15.4 a handshake with an older version',
      '15.4 a handshake that posts',
      '15.4 a handshake with a body',
      '15.4 a handshake in chunks',
    ],
    apply: refusingHandshake,
  },
  {
    row: 'strict-handshake',
    cases: [
      '15.4 a handshake with an empty key',
      '11.1 a handshake without Connection',
      '11.1 a handshake with Connection: keep-alive',
      '11.1 a handshake with Connection: close',
    ],
    apply: refusingHandshake,
  },
  {
    row: 'upgrade-in-any-case',
    cases: ['11.1 a handshake for WebSocket in another case'],
    apply: (lines) => [
      '== client 1',
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      ACCEPTED,
      ...lines.slice(lines.indexOf('end: not waited for')).flatMap((line) => {
        if (line.startsWith('GET ')) {
          const events = 'application/websocket-events';
          return [
            line.replace('GET', 'POST'),
            `accept: ${events}`,
            'connection-id: (uuid)',
            'content-length: 6',
            `content-type: ${events}`,
          ];
        }
        if (line.startsWith('sec-websocket-key: ')) return ['sec-websocket-extensions: grip', line];
        if (line.startsWith('upgrade: ')) return [];
        return line === 'no body' ? `body (length): ${JSON.stringify('OPEN\r\n')}` : line;
      }),
    ],
  },
  {
    row: 'upgrade-not-offered',
    cases: ['11.1 an upgrade to another protocol', '11.1 an upgrade to two protocols'],
    apply: (lines) => lines.filter((line) => !line.startsWith('upgrade: ')),
  },
  {
    row: 'version-of-101',
    cases: ['11.1 a handshake of HTTP/1.0'],
    apply: exchanging(['HTTP/1.0 101 Switching Protocols', 'HTTP/1.1 101 Switching Protocols']),
  },
];

export const IN_WEBSOCKETS: readonly Explanation[] = [...OVER_HTTP, ...HANDSHAKES];

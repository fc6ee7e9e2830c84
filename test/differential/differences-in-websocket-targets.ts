/** Where Holdfast is meant to differ from 1.36 with origins that speak WebSocket themselves (specification 11). */
import { answering, type Explanation, exchanging } from './changes.js';
import { wholeMessages } from './websocket-bytes.js';
import { ACCEPTED, hearing, onceExchanging } from './websocket-changes.js';

const refusingOrigin = answering(
  'HTTP/1.1 502 Bad Gateway',
  'Content-Length: 32',
  `body (length): ${JSON.stringify('Error while proxying to origin.\n')}`,
);

const TO_ORIGINS: readonly Explanation[] = [
  {
    row: 'unasked-extension',
    cases: [
      '11.1 an extension that nobody asked for',
      '11.1 a protocol that nobody asked for',
      '11.2 the extension among others',
      '11.2 the extension in a second header',
      '11.2 the extension in capitals',
    ],
    apply: (lines) => {
      const refused = refusingOrigin(lines.filter((line) => !/^(TEXT|BINARY|PING) /.test(line)));
      return onceExchanging('end: not waited for', 'end: closed by the proxy')(refused);
    },
  },
  {
    row: 'accept-key',
    cases: ['11.1 a 101 with the answer to another key', '11.1 a 101 without an answer to the key'],
    apply: refusingOrigin,
  },
  {
    row: 'extensions-without-grip',
    cases: ["11.1 without GRIP the origin's extension reaches a client that asked for it"],
    apply: exchanging(
      [ACCEPTED, [ACCEPTED, 'Sec-WebSocket-Extensions: grip']],
      ['sec-websocket-key: (random)', ['sec-websocket-extensions: grip', 'sec-websocket-key: (random)']],
    ),
  },
  {
    row: 'refusal-of-origin',
    cases: ['11.1 a redirection', '11.1 an ordinary answer'],
    apply: exchanging(
      ['HTTP/1.1 302 ', ['HTTP/1.1 302 Found', 'Location: /elsewhere']],
      ['HTTP/1.1 200 ', ['HTTP/1.1 200 OK', 'Content-Type: text/html']],
    ),
  },
  {
    row: 'refusal-of-origin',
    cases: ['11.1 a refusal'],
    apply: exchanging(['HTTP/1.1 403 ', ['HTTP/1.1 403 Forbidden', 'Content-Type: text/plain', 'X-Why: 1']]),
  },
  {
    row: 'refusal-of-origin',
    cases: ['11.1 headers of a refusal'],
    apply: exchanging([
      'HTTP/1.1 403 ',
      ['HTTP/1.1 403 Forbidden', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Sec-WebSocket-Version: 8'],
    ]),
  },
  {
    row: 'refusal-of-origin',
    cases: [
      '11.1 a refusal without a body',
      '11.1 a refusal in chunks',
      '11.1 a refusal that ends with its connection',
      '11.1 a refusal of 20000 bytes',
    ],
    apply: (lines) =>
      lines.map((line, i) => {
        if (line === 'HTTP/1.1 400 ') return 'HTTP/1.1 400 Bad Request';
        if (line !== 'HTTP/1.1 404 ') return line;
        return lines[i + 1] === 'Content-Length: 0' ? 'HTTP/1.1 404 Nothing Here' : 'HTTP/1.1 404 Not Found';
      }),
  },
  {
    row: 'content-of-pings',
    cases: ['11.1 pings and pongs of a client', '11.1 pings and pongs of an origin'],
    apply: exchanging(['PING ""', 'PING "a"'], ['PONG ""', 'PONG "b"']),
  },
  {
    row: 'content-of-pings',
    cases: ['11.3 pings and pongs need no prefix'],
    apply: exchanging(['PING ""', 'PING "a"'], ['PONG ""', 'PONG "m:b"']),
  },
  {
    row: 'whole-messages',
    cases: [
      '11.1 a message of a client in fragments',
      '11.1 a message of an origin in fragments',
      '11.3 a message in fragments has its prefix in the first',
    ],
    apply: wholeMessages,
  },
  {
    row: 'whole-messages',
    cases: ['11.3 a control message in fragments'],
    apply: exchanging(['TEXT "news"', undefined]),
  },
  {
    row: 'close-code-of-origins',
    cases: [
      '11.1 a client closes without a code',
      '11.1 an origin closes without a code',
      '11.4 after a detach the client stays',
      '11.4 after a detach a delayed message is sent',
      '11.4 after a detach a close can be published',
      '11.6 a close with a code and a reason',
      '11.6 a close without a code',
      '11.6 a close with a reason alone',
      '11.6 a close with the code 0',
      '11.6 a close with a code that no frame may carry',
      '11.6 a close with a reason that is too long',
    ],
    apply: exchanging(['CLOSE without a code', 'CLOSE 1000 ""']),
  },
  {
    row: 'words-behind-close',
    cases: ['11.1 last words of a client to an origin that closes'],
    apply: exchanging(['TEXT "farewell"', undefined]),
  },
  {
    row: 'broken-frames',
    cases: [
      '11.1 an origin whose frame has a reserved bit',
      '11.1 an origin that masks',
      '11.1 an origin that goes on with a message it never began',
      '11.1 an origin whose close has one byte',
    ],
    apply: (lines) => {
      const kept = lines.filter((line) => !/^(TEXT|PING|CLOSE) /.test(line));
      const dropped = onceExchanging('end: not waited for', 'end: closed by the proxy')(kept);
      return dropped.flatMap((line) => (line === '== origin WebSocket 1' ? [line, 'CLOSE 1002 ""'] : line));
    },
  },
];

const PUBLISHED: readonly Explanation[] = [
  {
    row: 'empty-ping',
    cases: ['11.6 a ping without content'],
    apply: exchanging(['TEXT "end"', ['PING ""', 'TEXT "end"']]),
  },
  {
    row: 'published-close',
    cases: ['11.6 a close with a reason alone'],
    apply: onceExchanging('CLOSE 1000 ""', 'CLOSE 1000 "over"'),
  },
  {
    row: 'impossible-codes',
    cases: ['11.6 a close with the code 0', '11.6 a close with a code that no frame may carry'],
    apply: exchanging(['CLOSE 0 ""', 'CLOSE 1000 ""'], ['CLOSE 1006 ""', 'CLOSE 1000 ""']),
  },
  {
    row: 'published-close',
    cases: ['11.6 a close with a reason that is too long'],
    apply: hearing(`CLOSE 4009 "${'x'.repeat(123)}"`),
  },
  {
    row: 'too-many-filters',
    cases: ['11.4 six filters'],
    apply: exchanging(['PING ""', 'CLOSE 1011 ""']),
  },
  {
    row: 'filter-error-of-message',
    cases: ['11.6 a message that cannot be rendered, with debug'],
    apply: exchanging(
      ['TEXT "good"', `CLOSE 1011 "filter error: var-subst: Expected character after '(' at position 5"`],
      ['TEXT "end"', undefined],
    ),
  },
  {
    row: 'filter-error-of-message',
    cases: ['11.6 content filters that are not there, with debug'],
    apply: exchanging(['TEXT "end"', 'CLOSE 1011 "content filter mismatch: subscription= message=build-id"']),
  },
];

export const IN_WEBSOCKET_TARGETS: readonly Explanation[] = [...TO_ORIGINS, ...PUBLISHED];

/**
 * Where Holdfast is meant to differ from 1.36, case by case. A row of docs/differences.md gives the reason; `apply` turns
 * the original's lines into those Holdfast must give, so that an explained case may differ in exactly that and nothing else.
 */
import {
  answeredTwice,
  answering,
  type Explanation,
  exchanging,
  namingHoldfast,
  refusing,
  refusingCall,
  rewording,
} from './changes.js';
import { IN_HOLDS } from './differences-in-holds.js';
import { IN_SOCKJS } from './differences-in-sockjs.js';
import { IN_WEBSOCKET_TARGETS } from './differences-in-websocket-targets.js';
import { IN_WEBSOCKETS } from './differences-in-websockets.js';
import { ROWS_OF_RULES } from './normalise.js';

export const EXPLANATIONS: readonly Explanation[] = [
  {
    row: 'no-route-text',
    cases: [
      '2.5 a host with routes never falls back to the default route',
      '2.5 a WebSocket without a route is rejected with a bare 502',
    ],
    apply: exchanging(
      ['Content-Length: 32', 'Content-Length: 16'],
      ['body (length): "No route for host: path.example\\n"', 'body (length): "Route not found\\n"'],
    ),
  },
  {
    row: 'control-keep-alive',
    cases: ['7 a control connection without Connection: close'],
    apply: answeredTwice,
  },
  {
    row: 'refresh-action',
    cases: ['5.3 the refresh action'],
    apply: exchanging(
      ['"HTTP/1.1 400 Bad Request"', '"HTTP/1.1 200 OK"'],
      ['"Content-Length: 17"', '"Content-Length: 10"'],
      ['"Invalid format: \\n"', '"Published\\n"'],
    ),
  },
  {
    row: 'failed-body-patch',
    cases: [
      '5.5 a patch that fails',
      '5.5 add behind the end of a list fails',
      '5.5 replace of what is not there fails',
      '5.5 move into itself fails',
      '5.5 test fails',
      '5.5 a pointer without a slash fails',
      '5.5 a pointer with an empty part fails',
      '5.5 an index that is no number fails',
      '5.5 an operation nobody knows fails',
      '5.5 an operation without a value fails',
      '5.5 a body that is no JSON fails',
      '5.5 a body that is a number fails',
    ],
    apply: answering('HTTP/1.1 200 OK', 'Content-Type: application/json', 'Content-Length: 0', 'body (length): ""'),
  },
  {
    row: 'test-target-prefix',
    cases: ['16 a path that is just the prefix'],
    apply: exchanging(
      ['HTTP/1.1 404 Not Found', 'HTTP/1.1 200 OK'],
      ['Content-Length: 22', 'Content-Length: 37'],
      ['body (length): "no such test resource\\n"', 'body (length): "Hello from the Pushpin test handler!\\n"'],
    ),
  },
  {
    row: 'truncated-answer',
    cases: ['3.6 an origin that dies in the middle of a chunked answer'],
    apply: exchanging(
      ['body (chunked): "helloand"', ['body (chunked): "helloand"', 'the body is cut short']],
      ['end: not waited for', 'end: closed by the proxy'],
    ),
  },
  {
    row: 'too-many-filters',
    cases: ['4.3 too many filters are refused'],
    apply: answering(
      'HTTP/1.1 502 Bad Gateway',
      'Content-Type: text/plain',
      'Content-Length: 70',
      `body (length): "Failed to parse accept instructions: too many filters for channel 'a'\\n"`,
    ),
  },
  {
    // Behind the other rows, because it renames in what they make of an answer.
    row: 'product-name',
    cases: [
      '7 a control connection without Connection: close',
      '7.1 an HTTP/1.0 request gets an HTTP/1.0 answer',
      '7.1 lines may end with a bare line feed',
      '7.3 the root',
      '7.3 the root asked for JSON',
      '16 the root says hello',
      '16 a path that begins with a prefix loses it',
      '16 a path that is just the prefix',
      '16 a POST is answered like a GET',
    ],
    apply: namingHoldfast,
  },
  {
    row: 'escapes-kept',
    cases: ['3.3 letters that need no escape stay escaped'],
    apply: (lines) => lines.map((line) => line.replace(/^(GET \/[^/]+)\/A~\?x=- /, '$1/%41%7e?x=%2d ')),
  },
  {
    row: 'length-of-nothing',
    cases: ['3.3 the method is any token', '3.3 a method nobody knows', '3.11 a method in lower case'],
    apply: (lines) =>
      lines.flatMap((line) => (line === 'content-length: 0' ? [] : line === 'body (length): ""' ? 'no body' : line)),
  },
  {
    row: 'control-strict',
    cases: ['7.1 lines may end with a bare line feed'],
    apply: exchanging(
      ['"HTTP/1.1 200 OK"', '"HTTP/1.1 400 Bad Request"'],
      ['"Content-Length: 13"', '"Content-Length: 32"'],
      ['"Holdfast API\\n"', '"Failed to parse request header.\\n"'],
    ),
  },
  {
    row: 'control-strict',
    cases: ['7.1 a version nobody knows', '7.1 a line without a colon'],
    apply: refusing('Failed to parse request header.'),
  },
  {
    row: 'control-strict',
    cases: ['7.1 a negative length'],
    apply: refusing('Bad Content-Length.'),
  },
  {
    row: 'control-extra-bytes',
    cases: ['7.1 more bytes than the length says'],
    apply: exchanging(
      ['"HTTP/1.1 400 Bad Request"', '"HTTP/1.1 200 OK"'],
      ['"Content-Length: 38"', '"Content-Length: 10"'],
      ['"Request body exceeded Content-Length.\\n"', '"Published\\n"'],
    ),
  },
  {
    row: 'control-head',
    cases: ['7.3 HEAD on publish'],
    apply: exchanging(['"Method not allowed: HEAD.\\n"', '']),
  },
  {
    row: 'empty-request-header',
    cases: ['3.4 a header without a value is passed on'],
    apply: exchanging(['x-a: 1', ['x-a: 1', 'x-empty: ']]),
  },
  {
    row: 'header-without-blank',
    cases: ['3.6 a header without a blank after its colon'],
    apply: answering('HTTP/1.1 200 OK', 'X-Tight: 1', 'Content-Length: 5', 'body (length): "body\\n"'),
  },
  {
    row: 'json-p-escapes',
    cases: ['3.11 a callback whose escape is broken'],
    apply: refusingCall('Invalid callback parameter.'),
  },
  {
    row: 'json-p-escapes',
    cases: ['3.11 a body whose escape is broken'],
    apply: refusingCall('Invalid _body parameter.'),
  },
  {
    row: 'json-p-request-line',
    cases: ['3.11 a method with a blank'],
    apply: refusingCall('Invalid _method parameter.'),
  },
  {
    row: 'json-p-parameters',
    cases: ['3.11 other parameters with escapes of all kinds'],
    apply: rewording(['&a=b+c%26 HTTP', '&%61=b+c%26 HTTP']),
  },
  {
    row: 'json-p-line-ends',
    cases: ['3.11 line ends of JavaScript'],
    apply: rewording(
      ['Content-Length: 122', 'Content-Length: 128'],
      ['a\u00e2\u0080\u00a8b\u00e2\u0080\u00a9c', 'a\\\\u2028b\\\\u2029c'],
    ),
  },
  {
    row: 'upgrade-not-offered',
    cases: ['3.4 an Upgrade header is passed on'],
    apply: exchanging(['upgrade: foo', undefined]),
  },
  {
    row: 'long-request',
    cases: ['3.2 a long request and a Grip header without a hold'],
    apply: answering('HTTP/1.1 200 OK', 'Content-Length: 3', 'body (length): "ok\\n"'),
  },
  {
    row: 'exposed-of-long',
    cases: ['3.7 Grip-Expose-Headers and a long first body'],
    apply: exchanging(['Content-Type: text/plain', undefined], ['X-B: 2', undefined]),
  },
  {
    row: 'repeated-request',
    cases: ['3.2 an origin that hangs up without an answer to a POST'],
    apply: (lines) => lines.slice(0, lines.indexOf('== origin request 3')),
  },
  ...IN_HOLDS,
  ...IN_SOCKJS,
  ...IN_WEBSOCKETS,
  ...IN_WEBSOCKET_TARGETS,
];

/** The explanations of a case, in the order they are applied. */
export function explanationsOf(name: string): Explanation[] {
  return EXPLANATIONS.filter(({ cases }) => cases.includes(name));
}

/** Ids of all rows in use, each once. */
export function rowsInUse(): string[] {
  return [...new Set([...EXPLANATIONS.map(({ row }) => row), ...ROWS_OF_RULES])];
}

/** Ids in the first column of the table in docs/differences.md, in its order. */
export function documentedRows(markdown: string): string[] {
  return markdown.split('\n').flatMap((line) => /^\| `([a-z0-9-]+)` +\|/.exec(line)?.[1] ?? []);
}

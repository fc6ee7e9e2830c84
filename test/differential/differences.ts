/**
 * Where Holdfast is meant to differ from 1.36, case by case. A row of docs/differences.md gives the reason; `apply` turns
 * the original's lines into those Holdfast must give, so that an explained case may differ in exactly that and nothing else.
 */
import { ROWS_OF_RULES } from './normalise.js';

export interface Explanation {
  /** Id in docs/differences.md. */
  readonly row: string;
  /** Names of cases. */
  readonly cases: readonly string[];
  readonly apply: (lines: readonly string[]) => readonly string[];
}

type Apply = Explanation['apply'];

/** Each pair is a line and what stands in its place; undefined takes the line out. */
function exchanging(
  ...pairs: readonly (readonly [line: string, instead: string | readonly string[] | undefined])[]
): Apply {
  const table = new Map(pairs);
  return (lines) => lines.flatMap((line) => (table.has(line) ? (table.get(line) ?? []) : line));
}

/** The first answer of the client is another one; what follows it stays. */
function answering(...answer: readonly string[]): Apply {
  return (lines) => {
    const next = lines.findIndex((line, i) => i > 1 && (line.startsWith('HTTP/') || line.startsWith('end: ')));
    return [...lines.slice(0, 1), ...answer, ...lines.slice(next)];
  };
}

/** The one answer comes once more on the same connection, which is not closed. */
const answeredTwice: Apply = (lines) => {
  const answer = lines.slice(1, -1).filter((line) => line !== JSON.stringify('Connection: close'));
  // The last line of the first answer and the first line of the second stand on one line, as nothing parts them.
  const joined = answer.slice(0, -1);
  const body = answer.at(-1) ?? '';
  const first = answer[0] ?? '';
  const seam = JSON.stringify(`${body === '' ? '' : JSON.parse(body)}${first === '' ? '' : JSON.parse(first)}`);
  return [...lines.slice(0, 1), ...joined, seam, ...answer.slice(1), 'end: not waited for'];
};

/** Each program says its own name, which makes its answer one byte longer. */
const namingHoldfast: Apply = (lines) => {
  const names = new Map([
    ['Content-Length: 12', 'Content-Length: 13'],
    ['"Content-Length: 12"', '"Content-Length: 13"'],
    ['Content-Length: 37', 'Content-Length: 38'],
  ]);
  return lines.map((line) => names.get(line) ?? line.replaceAll(/Pushpin (?=API|test handler!)/g, 'Holdfast '));
};

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
    cases: ['5.5 a patch that fails'],
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
    cases: ['3.3 the method is any token'],
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

/**
 * Changes that explained differences make: each turns the lines of the original into those that Holdfast must give. Which
 * case is changed, and why, stands in `differences.ts`.
 */

export interface Explanation {
  /** Id in docs/differences.md. */
  readonly row: string;
  /** Names of cases. */
  readonly cases: readonly string[];
  readonly apply: Apply;
}

export type Apply = (lines: readonly string[]) => readonly string[];

/** Each pair is a line and what stands in its place; undefined takes the line out. */
export function exchanging(
  ...pairs: readonly (readonly [line: string, instead: string | readonly string[] | undefined])[]
): Apply {
  const table = new Map(pairs);
  return (lines) => lines.flatMap((line) => (table.has(line) ? (table.get(line) ?? []) : line));
}

/** The first answer of the client is another one; what follows it stays. */
export function answering(...answer: readonly string[]): Apply {
  return (lines) => {
    const next = lines.findIndex((line, i) => i > 1 && (line.startsWith('HTTP/') || line.startsWith('end: ')));
    return [...lines.slice(0, 1), ...answer, ...lines.slice(next)];
  };
}

/** A text gives way to another wherever it stands. */
export function rewording(...pairs: readonly (readonly [text: string, instead: string])[]): Apply {
  return (lines) => lines.map((line) => pairs.reduce((each, [text, instead]) => each.replaceAll(text, instead), line));
}

/** The control port refuses what it takes in the original. `text` without its line feed. */
export function refusing(text: string): Apply {
  return () => [
    '== control 1',
    '"HTTP/1.1 400 Bad Request"',
    '"Content-Type: text/plain"',
    '"Connection: close"',
    JSON.stringify(`Content-Length: ${text.length + 1}`),
    '',
    JSON.stringify(`${text}\n`),
    'end: closed by the proxy',
  ];
}

/** A call is refused before its origin hears of it. `text` without its line feed. */
export function refusingCall(text: string): Apply {
  return () => [
    '== client 1',
    'HTTP/1.1 400 Bad Request',
    'Content-Type: text/plain',
    'Access-Control-Allow-Methods: OPTIONS, HEAD, GET, POST, PUT, DELETE',
    'Access-Control-Allow-Credentials: true',
    'Access-Control-Allow-Origin: *',
    'Access-Control-Max-Age: 3600',
    `Content-Length: ${text.length + 1}`,
    `body (length): ${JSON.stringify(`${text}\n`)}`,
    'end: not waited for',
  ];
}

/** The one answer comes once more on the same connection, which is not closed. */
export const answeredTwice: Apply = (lines) => {
  const answer = lines.slice(1, -1).filter((line) => line !== JSON.stringify('Connection: close'));
  // The last line of the first answer and the first line of the second stand on one line, as nothing parts them.
  const joined = answer.slice(0, -1);
  const body = answer.at(-1) ?? '';
  const first = answer[0] ?? '';
  const seam = JSON.stringify(`${body === '' ? '' : JSON.parse(body)}${first === '' ? '' : JSON.parse(first)}`);
  return [...lines.slice(0, 1), ...joined, seam, ...answer.slice(1), 'end: not waited for'];
};

/** Each program says its own name, which makes its answer one byte longer. */
export const namingHoldfast: Apply = (lines) => {
  const names = new Map([
    ['Content-Length: 12', 'Content-Length: 13'],
    ['"Content-Length: 12"', '"Content-Length: 13"'],
    ['Content-Length: 37', 'Content-Length: 38'],
  ]);
  return lines.map((line) => names.get(line) ?? line.replaceAll(/Pushpin (?=API|test handler!)/g, 'Holdfast '));
};

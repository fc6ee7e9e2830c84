/** Plays one case on two sides at the same time and says how their transcripts relate. */
import type { Case } from './case.js';
import type { Explanation } from './changes.js';
import { explanationsOf } from './differences.js';
import { transcript } from './normalise.js';
import type { Peer } from './peer.js';
import type { RecordingOrigin } from './recording-origin.js';
import { Script } from './script.js';

/** What the last line of a transcript begins with when a step failed. */
const FAILED = 'step failed: ';

/** A proxy with the origin its routes lead to. */
export interface Side {
  readonly peer: Peer;
  readonly origin: RecordingOrigin;
}

/** The verdict on one case. */
export type Verdict =
  | { readonly kind: 'equal' }
  /** `row` names all rows it takes. */
  | { readonly kind: 'explained'; readonly row: string }
  /** The two relate as they do without this row. */
  | { readonly kind: 'needless'; readonly row: string }
  | { readonly kind: 'different' };

export interface Comparison {
  readonly verdict: Verdict;
  /** Lines that the second side should have: the original's, with the explained difference applied. */
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

/**
 * Plays a case on one side.
 *
 * @param key - first path segment and channel prefix; must not have been used on this side by a case that held anything
 * @returns the normalised transcript; a step that failed is its last line, so that one side failing is a difference too
 */
export async function play(side: Side, test: Case, key: string): Promise<string[]> {
  side.origin.serve(key, test.origin ?? (() => 'HTTP/1.1 500 Unexpected\r\nContent-Length: 0\r\n\r\n'));
  const script = new Script(key, side.peer, side.origin);
  let failure: string[] = [];
  try {
    await test.run(script);
  } catch (error) {
    failure = [`${FAILED}${error instanceof Error ? error.message : String(error)}`];
  }
  const requests = side.origin.requests(key);
  const lines = transcript(
    script.clientRecordings(),
    requests,
    script.controlRecordings(),
    side.origin.port,
    test.freedoms,
    side.origin.webSockets(key),
  );
  script.dropAll();
  return [...lines, ...failure];
}

/** Plays a case on both sides and compares; differences listed for the case are applied to the original's lines first. */
export async function compare(original: Side, other: Side, test: Case, key: string): Promise<Comparison> {
  const [left, right] = await Promise.all([play(original, test, key), play(other, test, key)]);
  return judge(left, right, explanationsOf(test.name), original.peer.kind === other.peer.kind);
}

/**
 * @param explanations - all of them are applied, in order, and each must be needed
 * @param same - the same program on both sides: explained differences cannot show then
 */
export function judge(
  left: readonly string[],
  right: readonly string[],
  explanations: readonly Explanation[],
  same: boolean,
): Comparison {
  const broken = [...left, ...right].some((line) => line.startsWith(FAILED));
  const applying = (some: readonly Explanation[]) => some.reduce((lines, { apply }) => apply(lines), left);
  const meets = (some: readonly Explanation[]) => !broken && sameLines(applying(some), right);
  const wanted = same ? [] : explanations;
  const needless = wanted.find((one) => meets(wanted.filter((each) => each !== one)));
  const result = { expected: applying(wanted), actual: right };
  if (needless) return { verdict: { kind: 'needless', row: needless.row }, ...result };
  if (!meets(wanted)) return { verdict: { kind: 'different' }, ...result };
  const row = wanted.map((each) => each.row).join(', ');
  return { verdict: row === '' ? { kind: 'equal' } : { kind: 'explained', row }, ...result };
}

/** Lines to read about a verdict: what only the expected (`-`) and only the actual lines (`+`) have. Empty when there is none. */
export function describeDifference(comparison: Comparison): string {
  const { expected, actual } = comparison;
  const common = commonLengths(expected, actual);
  const lines: string[] = [];
  for (let i = 0, j = 0; i < expected.length || j < actual.length; ) {
    if (i < expected.length && j < actual.length && expected[i] === actual[j]) {
      i += 1;
      j += 1;
    } else if (i < expected.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)) {
      lines.push(`- ${shortened(expected[i] ?? '')}`);
      i += 1;
    } else {
      lines.push(`+ ${shortened(actual[j] ?? '')}`);
      j += 1;
    }
  }
  // Where both sides failed in the same way there is no difference to show, only the failure.
  return (lines.length > 0 ? lines : actual.filter((line) => line.startsWith(FAILED))).join('\n');
}

/** `table[i][j]` is how many lines the rests from `a[i]` and `b[j]` have in common, in order. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = table[i] ?? [];
    const below = table[i + 1] ?? [];
    for (let j = b.length - 1; j >= 0; j -= 1) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
}

function shortened(line: string): string {
  return line.length <= 400 ? line : `${line.slice(0, 200)} ... ${line.slice(-100)} (${line.length} characters)`;
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

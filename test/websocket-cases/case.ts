/** What a case is: a row that says what one side sends and what is to come of it. */
import { type Side, wordsOf } from './notation.js';
import type { Wire } from './wire.js';

/**
 * How a connection is found after the last expected frame: `open` answers a further ping and has said nothing else before,
 * `waits` has said nothing more, being in the middle of a frame, and `closed` was ended without another byte.
 */
export type End = 'open' | 'waits' | 'closed';

export interface ClientCase {
  /** With the section of the RFC that asks for it. */
  readonly name: string;
  /** What the client sends once it has its 101. */
  readonly send: string;
  /** What it gets, and behind it an `End`; where an RFC leaves the choice, several. */
  readonly expect: string | readonly string[];
}

export interface OriginCase {
  readonly name: string;
  /** What the origin sends behind its 101. */
  readonly send: string;
  /** What the client gets of it. */
  readonly client: string;
  /** What the client says then; nothing when this is left out. */
  readonly answer?: string;
  /** What the origin gets in return. */
  readonly origin: string;
}

export interface Group<Row> {
  readonly name: string;
  readonly rows: readonly Row[];
}

export interface Expectation {
  readonly words: readonly string[];
  readonly end: End;
}

/** @param side - who sends what is expected */
export function expectation(line: string, side: Side): Expectation {
  const at = line.lastIndexOf(' ');
  const end = line.slice(at + 1);
  if (end !== 'open' && end !== 'waits' && end !== 'closed') throw new Error(`this is no end: ${line}`);
  return { words: wordsOf(line.slice(0, Math.max(at, 0)), side), end };
}

/** The numbers of cases in each group, for people. */
export function countTable(title: string, groups: readonly Group<unknown>[]): string {
  const width = Math.max(...groups.map(({ name }) => name.length));
  const line = (name: string, count: number): string => `  ${name.padEnd(width)} ${String(count).padStart(5)}`;
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  return [title, ...groups.map(({ name, rows }) => line(name, rows.length)), line('together', total)].join('\n');
}

/** What a wire got: frames as words, and how it ended; as `expectation` has it, to be compared as a whole. */
export async function seenBy(wire: Wire, { words, end }: Expectation, probe: Probe): Promise<readonly string[]> {
  const seen = await wire.frames(words.length);
  if (seen.length === words.length) {
    if (end === 'open') seen.push(...(await probe.answer(wire)));
    if (end === 'closed') await wire.untilClosed();
    if (end === 'waits') await probe.settle();
  }
  if (wire.rest !== '') seen.push(`and #${wire.rest}`);
  seen.push(wire.closed ? 'closed' : end === 'closed' ? 'open' : end);
  return seen;
}

/** How a runner finds out that nothing else is to come. */
export interface Probe {
  /** Makes the other side speak, and resolves with the frames that came and were not the answer. */
  answer(wire: Wire): Promise<readonly string[]>;
  /** Resolves when everything that was written has been looked at. */
  settle(): Promise<void>;
}

/** Types an example of a page as a reader does, and compares what is seen with what the page shows. */
import { expect } from 'vitest';
import type { Child } from '../support/child.js';
import { type Example, patternOf } from './page.js';
import { Terminal } from './terminal.js';

/** Milliseconds. */
const PATIENCE = 10_000;

export interface Surroundings {
  /** Address in the page, and the one it has here. */
  readonly addresses: readonly (readonly [string, string])[];
  /** Clients that are held now. */
  held(): number | Promise<number>;
  readonly backend?: Child;
}

/** Types the lines one after the other, each as soon as the clients of those before it are held. */
export async function runExample(
  { addresses, held, backend }: Surroundings,
  { lines, seen, backend: printed }: Example,
): Promise<void> {
  const here = (text: string): string => addresses.reduce((all, [there, one]) => all.replaceAll(there, one), text);
  const asOnThePage = (text: string): string =>
    addresses.reduce((all, [there, one]) => all.replaceAll(one, there), text);
  const open: Terminal[] = [];
  const before = await held();
  let said = '';
  const printing = printed === undefined ? undefined : backend?.says(patternAnywhere(printed));
  printing?.catch(() => {});
  try {
    for (const { command, staysOpen } of lines) {
      const terminal = new Terminal(here(command));
      if (staysOpen) {
        open.push(terminal);
        const isThere = async (): Promise<boolean> => (await held()) >= before + open.length || terminal.ended;
        await until(`the hold of ${command}`, isThere);
      } else {
        await terminal.end();
        said += terminal.output;
      }
    }
    const quiet = lines.filter(({ staysOpen }) => !staysOpen).map(() => 'Published\n');
    for (const [at, terminal] of open.entries()) await terminal.shows(patternOf(seen[at] ?? ''));
    await printing;
    expect(asOnThePage(said)).toMatch(patternOf(seen[open.length] ?? quiet.join('')));
  } finally {
    await Promise.all(open.map((terminal) => terminal.stop()));
  }
  for (const [at, terminal] of open.entries()) {
    expect(asOnThePage(terminal.output)).toMatch(patternOf(seen[at] ?? ''));
  }
  await until('the end of the holds', async () => (await held()) === before);
}

/** Looks again in each turn of the event loop: no event tells of states of other processes. */
export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${PATIENCE} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the backend prints may stand between lines of other examples. */
function patternAnywhere(seen: string): RegExp {
  return new RegExp(patternOf(seen).source.replace(/\$$/, ''), 'm');
}

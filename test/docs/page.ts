/**
 * A page with examples, as the test reads it: each `sh` block is an example, and the `text` blocks behind it say what is
 * seen. The page's first `sh` block starts backend and Holdfast.
 *
 *     a line that ends in ` &`       stays open; the next one is typed when the client is held
 *     a `text` block                 what the lines that stay open show, one block for each of them in order
 *     one `text` block more          what the other lines show; without it each of them shows `Published`
 *     a `text backend` block         what the backend prints
 *
 * In what is seen, a line `...` stands for any number of lines and `...` within a line for the rest of that part; a
 * byte that is no printable ASCII is written `?`.
 */

export interface Line {
  readonly command: string;
  readonly staysOpen: boolean;
}

export interface Example {
  /** Heading above it, and the number of its line in the page. */
  readonly name: string;
  readonly lines: readonly Line[];
  readonly seen: readonly string[];
  readonly backend: string | undefined;
}

export interface Page {
  /** The lines that start backend and Holdfast. */
  readonly start: string;
  /** The routes that the page gives to Holdfast. */
  readonly routes: readonly string[];
  readonly examples: readonly Example[];
}

interface Block {
  readonly language: string;
  readonly text: string;
  readonly heading: string;
  readonly line: number;
}

/** @throws Error when the page is not made as this file says */
export function readPage(markdown: string): Page {
  const [start, ...rest] = blocksOf(markdown);
  if (start?.language !== 'sh') throw new Error('the first block of the page does not start anything');
  const examples: Example[] = [];
  let open: { block: Block; seen: string[]; backend: string | undefined } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const { block, seen, backend } = open;
    const lines = linesOf(block.text);
    const waiting = lines.filter(({ staysOpen }) => staysOpen).length;
    const name = `${block.heading} (line ${block.line})`;
    if (seen.length < Math.max(1, waiting) || seen.length > waiting + 1) {
      throw new Error(`${name}: ${seen.length} blocks of what is seen for ${waiting} lines that stay open`);
    }
    examples.push({ name, lines, seen, backend });
  };
  for (const block of rest) {
    if (block.language === 'sh') {
      close();
      open = { block, seen: [], backend: undefined };
    } else if (block.language === 'text') {
      if (open === undefined) throw new Error(`line ${block.line}: nothing was typed that this could be seen of`);
      open.seen.push(block.text);
    } else if (block.language === 'text backend' && open !== undefined) {
      open.backend = block.text;
    }
  }
  close();
  const { text } = start;
  return { start: text, routes: [...text.matchAll(/--route '([^']*)'/g)].map(([, route = '']) => route), examples };
}

/** What is seen, as a pattern for the whole of an output. */
export function patternOf(seen: string): RegExp {
  const lines = seen.split('\n').slice(0, -1);
  const source = lines.map((line) =>
    line === '...' ? '(?:.*\n)*?' : `${line.split('...').map(escaped).join('.*')}\n`,
  );
  return new RegExp(`^${source.join('')}$`);
}

/** An output as a page shows it: no carriage returns, `?` for other bytes that are no text, and a line end. */
export function shown(output: Buffer): string {
  const text = output
    .toString('latin1')
    .replaceAll('\r', '')
    .replace(/[^\n\x20-\x7e]/g, '?');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Each line as bash takes it: quotes and a backslash at the end carry it on. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let line = '';
  for (const piece of text.trimEnd().split('\n')) {
    line += piece;
    const isWhole = line.split("'").length % 2 === 1 && !line.endsWith('\\');
    if (isWhole) lines.push({ command: line.replace(/ &$/, ''), staysOpen: line.endsWith(' &') });
    line = isWhole ? '' : `${line}\n`;
  }
  if (line !== '') throw new Error(`a line without an end: ${line}`);
  return lines;
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; line: number; text: string } | undefined;
  for (const [at, line] of markdown.split('\n').entries()) {
    if (open === undefined) {
      if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
      if (line.startsWith('```')) open = { language: line.slice(3), line: at + 1, text: '' };
    } else if (line === '```') {
      blocks.push({ ...open, heading });
      open = undefined;
    } else {
      open.text += `${line}\n`;
    }
  }
  return blocks;
}

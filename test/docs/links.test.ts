/** Links between the pages lead somewhere: to a file that is there, and to a heading of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/child.js';

const DOCS = readdirSync(join(PROJECT, 'docs')).map((name) => `docs/${name}`);
const PAGES = ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...DOCS];

function read(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** The name of a heading in a link, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): Set<string> {
  return new Set([...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading)));
}

function isPage(path: string): boolean {
  return path.endsWith('.md');
}

describe('a link', () => {
  it.each(PAGES)('in %s leads to a file, and to a heading of it', (page) => {
    const lost: string[] = [];
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : relative(PROJECT, join(PROJECT, dirname(page), file));
      if (!existsSync(join(PROJECT, path))) lost.push(target);
      else if (anchor !== undefined && !anchorsOf(path).has(anchor)) lost.push(target);
    }
    expect(lost).toEqual([]);
  });

  it('leads from README.md to every page', () => {
    const text = read('README.md');
    expect(DOCS.filter((page) => isPage(page) && !text.includes(`(${page})`))).toEqual([]);
  });

  it('leads from some page to every picture', () => {
    const shown = DOCS.filter(isPage).map(read).join('');
    expect(DOCS.filter((file) => !isPage(file) && !shown.includes(`(${file.replace('docs/', '')})`))).toEqual([]);
  });
});

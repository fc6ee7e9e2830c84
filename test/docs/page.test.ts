/** The notation of the pages with examples: what is typed, what is seen, and what a page cannot be. */
import { describe, expect, it } from 'vitest';
import { patternOf, readPage, shown } from './page.js';

const START = "```sh\nholdfast --route '* localhost:8000' --route '*,path_beg=/x test' &\n```\n";

describe('a page', () => {
  it('gives the routes of its first block, and the examples behind it with what is seen of them', () => {
    const page = readPage(
      `# A\n${START}\n## B\n\`\`\`sh\ncurl -N \\\n  one &\ncurl two\n\`\`\`\nwords\n\`\`\`text\nhello\n\`\`\`\n\`\`\`text backend\nGET /\n\`\`\`\n`,
    );
    expect(page).toEqual({
      start: "holdfast --route '* localhost:8000' --route '*,path_beg=/x test' &\n",
      routes: ['* localhost:8000', '*,path_beg=/x test'],
      examples: [
        {
          name: 'B (line 7)',
          lines: [
            { command: 'curl -N \\\n  one', staysOpen: true },
            { command: 'curl two', staysOpen: false },
          ],
          seen: ['hello\n'],
          backend: 'GET /\n',
        },
      ],
    });
  });

  it.each([
    ['nothing is seen of an example', `${START}\`\`\`sh\ncurl one\n\`\`\`\n`],
    ['nothing is seen of a line that stays open', `${START}\`\`\`sh\na &\nb &\n\`\`\`\n\`\`\`text\nx\n\`\`\`\n`],
    ['more is seen than was typed', `${START}\`\`\`sh\na\n\`\`\`\n\`\`\`text\nx\n\`\`\`\n\`\`\`text\nx\n\`\`\`\n`],
    ['something is seen of nothing', `${START}\`\`\`text\nx\n\`\`\`\n`],
    ['nothing is started', '```text\nx\n```\n'],
  ])('is refused when %s', (_what, markdown) => {
    expect(() => readPage(markdown)).toThrow();
  });
});

describe('what is seen', () => {
  it.each([
    ['a\nb\n', 'a\nb\n', true],
    ['a\n', 'a\nb\n', false],
    ['a\n...\n', 'a\n', true],
    ['a\n...\n', 'a\nb\nc\n', true],
    ['...\nc\n', 'a\nb\nc\n', true],
    ['...\nc\n', 'a\nb\n', false],
    ['a: ...\n', 'a: b\n', true],
    ['a: ...\n', 'a: b\nc\n', false],
    ['a...z\n', 'abcz\n', true],
    ['(a+b)?\n', '(a+b)?\n', true],
    ['\n', '\n', true],
    ['', '', true],
    ['', 'a\n', false],
  ])('%j %j: %s', (seen, output, fits) => {
    expect(patternOf(seen).test(output)).toBe(fits);
  });

  it('has no carriage returns, a mark for bytes that are no text, and a line end', () => {
    expect(shown(Buffer.from('\x81\x05hello\r\nx\t\x00', 'latin1'))).toBe('??hello\nx??\n');
    expect(shown(Buffer.alloc(0))).toBe('');
  });
});

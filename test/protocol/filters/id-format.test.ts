/** Directives in templates: what they render to, and the text and position of every error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ARGUMENT_BYTES_MAX,
  DirectiveScanner,
  type Rendering,
  renderDirectives,
  type Substitute,
  variableSubstitute,
} from '../../../src/protocol/filters/id-format.js';
import { bytesOf, chunkings } from './chunkings.js';

const VARIABLES = new Map([
  ['user', 'bob'],
  ['a)b', 'paren'],
  ['back\\slash', 'backslash'],
  ['é', 'ä'],
  ['empty', ''],
]);

/** Shows what a directive was called with. */
const echo: Substitute = (directive, argument) => ({
  kind: 'bytes',
  bytes: Buffer.from(`<${directive}|${argument.toString('hex')}>`),
});

function text(rendering: Rendering): string {
  return rendering.kind === 'rendered' ? rendering.content.toString() : `error: ${rendering.detail}`;
}

function inChunks(chunks: readonly Buffer[], substitute: Substitute): Rendering {
  const scanner = new DirectiveScanner(substitute);
  const output: Buffer[] = [];
  for (const chunk of [...chunks, undefined]) {
    const rendering = chunk === undefined ? scanner.finish() : scanner.update(chunk);
    if (rendering.kind === 'error') return rendering;
    output.push(rendering.content);
  }
  return { kind: 'rendered', content: Buffer.concat(output) };
}

describe('renderDirectives', () => {
  const cases: [name: string, template: string, expected: string][] = [
    ['leaves plain text alone', 'plain text', 'plain text'],
    ['renders nothing from nothing', '', ''],
    ['makes one percent sign of two', '100%%', '100%'],
    ['makes two percent signs of four', '%%%%', '%%'],
    ['substitutes a variable', 'hi %(user)s 100%%', 'hi bob 100%'],
    ['substitutes neighbours', '%(user)s%(user)s', 'bobbob'],
    ['substitutes nothing for an empty value', '[%(empty)s]', '[]'],
    ['takes an escaped character of a name as it is', '%(us\\er)s', 'bob'],
    ['takes an escaped parenthesis into the name', '%(a\\)b)s', 'paren'],
    ['takes an escaped backslash into the name', '%(back\\\\slash)s', 'backslash'],
    ['reads names and writes values as UTF-8', 'ü%(é)s', 'üä'],
    ['does not look at the value again', '%(a\\)b)s%%(user)s', 'paren%(user)s'],
    ['refuses a percent sign at the end', 'a%', "error: Expected directive after '%' at position 1"],
    ['refuses a field that ends at its start', '%(', "error: Expected character after '(' at position 1"],
    ['refuses a field without end', '%(user', 'error: Unterminated field starting at position 1'],
    ['refuses a field whose end is escaped', '%(a\\)', 'error: Unterminated field starting at position 1'],
    ['refuses an escape without character', '%(user\\', "error: Expected character after '\\' at position 6"],
    ['refuses an escape right at the start', '%(\\', "error: Expected character after '\\' at position 2"],
    ['refuses a field without directive', '%(user)', "error: Expected directive after ')' at position 6"],
    ['refuses a variable without name', '%s', "error: Directive 's' requires argument at position 1"],
    ['refuses a variable with an empty name', '%()s', "error: Directive 's' requires argument at position 3"],
    ['refuses a variable nobody set', '%(nix)s', "error: No such variable 'nix' at position 6"],
    ['refuses a name of the prototype', '%(constructor)s', "error: No such variable 'constructor' at position 14"],
    ['refuses another directive', '%x', "error: Unknown directive 'x' at position 1"],
    ['refuses another directive with an argument', '%(user)x', "error: Unknown directive 'x' at position 7"],
    ['refuses a digit as directive', '%1', "error: Unknown directive '1' at position 1"],
    ['refuses a space as directive', '% ', "error: Unknown directive ' ' at position 1"],
    ['refuses a line feed as directive', '%\n', "error: Unknown directive '\n' at position 1"],
    ['refuses a percent sign behind a field', '%(user)%', "error: Unknown directive '%' at position 7"],
    ['refuses a byte that is not ASCII', 'ab%é', "error: Unknown directive '\ufffd' at position 3"],
    ['counts positions in bytes', 'ü%(user)x', "error: Unknown directive 'x' at position 9"],
    ['counts positions in the template, not in the output', '%(user)s%Q', "error: Unknown directive 'Q' at position 9"],
    ['reports the first error only', '%x%y%(', "error: Unknown directive 'x' at position 1"],
  ];
  it.each(cases)('%s', (_name, template, expected) => {
    expect(text(renderDirectives(Buffer.from(template), variableSubstitute(VARIABLES)))).toBe(expected);
  });

  it('keeps bytes that are no UTF-8, in text and in arguments', () => {
    const template = Buffer.from('\xff%(\xfe)I\xc3', 'latin1');
    const rendering = renderDirectives(template, echo);
    expect(rendering).toEqual({ kind: 'rendered', content: Buffer.from('\xff<I|fe>\xc3', 'latin1') });
  });

  it('takes an argument of the greatest length and refuses a longer one', () => {
    const field = (length: number) =>
      Buffer.concat([Buffer.from('ab%('), Buffer.alloc(length, 'x'), Buffer.from(')I')]);
    expect(renderDirectives(field(ARGUMENT_BYTES_MAX), echo).kind).toBe('rendered');
    expect(text(renderDirectives(field(ARGUMENT_BYTES_MAX + 1), echo))).toBe(
      'error: Unterminated field starting at position 3',
    );
  });
});

describe('DirectiveScanner', () => {
  it('gives the text before a directive at once and the directive when it is complete', () => {
    const scanner = new DirectiveScanner(variableSubstitute(VARIABLES));
    const outputs = ['a%', '(us', 'er', ')', 's', 'b', '%', '%'].map((chunk) =>
      text(scanner.update(Buffer.from(chunk))),
    );
    expect([...outputs, text(scanner.finish())]).toEqual(['a', '', '', '', 'bob', 'b', '', '%', '']);
  });

  it('counts positions over all chunks', () => {
    const chunks = ['0123', '4%(user', ')s8%', 'x'].map((chunk) => Buffer.from(chunk));
    expect(text(inChunks(chunks, variableSubstitute(VARIABLES)))).toBe("error: Unknown directive 'x' at position 15");
  });

  it('says at the end what is incomplete', () => {
    const scanner = new DirectiveScanner(echo);
    expect(text(scanner.update(Buffer.from('data: %(12')))).toBe('data: ');
    expect(text(scanner.finish())).toBe('error: Unterminated field starting at position 7');
  });

  it('stays with its first error', () => {
    const scanner = new DirectiveScanner(variableSubstitute(VARIABLES));
    const error = "error: Unknown directive 'x' at position 1";
    expect(text(scanner.update(Buffer.from('%x')))).toBe(error);
    expect(text(scanner.update(Buffer.from('fine')))).toBe(error);
    expect(text(scanner.finish())).toBe(error);
  });

  it('does not keep a field that never ends', () => {
    const scanner = new DirectiveScanner(echo);
    scanner.update(Buffer.from('%('));
    const results: string[] = [];
    for (let sent = 0; sent <= ARGUMENT_BYTES_MAX; sent += 1_000) {
      results.push(text(scanner.update(Buffer.alloc(1_000, 'x'))));
    }
    expect(results.at(-2)).toBe('');
    expect(results.at(-1)).toBe('error: Unterminated field starting at position 1');
  });

  it('renders any chunking like the whole, errors included', () => {
    const template = bytesOf('%', '(', ')', '\\', 's', 'I', 'x', '%%', '%(user)s', '%(é)s', 'text');
    for (const substitute of [echo, variableSubstitute(VARIABLES)]) {
      fc.assert(
        fc.property(chunkings(template), ({ whole, chunks }) => {
          expect(inChunks(chunks, substitute)).toEqual(renderDirectives(whole, substitute));
        }),
      );
    }
  });

  it('knows no other errors than those of the specification, and points into the template', () => {
    const known = new RegExp(
      "^(Unknown directive '.+'|Expected directive after '%'|Expected character after '\\('|" +
        "Expected character after '\\\\'|Unterminated field starting|Expected directive after '\\)'|" +
        "Directive 's' requires argument|No such variable '.+') at position (\\d+)$",
      's',
    );
    fc.assert(
      fc.property(bytesOf('%', '(', ')', '\\', 's', 'x', '%(user)s'), (template) => {
        const rendering = renderDirectives(template, variableSubstitute(VARIABLES));
        if (rendering.kind === 'rendered') return;
        expect(rendering.detail).toMatch(known);
        expect(Number(known.exec(rendering.detail)?.[2])).toBeLessThan(template.length);
      }),
    );
  });

  it('renders any text back from its escaped form', () => {
    const unit = fc.constantFrom('%', '(', ')', '\\', 's', 'I', '\0', '\n', '\x7f', 'é', '\u2028', '😀', 'a');
    fc.assert(
      fc.property(fc.string({ unit }), fc.string({ unit, minLength: 1 }), (plain, argument) => {
        const escaped = argument.replace(/[\0-\x7f]/g, '\\$&');
        const template = Buffer.from(`${plain.replaceAll('%', '%%')}%(${escaped})s`);
        const variables = new Map([[Buffer.from(argument).toString(), 'value']]);
        const rendering = renderDirectives(template, variableSubstitute(variables));
        expect(rendering).toEqual({ kind: 'rendered', content: Buffer.from(`${plain}value`) });
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { type Section, tokenizeLine } from '../../src/routes/tokenizer.js';

/** Writes a section so that every character survives; the value must be free of `=`, names too. */
function quoteSection({ value, props }: Section): string {
  const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return [value, ...props.map(([name, text]) => `${name}=${text}`)].map(quote).join(',');
}

function faultOf(line: string): string {
  try {
    tokenizeLine(line);
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toHaveProperty('code', 'HOLDFAST_ROUTE_INVALID');
    return (error as HoldfastError).message;
  }
  return 'no fault';
}

describe('tokenizeLine', () => {
  it.each<[name: string, line: string, sections: Section[]]>([
    ['nothing', '', []],
    ['spaces only', '   ', []],
    ['a comment', '# a "comment', []],
    ['a comment behind spaces', '  # x', []],
    ['one value', 'apple', [{ value: 'apple', props: [] }]],
    ['two sections', 'apple banana', two('apple', 'banana')],
    ['many spaces around sections', '  apple   banana  ', two('apple', 'banana')],
    ['properties with and without a value', 'apple,a=b,c', [{ value: 'apple', props: props('a=b', 'c=') }]],
    ['an empty value before a property', ',a=b', [{ value: '', props: props('a=b') }]],
    ['a property in first place', 'a=b', [{ value: '', props: props('a=b') }]],
    ['a property in first place and another', 'a=b,c=d', [{ value: '', props: props('a=b', 'c=d') }]],
    ['only the first equals sign of a property', 'x,a=b=c', [{ value: 'x', props: props('a=b=c') }]],
    ['an empty property value', 'x,a=', [{ value: 'x', props: props('a=') }]],
    ['repeated properties in order', 'x,a=1,b=2,a=3', [{ value: 'x', props: props('a=1', 'b=2', 'a=3') }]],
    ['quoted separators', '"a b",x="c,d"', [{ value: 'a b', props: props('x=c,d') }]],
    ['a quoted number sign', '"a#b" c', two('a#b', 'c')],
    ['a quoted equals sign, which separates all the same', '"a=b"', [{ value: '', props: props('a=b') }]],
    ['a quoted equals sign in a property', 'x,"a=b"', [{ value: 'x', props: props('a=b') }]],
    ['escapes', '"a\\"b\\\\c"', [{ value: 'a"b\\c', props: [] }]],
    ['quoted and unquoted runs joined', 'a" "b"c"', [{ value: 'a bc', props: [] }]],
    ['an empty quoted value', '"" x', two('', 'x')],
    ['a backslash outside quotes as itself', 'a\\nb', [{ value: 'a\\nb', props: [] }]],
    ['a tab as an ordinary character', 'a\tb', [{ value: 'a\tb', props: [] }]],
    ['a comment directly behind a token', 'host:80#x y', [{ value: 'host:80', props: [] }]],
    ['a comment directly behind a property', 'x,a=1#,b', [{ value: 'x', props: props('a=1') }]],
    ['names that objects have of their own', 'x,__proto__=1', [{ value: 'x', props: props('__proto__=1') }]],
  ])('reads %s', (_name, line, sections) => {
    expect(tokenizeLine(line)).toEqual(sections);
  });

  it.each([
    ['"a\\', 'unterminated escape sequence'],
    ['"\\n"', 'unexpected escape character: n'],
    ['"\\\u{1F600}"', 'unexpected escape character: \u{1F600}'],
    ['"abc', 'unterminated quoted section'],
    ['a b,c="d e', 'unterminated quoted section'],
    ['a"', 'unterminated quoted section'],
    ['a,,b', 'expecting prop'],
    ['a,', 'expecting prop'],
    [',', 'expecting prop'],
    ['a, b', 'expecting prop'],
    ['a,#b', 'expecting prop'],
    ['a,""', 'expecting prop'],
    [',=x', 'empty prop name'],
    ['a,=b', 'empty prop name'],
    ['=b', 'empty prop name'],
    ['a,"="', 'empty prop name'],
  ])('refuses %s with the text "%s"', (line, text) => {
    expect(faultOf(line)).toBe(text);
  });

  it('reads back whatever was quoted', () => {
    const plain = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('=', ''));
    const property = fc.tuple(
      plain.filter((name) => name !== ''),
      fc.string({ unit: 'grapheme' }),
    );
    const section = fc.record({ value: plain, props: fc.array(property, { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(section, { maxLength: 4 }), fc.constantFrom(' ', '   '), (sections, gap) => {
        const line = `${gap}${sections.map(quoteSection).join(gap)}${gap}# comment`;
        expect(tokenizeLine(line)).toEqual(sections);
      }),
    );
  });

  it('throws nothing but its own error, and gives no empty property name', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', ',', '=', ' ', '#', '\t', 'é') });
    fc.assert(
      fc.property(fc.oneof(noise, fc.string({ unit: 'binary' })), (line) => {
        let sections: Section[] = [];
        try {
          sections = tokenizeLine(line);
        } catch (error) {
          expect(error).toHaveProperty('code', 'HOLDFAST_ROUTE_INVALID');
        }
        for (const { value, props: found } of sections) {
          expect(value).not.toContain('=');
          expect(found.every(([name]) => name !== '' && !name.includes('='))).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function two(first: string, second: string): Section[] {
  return [
    { value: first, props: [] },
    { value: second, props: [] },
  ];
}

function props(...texts: string[]): Section['props'] {
  return texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]);
}

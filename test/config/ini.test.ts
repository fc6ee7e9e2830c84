import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIni } from '../../src/config/ini.js';
import { survives, thrown } from './thrown.js';

/** The elements of `key` in `[s]`. */
function elementsOf(value: string): readonly string[] | undefined {
  return parseIni(`[s]\nkey=${value}`, 'x.conf').sections.get('s')?.get('key')?.elements;
}

describe('values', () => {
  it.each<[string, readonly string[]]>([
    ['', ['']],
    ['a', ['a']],
    ['  a b  ', ['a b']],
    ['a ; comment', ['a']],
    [';', ['']],
    ['a # b', ['a # b']],
    ['a=b', ['a=b']],
    ['a,b', ['a', 'b']],
    [' a , b ,', ['a', 'b', '']],
    ['"a,b;c"', ['a,b;c']],
    ['" a "', [' a ']],
    ['  " a "  ', [' a ']],
    ['"a", "b,c"', ['a', 'b,c']],
    ['x"a;"y', ['xa;y']],
    ['a\\\\b', ['a\\b']],
    ['a\\"b', ['a"b']],
    ['"a\\"b"', ['a"b']],
    ['a\\nb', ['a\nb']],
    ['a\\tb\\rc', ['a\tb\rc']],
    ['\\x41\\x42', ['AB']],
    ['"\\x41\\x4"', ['A\u0004']],
    ['\\x2c', [',']],
    ['\\xzz', ['zz']],
    ['a\\q', ['a']],
    ['a \\\nb', ['a b']],
    ['a\\', ['a']],
    ['""', ['']],
    ['base64:AAEC/+==', ['base64:AAEC/+==']],
    ['größe', ['größe']],
  ])('%j is %j', (value, elements) => {
    expect(elementsOf(value)).toEqual(elements);
  });
});

describe('lines', () => {
  it('finds sections, keys and line numbers', () => {
    const { sections, warnings } = parseIni(
      '\uFEFFtop=1\r\n\r\n[a] ; note\r\n# note\r\n; note\r\n x = 1 \r\n[b]\ny=2\n[a]\nx=3',
      'f',
    );
    expect([...sections].map(([name, values]) => [name, [...values]])).toEqual([
      ['', [['top', { elements: ['1'], line: 1 }]]],
      ['a', [['x', { elements: ['3'], line: 10 }]]],
      ['b', [['y', { elements: ['2'], line: 8 }]]],
    ]);
    expect(warnings).toEqual([]);
  });

  it('counts the lines of a continued value', () => {
    expect(parseIni('[a]\nx=1\\\n2\ny=3', 'f').sections.get('a')).toEqual(
      new Map([
        ['x', { elements: ['12'], line: 2 }],
        ['y', { elements: ['3'], line: 4 }],
      ]),
    );
  });

  it('keeps a quote inside its line, with a warning', () => {
    const { sections, warnings } = parseIni('[a]\nx="1\ny=2', 'f');
    expect(sections.get('a')?.get('x')?.elements).toEqual(['1']);
    expect(sections.get('a')?.get('y')?.elements).toEqual(['2']);
    expect(warnings).toEqual(['f, line 2: the quote of x is not closed; it ends with the line']);
  });

  it('is not led astray by quotes in a comment', () => {
    expect(parseIni('[a]\n# say "hello\nx=1', 'f').sections.get('a')?.get('x')?.elements).toEqual(['1']);
  });

  it('names a line that is no setting', () => {
    expect(parseIni('[a]\nhello\nx=1 ', 'f').warnings).toEqual([
      'f, line 2: this is no key=value line and is left out',
    ]);
  });

  it('refuses a section header without its bracket', () => {
    const error = thrown(() => parseIni('a=1\n[proxy\nb=2', 'f'));
    expect([error.code, error.message]).toEqual([
      'HOLDFAST_CONFIG_SYNTAX',
      'f, line 2: the section header lacks its "]"',
    ]);
  });

  it('has no trouble with names of Object', () => {
    expect(parseIni('[__proto__]\nconstructor=1', 'f').sections.get('__proto__')?.get('constructor')?.elements).toEqual(
      ['1'],
    );
  });
});

describe('parseIni', () => {
  it('throws nothing but its own errors', () => {
    const piece = fc.constantFrom('[', ']', '\n', '\r\n', '=', ';', '#', '"', '\\', '\\x', ',', ' ', 'a', '4');
    fc.assert(
      fc.property(
        fc.array(piece).map((all) => all.join('')),
        (text) => survives(() => parseIni(text, 'f')),
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => survives(() => parseIni(text, 'f'))));
  });

  it('reads back lists that were quoted', () => {
    const element = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(element, { minLength: 1 }), (list) => {
        const quoted = list.map((text) => `"${text.replace(/[\\"]/g, '\\$&')}"`).join(',');
        expect(elementsOf(quoted)).toEqual(list);
      }),
    );
  });
});

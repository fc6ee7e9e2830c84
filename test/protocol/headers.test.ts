import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHeaderText,
  encodeHeaderText,
  getHeader,
  getHeaders,
  type HeaderList,
  hasHeader,
  hasPrefix,
  isHeaderName,
  isHeaderValue,
  parseAllParameters,
  parseFirstPlain,
  parseFirstPlainSequence,
  setHeader,
  splitHeaderLists,
  splitList,
  trimValue,
  withoutHeaders,
  withoutPrefix,
} from '../../src/protocol/headers.js';

const LIST: HeaderList = [
  ['Content-Type', 'text/plain'],
  ['Set-Cookie', 'a=1'],
  ['grip-Hold', 'stream'],
  ['set-cookie', 'b=2, c=3'],
  ['X-Empty', ''],
  ['GRIP-CHANNEL', 'a'],
];

describe('looking up header lines', () => {
  it.each([
    ['set-cookie', 'a=1'],
    ['SET-COOKIE', 'a=1'],
    ['Grip-Hold', 'stream'],
    ['X-Empty', ''],
    ['Set-Cooki', undefined],
    ['Set-Cookie2', undefined],
    ['', undefined],
  ])('finds the first line named %j', (name, expected) => {
    expect(getHeader(LIST, name)).toBe(expected);
    expect(hasHeader(LIST, name)).toBe(expected !== undefined);
  });

  it('gives all values of a name in order, whatever the case', () => {
    expect(getHeaders(LIST, 'Set-cookie')).toEqual(['a=1', 'b=2, c=3']);
    expect(getHeaders(LIST, 'Other')).toEqual([]);
  });

  it('concatenates the lists of all lines of a name', () => {
    expect(splitHeaderLists(LIST, 'SET-cookie')).toEqual(['a=1', 'b=2', 'c=3']);
    expect(splitHeaderLists(LIST, 'X-Empty')).toEqual([]);
  });

  it('splits a value with very many parts', () => {
    expect(splitHeaderLists([['L', ','.repeat(500_000)]], 'L')).toHaveLength(500_000);
  });
});

describe('leaving header lines out', () => {
  it('drops every line of the given names and leaves the given list as it was', () => {
    const before = structuredClone(LIST);
    expect(withoutHeaders(LIST, new Set(['set-cookie', 'x-empty']))).toEqual([
      ['Content-Type', 'text/plain'],
      ['grip-Hold', 'stream'],
      ['GRIP-CHANNEL', 'a'],
    ]);
    expect(LIST).toEqual(before);
  });

  it('drops every line with the given prefix', () => {
    expect(withoutPrefix(LIST, 'grip-').map(([name]) => name)).toEqual([
      'Content-Type',
      'Set-Cookie',
      'set-cookie',
      'X-Empty',
    ]);
  });

  it.each([
    ['Grip-Hold', true],
    ['GRIP-', true],
    ['Grip', false],
    ['X-Grip-Hold', false],
    ['', false],
  ])('says whether %j starts with grip-', (name, expected) => {
    expect(hasPrefix(name, 'grip-')).toBe(expected);
  });
});

describe('setHeader', () => {
  const sample = (): HeaderList => [
    ['Host', 'a'],
    ['Tag', '1'],
    ['b', '2'],
    ['TAG', '3'],
  ];

  it('puts one line in the place of all of that name', () => {
    const list = sample();
    setHeader(list, 'tag', 'new');
    expect(list).toEqual([
      ['Host', 'a'],
      ['b', '2'],
      ['tag', 'new'],
    ]);
    setHeader(list, 'c', '4');
    expect(list.at(-1)).toEqual(['c', '4']);
  });

  it('only takes them away where there is no value', () => {
    const list = sample();
    setHeader(list, 'Tag', undefined);
    setHeader(list, 'other', undefined);
    expect(list).toEqual([
      ['Host', 'a'],
      ['b', '2'],
    ]);
  });
});

describe('splitList', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['a', ['a']],
    [' a , b ', ['a', 'b']],
    ['a,,b', ['a', '', 'b']],
    ['a,b,', ['a', 'b']],
    ['a,b, ', ['a', 'b']],
    [',', ['']],
    [',a', ['', 'a']],
    ['a,,', ['a', '']],
    ['a; p="x,y", b', ['a; p="x,y"', 'b']],
    ['a; p="x\\",y", b', ['a; p="x\\",y"', 'b']],
    ['a\\,b', ['a\\', 'b']],
    ['a, b="c, d', ['a', 'b="c, d']],
    ['a, b="c\\', ['a', 'b="c\\']],
    ['"a","b"', ['"a"', '"b"']],
  ])('splits %j', (value, expected) => {
    expect(splitList(value)).toEqual(expected);
  });
});

describe('parseFirstPlain', () => {
  it.each<[string, string, Array<[string, string]>]>([
    ['', '', []],
    [' a ', 'a', []],
    ['a;', 'a', []],
    ['"a"; b=c', '"a"', [['b', 'c']]],
    ['"a;b"', '"a', [['b"', '']]],
    ['a=b; c=d', 'a=b', [['c', 'd']]],
    [
      'a; Prev-ID = 1 ; flag',
      'a',
      [
        ['prev-id', '1'],
        ['flag', ''],
      ],
    ],
    [
      'a; b="x;y"; c=1',
      'a',
      [
        ['b', 'x;y'],
        ['c', '1'],
      ],
    ],
    ['a; b="x\\"\\\\\\y"', 'a', [['b', 'x"\\y']]],
    [
      'a; b="x" ignored; c=1',
      'a',
      [
        ['b', 'x'],
        ['c', '1'],
      ],
    ],
    ['a; b=""', 'a', [['b', '']]],
    ['a; b=', 'a', [['b', '']]],
    ['a; b=x"y', 'a', [['b', 'x"y']]],
    ['a; b=c=d', 'a', [['b', 'c=d']]],
    ['a; b=1; B=2', 'a', [['b', '1']]],
    ['a; =1', 'a', [['', '1']]],
    [
      'a; ; b',
      'a',
      [
        ['', ''],
        ['b', ''],
      ],
    ],
    ['a; __proto__=1', 'a', [['__proto__', '1']]],
  ])('reads %j', (element, first, parameters) => {
    expect(parseFirstPlain(element)).toEqual({ first, parameters: new Map(parameters) });
  });

  it.each(['a; b="', 'a; b="x', 'a; b="x\\"', 'a; b="x\\', 'a; c=1; b="'])(
    'says that the quoting of %j is broken',
    (element) => {
      expect(parseFirstPlain(element)).toBeUndefined();
      expect(parseFirstPlainSequence(element)).toBeUndefined();
      expect(parseAllParameters(element)).toBeUndefined();
    },
  );

  it('keeps repeated parameters in the sequence form', () => {
    expect(parseFirstPlainSequence('a; Filter=x; filter="y"')).toEqual({
      first: 'a',
      parameters: [
        ['Filter', 'x'],
        ['filter', 'y'],
      ],
    });
  });
});

describe('parseAllParameters', () => {
  it.each<[string, Array<[string, string]>]>([
    ['', []],
    ['a', [['a', '']]],
    ['User=bob', [['User', 'bob']]],
    [
      'a="x;y" z; b',
      [
        ['a', 'x;y'],
        ['b', ''],
      ],
    ],
    [
      'a=1; a=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['=v', [['', 'v']]],
  ])('reads %j', (element, expected) => {
    expect(parseAllParameters(element)).toEqual(expected);
  });
});

describe('bytes and text of values', () => {
  it('trims ASCII white space only, so that the end of a UTF-8 sequence survives', () => {
    expect(trimValue(' \t\r\n\v\fa b \t\r\n\v\f')).toBe('a b');
    expect(decodeHeaderText(trimValue(` ${encodeHeaderText('à')} `))).toBe('à');
  });

  it.each([
    ['plain', 'plain'],
    ['\u00c3\u00a9', 'é'],
    ['\u00e2\u0082\u00ac', '€'],
    ['\u00ff', '\u00ff'],
    ['\u20ac', '\u20ac'],
    ['\u00c3\u00a9\u20ac', '\u00c3\u00a9\u20ac'],
  ])('decodes %j', (value, expected) => {
    expect(decodeHeaderText(value)).toBe(expected);
  });

  it('gives back every well-formed text that was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeHeaderText(encodeHeaderText(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['X-Name', true],
    ["!#$%&'*+-.^_`|~09azAZ", true],
    ['', false],
    ['a b', false],
    ['a:', false],
    [':status', false],
    ['a\r\nb', false],
    ['a\n', false],
    ['é', false],
  ])('says whether %j can be a name', (name, expected) => {
    expect(isHeaderName(name)).toBe(expected);
  });

  it.each([
    ['', true],
    ['a\tb \u00ff', true],
    ['a\rb', false],
    ['a\nb', false],
    ['a\0b', false],
    ['\u007f', false],
    ['\u20ac', false],
  ])('says whether %j can be a value', (value, expected) => {
    expect(isHeaderValue(value)).toBe(expected);
  });
});

describe('properties of the header parsers', () => {
  const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const noisy = fc.string({ unit: fc.constantFrom(',', ';', '=', '"', '\\', ' ', '\t', 'a', 'B', '\u00a0') });
  const name = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);

  it('never throw and keep every character that is no separator or white space', () => {
    fc.assert(
      fc.property(noisy, (text) => {
        const visible = (part: string) => part.replace(/[\s,]/g, '');
        expect(visible(splitList(text).join(''))).toBe(visible(text));
        for (const part of splitList(text)) {
          expect(trimValue(part)).toBe(part);
          const parameters = parseFirstPlain(part);
          expect(parameters === undefined).toBe(parseFirstPlainSequence(part) === undefined);
          for (const key of parameters?.parameters.keys() ?? []) {
            expect(key).toBe(key.toLowerCase());
          }
          expect(parseAllParameters(`first; ${part}`) === undefined).toBe(
            parseFirstPlain(`first; ${part}`) === undefined,
          );
        }
      }),
    );
  });

  it('read back elements that were written with quoted values', () => {
    const element = fc.tuple(name, fc.array(fc.tuple(name, noisy), { maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        const written = elements
          .map(([first, parameters]) =>
            [first, ...parameters.map(([key, value]) => `${key}=${quote(value)}`)].join('; '),
          )
          .join(', ');
        expect(splitList(written).map(parseFirstPlainSequence)).toEqual(
          elements.map(([first, parameters]) => ({ first, parameters })),
        );
      }),
    );
  });

  it('read back parameters that were written with quoted values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, noisy)), (parameters) => {
        const written = parameters.map(([key, value]) => `${key}=${quote(value)}`).join(';');
        expect(parseAllParameters(written)).toEqual(parameters);
      }),
    );
  });

  it('take time in proportion to the value, quotes or not', () => {
    const long = `a; ${'b="\\""; '.repeat(50_000)}`;
    expect(parseFirstPlainSequence(long)?.parameters).toHaveLength(50_001);
    expect(splitList(`${'"a,b",'.repeat(50_000)}"`)).toHaveLength(50_001);
  });
});

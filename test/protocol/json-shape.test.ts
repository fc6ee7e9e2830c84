import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerOf, isJsonObject, memberOf, readJson, sortedMembers } from '../../src/protocol/json-shape.js';

describe('readJson', () => {
  it.each([
    ['{}', {}],
    [' [1] ', [1]],
    ['null', null],
    ['"\\ud800"', '\ud800'],
    ['\ufeff{"a":"é"}', { a: 'é' }],
    ['{"a":1,"a":2}', { a: 2 }],
  ])('reads %j', (text, value) => {
    expect(readJson(Buffer.from(text))).toEqual({ kind: 'value', value });
  });

  it.each([
    Buffer.from(''),
    Buffer.from('{'),
    Buffer.from('{} x'),
    Buffer.from("{'a':1}"),
    Buffer.from('["é"]', 'latin1'),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
  ])('calls %j no JSON', (bytes) => {
    expect(readJson(bytes)).toEqual({ kind: 'syntax' });
  });

  it('survives nesting as deep as a body can be', () => {
    expect(['value', 'syntax']).toContain(readJson(Buffer.from('['.repeat(50_000) + ']'.repeat(50_000))).kind);
    expect(readJson(Buffer.from('{"a":'.repeat(20_000)))).toEqual({ kind: 'syntax' });
  });

  it('gives back every JSON value and never throws on bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(readJson(Buffer.from(text))).toEqual({ kind: 'value', value: JSON.parse(text) });
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(['value', 'syntax']).toContain(readJson(bytes).kind);
      }),
    );
  });
});

describe('objects and members', () => {
  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['{}', false],
    [1, false],
  ])('says whether %j is an object', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected);
  });

  it('sees own members only', () => {
    expect(memberOf({ a: 1 }, 'a')).toBe(1);
    for (const inherited of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
      expect(memberOf({}, inherited)).toBeUndefined();
    }
    const parsed: unknown = JSON.parse('{"__proto__":{"hold":1},"hasOwnProperty":2}');
    expect(isJsonObject(parsed) && memberOf(parsed, 'hold')).toBeUndefined();
    expect(isJsonObject(parsed) && memberOf(parsed, '__proto__')).toEqual({ hold: 1 });
  });

  it('orders members by name', () => {
    expect(sortedMembers({ b: 1, a: 2, B: 3, '10': 4, '9': 5 }).map(([name]) => name)).toEqual([
      '10',
      '9',
      'B',
      'a',
      'b',
    ]);
  });
});

describe('integerOf', () => {
  it.each([
    [5, 5],
    [0, 0],
    [-3, -3],
    [5.4, 5],
    [5.5, 6],
    [-0.2, 0],
    [1e300, 1e300],
    [true, 1],
    [false, 0],
    ['5', 5],
    [' 5\t', 5],
    ['+5', 5],
    ['-5', -5],
    ['-0', 0],
    ['007', 7],
    ['', undefined],
    [' ', undefined],
    ['-', undefined],
    ['5.5', undefined],
    ['5 5', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['\u00a05', undefined],
    ['٣', undefined],
    [null, undefined],
    [[], undefined],
    [[5], undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('converts %j to %j', (value, expected) => {
    expect(integerOf(value)).toBe(expected);
  });

  it('gives back every integer that was written out', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (integer) => {
        expect(integerOf(String(integer))).toBe(integer);
        expect(integerOf(integer)).toBe(integer);
      }),
    );
  });
});

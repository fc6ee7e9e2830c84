import { describe, expect, it } from 'vitest';
import { readFieldLines } from '../../../src/protocol/http1/field-lines.js';

describe('the lines of a head', () => {
  it('keep their order, their names and what is repeated', () => {
    expect(readFieldLines('Host: a\r\nX-A: 1\r\nx-a:2\r\n')).toEqual([
      ['Host', 'a'],
      ['X-A', '1'],
      ['x-a', '2'],
    ]);
  });

  it.each([
    ['blanks around a value', 'A: \t b c \t\r\n', 'b c'],
    ['no value', 'A:\r\n', ''],
    ['nothing but blanks', 'A:  \t\r\n', ''],
    ['colons in the value', 'A: b:c\r\n', 'b:c'],
    ['bytes above 127', 'A: \xa0\xe9\xff\r\n', '\xa0\xe9\xff'],
  ])('are trimmed of blanks and of nothing else: %s', (_what, text, value) => {
    expect(readFieldLines(text)).toEqual([['A', value]]);
  });

  it('may be none', () => {
    expect(readFieldLines('')).toEqual([]);
  });

  it.each([
    ['a blank before the colon', 'A : b\r\n'],
    ['a blank before the name', ' A: b\r\n'],
    ['a folded line', 'A: b\r\n c\r\n'],
    ['no colon', 'A\r\n'],
    ['no name', ': b\r\n'],
    ['a LF for a line end', 'A: b\nB: c\r\n'],
    ['a CR for a line end', 'A: b\rB: c\r\n'],
    ['a NUL in the value', 'A: b\0\r\n'],
    ['a DEL in the value', 'A: \x7f\r\n'],
    ['an escape in the name', 'A\x1b: b\r\n'],
    ['a letter of another alphabet in the name', 'A\xe9: b\r\n'],
    ['an empty line', '\r\nA: b\r\n'],
    ['a line that is not ended', 'A: b'],
  ])('are refused as a whole: %s', (_what, text) => {
    expect(readFieldLines(text)).toBeUndefined();
  });
});

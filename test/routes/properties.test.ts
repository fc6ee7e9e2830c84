import { describe, expect, it } from 'vitest';
import { everyValue, filledValue, isPresent, lastValue, wholeNumber } from '../../src/routes/properties.js';
import type { Property } from '../../src/routes/tokenizer.js';

const PROPS: readonly Property[] = [
  ['a', '1'],
  ['b', ''],
  ['a', '2'],
  ['c', '3'],
  ['c', ''],
];

describe('the properties of a section', () => {
  it.each([
    ['a', { present: true, every: ['1', '2'], last: '2', filled: '2' }],
    ['b', { present: true, every: [''], last: '', filled: undefined }],
    ['c', { present: true, every: ['3', ''], last: '', filled: undefined }],
    ['d', { present: false, every: [], last: undefined, filled: undefined }],
    ['constructor', { present: false, every: [], last: undefined, filled: undefined }],
  ])('answers for %s: the last one counts, an empty one is there but not filled', (name, expected) => {
    expect({
      present: isPresent(PROPS, name),
      every: everyValue(PROPS, name),
      last: lastValue(PROPS, name),
      filled: filledValue(PROPS, name),
    }).toEqual(expected);
  });
});

describe('wholeNumber', () => {
  it.each([
    ['0', 0],
    ['007', 7],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', undefined],
    ['9'.repeat(400), undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    [' 1', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('takes %s for %s', (text, number) => {
    expect(wholeNumber(text)).toBe(number);
  });
});

import { describe, expect, it } from 'vitest';
import type { Explanation } from './changes.js';
import { describeDifference, judge } from './compare.js';

const replacing = (row: string, from: string, to: string): Explanation => ({
  row,
  cases: [],
  apply: (lines) => lines.map((line) => line.replace(from, to)),
});

const explanation = replacing('a-row', 'old', 'new');
const another = replacing('b-row', 'Pushpin', 'Holdfast');

describe('judge', () => {
  it.each([
    ['equal lines', ['a'], ['a'], [], false, { kind: 'equal' }],
    ['other lines', ['a'], ['b'], [], false, { kind: 'different' }],
    ['a line too many', ['a'], ['a', 'b'], [], false, { kind: 'different' }],
    ['the explained difference', ['old'], ['new'], [explanation], false, { kind: 'explained', row: 'a-row' }],
    ['the explained difference and another', ['old', 'a'], ['new', 'b'], [explanation], false, { kind: 'different' }],
    [
      'no difference where one is explained',
      ['old'],
      ['old'],
      [explanation],
      false,
      { kind: 'needless', row: 'a-row' },
    ],
    ['no difference of a program from itself', ['old'], ['old'], [explanation], true, { kind: 'equal' }],
    [
      'two explained differences',
      ['old Pushpin'],
      ['new Holdfast'],
      [explanation, another],
      false,
      { kind: 'explained', row: 'a-row, b-row' },
    ],
    [
      'one of two explained differences',
      ['old Pushpin'],
      ['new Pushpin'],
      [explanation, another],
      false,
      { kind: 'needless', row: 'b-row' },
    ],
    ['the same failure on both sides', ['step failed: x'], ['step failed: x'], [], true, { kind: 'different' }],
    [
      'a failure where a difference is explained',
      ['step failed: x'],
      ['step failed: x'],
      [explanation],
      false,
      { kind: 'different' },
    ],
  ] as const)('judges %s', (_what, left, right, explained, same, verdict) => {
    expect(judge(left, right, explained, same).verdict).toEqual(verdict);
  });
});

describe('describeDifference', () => {
  it.each([
    ['nothing when equal', ['a', 'b'], ['a', 'b'], ''],
    ['only what differs', ['a', 'b', 'c'], ['a', 'x', 'y', 'c'], '- b\n+ x\n+ y'],
    ['differences far apart', ['a', 'b', 'c'], ['x', 'b', 'y'], '- a\n+ x\n- c\n+ y'],
    ['a missing end', ['a', 'a'], ['a'], '- a'],
    ['a failure that both share', ['a', 'step failed: x'], ['a', 'step failed: x'], 'step failed: x'],
  ])('shows %s', (_what, left, right, text) => {
    expect(describeDifference(judge(left, right, [], true))).toBe(text);
  });
});

import { describe, expect, it } from 'vitest';
import { itemIntegerOf, refuseItem } from '../../src/protocol/item-parser.js';

// Everything else of the parser is tested once for each encoding, in item-json.test.ts and item-tnetstring.test.ts.

describe('itemIntegerOf', () => {
  it.each<[unknown, number | undefined]>([
    [200, 200],
    [200.4, 200],
    [-0.2, 0],
    ['200', 200],
    [' -5 ', -5],
    ['', 0],
    ['2x', 0],
    ['1.5', 0],
    [true, 1],
    [false, 0],
    [null, undefined],
    [undefined, undefined],
    [[1], undefined],
    [{}, undefined],
  ])('makes %j an integer or refuses it', (value, integer) => {
    expect(itemIntegerOf(value)).toBe(integer);
  });
});

describe('refuseItem', () => {
  it('throws the detail as the whole message', () => {
    expect(() => refuseItem('no formats specified')).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_ITEM_INVALID', message: 'no formats specified' }),
    );
  });
});

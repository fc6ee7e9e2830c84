/** Measured messages: written, cut anywhere, read again; a byte that nobody published is noticed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillingOf, MessageReader, messageText, SMALLEST_MESSAGE } from '../../bench/payload.js';
import { cutInto } from '../support/pieces.js';

const SIZE = 60;

function reader(size = SIZE) {
  const seen: (readonly [number, number] | 'wrong')[] = [];
  const messages = new MessageReader(size, fillingOf(size), {
    message: (number, at) => seen.push([number, at]),
    wrong: () => seen.push('wrong'),
  });
  return { seen, read: (bytes: Buffer) => messages.read(bytes, 0, bytes.length) };
}

describe('a message', () => {
  it.each([SMALLEST_MESSAGE, 60, 5_000])('of %i bytes has that length and one line end', (size) => {
    const text = messageText(7, 123_456, size);
    expect(text).toMatch(/^~00000007@00000001e240\.*\n$/);
    expect(text.length).toBe(size);
  });

  it('is read however it is cut', () => {
    const sent = [
      [0, 1],
      [1, 2 ** 44],
      [0xffffffff, 5],
    ] as const;
    const bytes = Buffer.from(sent.map(([number, at]) => messageText(number, at, SIZE)).join(''));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1 }), (lengths) => {
        const { seen, read } = reader();
        for (const piece of cutInto(bytes, lengths)) read(piece);
        expect(seen).toEqual(sent);
      }),
    );
  });

  it.each([0, 3, 9, 15, 30, SIZE - 1])('is wrong when byte %i is another one', (at) => {
    const bytes = Buffer.from(messageText(1, 2, SIZE));
    bytes[at] = 0x58;
    const { seen, read } = reader();
    read(bytes);
    expect(seen).toEqual(['wrong']);
  });
});

/** Frames out of pieces, and what collecting them costs. */
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, type FrameTaker } from '../../../src/protocol/zmtp/frames.js';
import { keptBytes } from '../../support/memory.js';
import { cutInto } from '../../support/pieces.js';
import { claim, frameOf } from '../../support/zmtp-peer.js';

const LARGE = 4_000_000;

class Taken implements FrameTaker {
  readonly bodies: (Buffer | undefined)[] = [];

  constructor(private readonly wanted = true) {}

  head(): boolean {
    return this.wanted;
  }

  frame(_flags: number, body: Buffer | undefined): void {
    this.bodies.push(body);
  }
}

describe('a frame', () => {
  it.each([0, 1, 255, 256, 70_000])('of %i bytes is encoded as it is decoded', (length) => {
    const body = Buffer.alloc(length, 'a');
    expect(encodeFrame(4, body).equals(frameOf(4, body))).toBe(true);
  });

  it.each([1, 7, 1_000, 65_536])('is put together from pieces of %i bytes', (size) => {
    const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
    const bytes = frameOf(0, body);
    const taken = new Taken();
    const decoder = new FrameDecoder(taken);
    for (const piece of cutInto(bytes, [size])) decoder.read(piece);
    expect(taken.bodies).toHaveLength(1);
    expect(taken.bodies[0]?.equals(body)).toBe(true);
  });

  it('in four million pieces of a byte takes a time that grows with its length', () => {
    const taken = new Taken();
    const decoder = new FrameDecoder(taken);
    decoder.read(claim(BigInt(LARGE)));
    const byte = Buffer.from('a');
    // A copy of all that has come, for each byte, would be 8 * 10^12 bytes: hours.
    for (let count = 0; count < LARGE; count += 1) decoder.read(byte);
    expect(taken.bodies[0]).toHaveLength(LARGE);
  });

  it('that is claimed and does not come costs no memory', () => {
    const decoders = Array.from({ length: 100 }, () => new FrameDecoder(new Taken()));
    const before = keptBytes();
    for (const decoder of decoders) {
      decoder.read(claim(100_000_000n));
      decoder.read(Buffer.from('a'));
    }
    expect(keptBytes() - before).toBeLessThan(100 * 100_000);
    expect(decoders).toHaveLength(100);
  });

  it('that is not wanted passes by and is not kept', () => {
    const taken = new Taken(false);
    const decoder = new FrameDecoder(taken);
    const piece = Buffer.alloc(1_000_000);
    decoder.read(claim(50_000_000n));
    const before = keptBytes();
    for (let count = 0; count < 50; count += 1) decoder.read(piece);
    expect(taken.bodies).toEqual([undefined]);
    expect(keptBytes() - before).toBeLessThan(1_000_000);
  });
});

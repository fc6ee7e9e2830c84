/** Ways to cut bytes into chunks, for tests that say chunk ends mean nothing. */
import fc from 'fast-check';

/** Bytes with the chunks they were cut into; empty chunks are among them. */
export interface Chunking {
  readonly whole: Buffer;
  readonly chunks: readonly Buffer[];
}

/** Every chunking of the given bytes. */
export function chunkings(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Chunking> {
  return fc.tuple(bytes, fc.array(fc.nat({ max: 64 }), { maxLength: 8 })).map(([whole, cuts]) => {
    const ends = [...cuts.map((cut) => Math.min(cut, whole.length)), whole.length].sort((left, right) => left - right);
    return { whole, chunks: ends.map((end, at) => whole.subarray(ends[at - 1] ?? 0, end)) };
  });
}

/** Bytes that are mostly pieces out of which something can be made, and now and then anything at all. */
export function bytesOf(...pieces: readonly string[]): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
  );
  return fc.array(piece, { maxLength: 12 }).map((buffers) => Buffer.concat(buffers));
}

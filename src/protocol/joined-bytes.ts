/** Bytes that came in pieces. */

const NOTHING = Buffer.alloc(0);

/** The pieces as one; a single piece as it is, without a copy. */
export function joinedBytes(pieces: readonly Buffer[]): Buffer {
  const [first = NOTHING] = pieces;
  return pieces.length > 1 ? Buffer.concat(pieces) : first;
}

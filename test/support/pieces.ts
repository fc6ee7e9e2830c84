/** Bytes cut into pieces, as a network may cut them. */

/** @param cuts - where pieces end, in any order; none of the pieces is empty */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts, bytes.length].sort((left, right) => left - right);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

/** @param lengths - of the pieces, again and again */
export function cutInto(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
    const length = lengths[pieces.length % lengths.length] ?? bytes.length;
    pieces.push(bytes.subarray(at, at + length));
  }
  return pieces;
}

/** Bodies that the origin answers with and clients compare byte for byte. */

/** What every stream begins with. */
export const GREETING = Buffer.from('hello\n');

export const SMALL_BODY = Buffer.from('hello from the origin\n');

/** @param bytes - length */
export function bodyOf(bytes: number): Buffer {
  return bytes === SMALL_BODY.length ? SMALL_BODY : Buffer.alloc(bytes, 'abcdefghijklmnopqrstuvwxyz0123456789\n');
}

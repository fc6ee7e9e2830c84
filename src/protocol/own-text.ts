/** Text that is kept for long. */

/**
 * The same text, which holds on to no other: a piece that was cut out of a head, or put together of such pieces, keeps
 * the whole head in memory.
 *
 * @param text - characters up to 0xFF
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

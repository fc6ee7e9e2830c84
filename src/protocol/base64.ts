/**
 * Lenient base64 for `content-bin`, `body-bin` and keep-alive content (specification 4.2, 4.3): what is not one of the
 * 64 characters is passed over. Node's own decoder would stop at the first `=` and take `-` and `_` as well.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const FOREIGN = 0xff;

const SEXTETS = new Uint8Array(128).fill(FOREIGN);
for (let sextet = 0; sextet < ALPHABET.length; sextet += 1) {
  SEXTETS[ALPHABET.charCodeAt(sextet)] = sextet;
}

/**
 * Decodes base64 of the standard alphabet. Padding may be missing; bits that do not fill a byte are dropped.
 *
 * @param text - any string
 * @returns the bytes; empty when the text has fewer than two characters of the alphabet
 */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(Math.floor((text.length * 3) / 4));
  let written = 0;
  let pending = 0;
  let pendingBits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sextet = SEXTETS[text.charCodeAt(at)] ?? FOREIGN;
    if (sextet === FOREIGN) {
      continue;
    }
    pending = (pending << 6) | sextet;
    pendingBits += 6;
    if (pendingBits >= 8) {
      pendingBits -= 8;
      bytes[written] = pending >> pendingBits;
      pending &= (1 << pendingBits) - 1;
      written += 1;
    }
  }
  return bytes.subarray(0, written);
}

/** Where the head of an HTTP/1.1 message begins and ends in the bytes that have come (RFC 9112 2.1, 2.2). */

/** The end of the last line, and the empty line. As bytes: they are found sooner than text is. */
export const HEAD_END: Buffer = Buffer.from('\r\n\r\n');

const CR = 0x0d;
const LF = 0x0a;

/** Where a head begins: empty lines in front of it mean nothing. May be the end of the bytes. */
export function startOfHead(bytes: Buffer, from = 0): number {
  let at = from;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at;
}

/** A request that is there as a whole, written at once. */
import type { Socket } from 'node:net';
import { lengthLine } from './request-head.js';

/** Bytes of a body that are copied behind the head, to leave in one packet with it. */
const SMALL_BODY = 16_384;

/** Whether the body leaves with the head in one write, so that nobody can answer in the middle of it. */
export function leavesAtOnce(body: Buffer): boolean {
  return body.length <= SMALL_BODY;
}

/** @param head - without framing header and empty line */
export function writeWhole(socket: Socket, head: string, method: string, body: Buffer): void {
  const text = head + lengthLine(method, body.length);
  if (body.length === 0) {
    socket.write(text, 'latin1');
  } else if (leavesAtOnce(body)) {
    const bytes = Buffer.allocUnsafe(text.length + body.length);
    bytes.write(text, 0, 'latin1');
    body.copy(bytes, text.length);
    socket.write(bytes);
  } else {
    socket.cork();
    socket.write(text, 'latin1');
    socket.write(body);
    socket.uncork();
  }
}

/**
 * One buffer that all connections of a process are read into, one after the other. Node would make a buffer of 64 KB for
 * each packet, most of which carry a few hundred bytes, and their collection would cost more than their reading.
 */
import type { OnReadOpts, Socket } from 'node:net';

/** Bytes. More than a socket's buffer holds as a rule is more than is ever there at once. */
const SIZE = 131_072;

/** Whoever has a socket's bytes. */
export interface Reading {
  /**
   * @param bytes - a view of the shared buffer: of what is kept there has to be a copy when this returns
   * @returns false: stop until the socket is resumed
   */
  received(bytes: Buffer): boolean;
}

export const kReading = Symbol('reading');

/** A socket that knows who reads it. */
export interface ReadSocket extends Socket {
  [kReading]?: Reading;
}

/** For the options of `connect`. */
export function sharedRead(): OnReadOpts {
  return { buffer: Buffer.allocUnsafeSlow(SIZE), callback: readInto };
}

function readInto(this: ReadSocket, count: number, buffer: Uint8Array): boolean {
  const reading = this[kReading];
  if (reading === undefined) {
    // Who speaks before the connection is made does not wait to be asked.
    this.destroy();
    return false;
  }
  return reading.received((buffer as Buffer).subarray(0, count));
}

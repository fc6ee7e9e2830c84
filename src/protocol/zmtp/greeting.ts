/**
 * The greeting that both sides of a ZMTP 3 connection begin with (RFC 23 and RFC 37, "Greeting").
 *
 *     0      1 … 8     9     10     11     12 … 31    32         33 … 63
 *     0xff   padding   0x7f  major  minor  mechanism  as-server  filler
 *
 * A peer may send it in pieces and wait for ours in between, so ours has to go out before all of the peer's has come.
 * Each piece is judged when it comes: a peer of another protocol may never send 64 bytes.
 */
import { zmtpFault } from './fault.js';

const GREETING_BYTES = 64;
const SIGNATURE_END = 9;
const MAJOR = 10;
const MINOR = 11;
const MECHANISM = 12;
const MECHANISM_END = 32;
const MECHANISM_NULL = Buffer.from('NULL'.padEnd(MECHANISM_END - MECHANISM, '\0'), 'latin1');

/** Ours: ZMTP 3.1, no security. */
export const GREETING: Buffer = greeting();

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[SIGNATURE_END] = 0x7f;
  bytes[MAJOR] = 3;
  bytes[MINOR] = 1;
  MECHANISM_NULL.copy(bytes, MECHANISM);
  return bytes;
}

/** Reads the greeting of one peer. Padding, as-server and filler may be anything, as libzmq has it. */
export class GreetingReader {
  private readonly bytes = Buffer.alloc(GREETING_BYTES);
  private length = 0;

  get complete(): boolean {
    return this.length === GREETING_BYTES;
  }

  /**
   * Takes the next bytes and returns how many of them belong to the greeting.
   * @throws HoldfastError HOLDFAST_ZMTP_INVALID as soon as it cannot become the greeting of a peer for us
   */
  read(some: Buffer): number {
    const before = this.length;
    const used = some.copy(this.bytes, before, 0, GREETING_BYTES - before);
    this.length += used;
    this.check();
    return used;
  }

  private check(): void {
    const { bytes, length } = this;
    // A peer of ZMTP 1.0 begins with a frame: a length below 255, or a long one whose flags follow it.
    if ((length > 0 && bytes[0] !== 0xff) || (length > SIGNATURE_END && bytes[SIGNATURE_END] !== 0x7f)) {
      throw zmtpFault('it does not speak ZMTP 3');
    }
    if (length > MAJOR && (bytes[MAJOR] ?? 0) < 3) throw zmtpFault('it speaks ZMTP 2 or older, not ZMTP 3');
    if (length >= MECHANISM_END && !bytes.subarray(MECHANISM, MECHANISM_END).equals(MECHANISM_NULL)) {
      throw zmtpFault(`it wants the security mechanism ${this.mechanism()}, there is only NULL`);
    }
  }

  /** What the peer calls its mechanism, fit for a log line. */
  private mechanism(): string {
    const text = this.bytes.toString('latin1', MECHANISM, MECHANISM_END).replace(/\0+$/, '');
    return /^[A-Z0-9._+-]+$/.test(text) ? text : JSON.stringify(text);
  }
}

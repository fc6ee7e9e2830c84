/**
 * ZMTP frames (RFC 23 and RFC 37, "Framing").
 *
 *     flags   1 or 8 bytes   length bytes          flags   1  more parts follow
 *             length         body                          2  the length has 8 bytes
 *                                                          4  a command, not a message
 *
 * The bytes come from the network in any pieces. A body that comes in one piece is handed on as a view of that piece;
 * one that does not is collected in a buffer that doubles as it fills, so that a claimed length costs nothing, and a
 * large body is copied about once.
 */
import { zmtpFault } from './fault.js';

export const MORE = 0x01;
const LONG = 0x02;
export const COMMAND = 0x04;
const RESERVED = 0xf8;

const SHORT_HEAD = 2;
const LONG_HEAD = 9;
/** Bytes that a body which has begun to come gets room for at once. */
const FIRST_ROOM = 65_536;
const NOTHING = Buffer.alloc(0);

/** What frames go to. Either call may stop the decoder or throw a HoldfastError. */
export interface FrameTaker {
  /** A head has come. False lets the body pass by unread. @param length - bytes of the body, as claimed */
  head(flags: number, length: number): boolean;
  /** The body has come. @param body - undefined when it was not wanted; valid as long as it is referred to */
  frame(flags: number, body: Buffer | undefined): void;
}

export class FrameDecoder {
  /** A head of which a part has come. */
  private readonly partialHead = Buffer.alloc(LONG_HEAD);
  private partialHeadBytes = 0;
  private flags = 0;
  private inBody = false;
  private wanted = false;
  /** Bytes of the body, and how many of them have come. */
  private length = 0;
  private come = 0;
  /** The body as far as it has come; as large as it may become without another copy. */
  private body = NOTHING;
  private stopped = false;

  constructor(private readonly taker: FrameTaker) {}

  /** @throws HoldfastError HOLDFAST_ZMTP_INVALID; nothing may be read after it */
  read(bytes: Buffer): void {
    let at = 0;
    while (!this.stopped) {
      if (this.inBody) {
        at = this.takeBody(bytes, at);
        if (this.inBody) return;
      } else {
        if (at === bytes.length) return;
        at = this.takeHead(bytes, at);
      }
    }
  }

  /** Hands on nothing more, not even of the bytes that are being read. */
  stop(): void {
    this.stopped = true;
    this.body = NOTHING;
  }

  private takeHead(bytes: Buffer, at: number): number {
    if (this.partialHeadBytes === 0) {
      const size = headSize(bytes[at] ?? 0);
      if (at + size <= bytes.length) {
        this.begin(bytes, at);
        return at + size;
      }
    }
    const { partialHead } = this;
    partialHead[this.partialHeadBytes++] = bytes[at] ?? 0;
    if (this.partialHeadBytes === headSize(partialHead[0] ?? 0)) {
      this.partialHeadBytes = 0;
      this.begin(partialHead, 0);
    }
    return at + 1;
  }

  /** A whole head is at `at`. */
  private begin(bytes: Buffer, at: number): void {
    this.flags = bytes[at] ?? 0;
    this.length = (this.flags & LONG) === 0 ? (bytes[at + 1] ?? 0) : longLength(bytes, at + 1);
    this.come = 0;
    this.inBody = true;
    this.wanted = this.taker.head(this.flags, this.length);
  }

  /** Returns where the body ends in `bytes`, or their end. */
  private takeBody(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.length - this.come, bytes.length);
    const complete = this.come + (end - at) === this.length;
    if (!this.wanted) {
      this.come += end - at;
      if (complete) this.finish(undefined);
    } else if (complete && this.come === 0) {
      this.finish(bytes.subarray(at, end));
    } else {
      this.collect(bytes, at, end);
      if (complete) this.finish(this.body.subarray(0, this.length));
    }
    return end;
  }

  private collect(bytes: Buffer, at: number, end: number): void {
    const needed = this.come + (end - at);
    if (needed > this.body.length) {
      // Not of the shared pool: a part of that would keep the whole of it.
      const room = Math.min(this.length, Math.max(FIRST_ROOM, needed, this.body.length * 2));
      const larger = Buffer.allocUnsafeSlow(room);
      this.body.copy(larger, 0, 0, this.come);
      this.body = larger;
    }
    bytes.copy(this.body, this.come, at, end);
    this.come = needed;
  }

  private finish(body: Buffer | undefined): void {
    this.inBody = false;
    this.body = NOTHING;
    this.taker.frame(this.flags, body);
  }
}

function headSize(flags: number): number {
  if ((flags & RESERVED) !== 0) throw zmtpFault(`it sent a frame with reserved flags (0x${flags.toString(16)})`);
  return (flags & LONG) === 0 ? SHORT_HEAD : LONG_HEAD;
}

function longLength(bytes: Buffer, at: number): number {
  // Beyond 2^53 the sum is rounded, and far beyond any limit all the same.
  return bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}

/** A whole frame. @param flags - `MORE` or `COMMAND`, or none; the length's form is added */
export function encodeFrame(flags: number, body: Buffer): Buffer {
  const long = body.length > 0xff;
  const head = Buffer.alloc(long ? LONG_HEAD : SHORT_HEAD);
  head[0] = long ? flags | LONG : flags;
  if (long) head.writeBigUInt64BE(BigInt(body.length), 1);
  else head[1] = body.length;
  return Buffer.concat([head, body]);
}

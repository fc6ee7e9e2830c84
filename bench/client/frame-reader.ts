/** Reads a server's WebSocket frames (RFC 6455 5.2): unmasked, payloads handed on where they lie. */

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** Two bytes, and at most eight of an extended length. */
const LONGEST_HEAD = 10;

export interface FrameEvents {
  /** Part of the payload of a text frame. */
  payload(bytes: Buffer, start: number, end: number): void;
  /** A ping is there. What it carries is not kept: servers that ping here send empty ones. */
  ping?(): void;
  close(): void;
}

export class FrameReader {
  private readonly head = Buffer.alloc(LONGEST_HEAD);
  private have = 0;
  /** Bytes left of the payload; -1 while the head is read. */
  private left = -1;

  constructor(private readonly events: FrameEvents) {}

  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.left < 0) {
        this.head[this.have] = bytes[at] ?? 0;
        this.have += 1;
        at += 1;
        this.left = this.payloadLength();
        if (this.left === 0) this.finish();
        continue;
      }
      const upTo = Math.min(end, at + this.left);
      if (this.opcode === TEXT || this.opcode === 0) this.events.payload(bytes, at, upTo);
      this.left -= upTo - at;
      at = upTo;
      if (this.left === 0) this.finish();
    }
  }

  private get opcode(): number {
    return (this.head[0] ?? 0) & 15;
  }

  /** -1 as long as the head is not whole. */
  private payloadLength(): number {
    if (this.have < 2) return -1;
    const short = (this.head[1] ?? 0) & 127;
    if (short < 126) return short;
    if (short === 126) return this.have < 4 ? -1 : this.head.readUInt16BE(2);
    return this.have < LONGEST_HEAD ? -1 : Number(this.head.readBigUInt64BE(2));
  }

  private finish(): void {
    if (this.opcode === CLOSE) this.events.close();
    else if (this.opcode === PING) this.events.ping?.();
    this.have = 0;
    this.left = -1;
  }
}

/** A client's answer to an empty ping. */
export const EMPTY_PONG = Buffer.from([0x80 | PONG, 0x80, 0, 0, 0, 0]);

/** The masked text frame of a client (a fixed mask: nothing here has to be hidden from anybody). */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text, 'latin1');
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([clientHead(payload.length), Buffer.from(mask), payload]);
}

function clientHead(length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | TEXT, 0x80 | length]);
  if (length < 65_536) return Buffer.from([0x80 | TEXT, 0x80 | 126, length >> 8, length & 255]);
  const head = Buffer.alloc(LONGEST_HEAD);
  head.set([0x80 | TEXT, 0x80 | 127]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

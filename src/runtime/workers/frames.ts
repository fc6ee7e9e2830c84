/**
 * Frames on the bus between the main process and a worker: bytes that are written once for all workers, and read
 * without copying.
 *
 *     length u32 | type u8 | payload          length counts type and payload; numbers are little-endian
 *     text in a payload: length u32 | UTF-8   bytes: length u32 | bytes
 *     text with half a surrogate pair, which UTF-8 cannot say: length u32, its highest bit set | UTF-16
 */

/** Frames are between our own processes; one beyond this is a defect, not a message. */
const MAX_FRAME = 0x7fff_ffff;
const HEAD = 5;
/** Bytes of a writer's buffer, and those it keeps after a large frame. */
const FIRST_SIZE = 4_096;
const KEPT_SIZE = 1_048_576;
const UTF16 = 0x8000_0000;

/** A frame whose payload is there already. */
export function plainFrame(type: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD + payload.length);
  frame.writeUInt32LE(1 + payload.length, 0);
  frame[4] = type;
  frame.set(payload, HEAD);
  return frame;
}

/** Writes one frame at a time into a buffer that is used again. */
export class FrameWriter {
  private bytes = Buffer.allocUnsafe(FIRST_SIZE);
  private at = HEAD;

  begin(type: number): void {
    this.bytes[4] = type;
    this.at = HEAD;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.at] = value;
    this.at += 1;
  }

  u32(value: number): void {
    this.reserve(4);
    this.at = this.bytes.writeUInt32LE(value, this.at);
  }

  /** Any number. */
  number(value: number): void {
    this.reserve(8);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  text(value: string): void {
    // Three bytes a character at most.
    this.reserve(4 + value.length * 3);
    const wellFormed = value.isWellFormed();
    const written = this.bytes.write(value, this.at + 4, wellFormed ? 'utf8' : 'utf16le');
    this.bytes.writeUInt32LE(wellFormed ? written : written + UTF16, this.at);
    this.at += 4 + written;
  }

  raw(value: Uint8Array): void {
    this.u32(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** The frame, in a buffer of its own. */
  end(): Buffer {
    const { bytes, at } = this;
    bytes.writeUInt32LE(at - 4, 0);
    if (bytes.length <= KEPT_SIZE) return Buffer.from(bytes.subarray(0, at));
    this.bytes = Buffer.allocUnsafe(FIRST_SIZE);
    return bytes.subarray(0, at);
  }

  private reserve(length: number): void {
    const needed = this.at + length;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }
}

/** Reads the payload of one frame; `raw` gives views. */
export class FramePayload {
  private at: number;

  constructor(
    private readonly bytes: Buffer,
    from: number,
    private readonly end: number,
  ) {
    this.at = from;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  u8(): number {
    const value = this.bytes[this.at] as number;
    this.at += 1;
    return value;
  }

  u32(): number {
    const value = this.bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  number(): number {
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  text(): string {
    const announced = this.u32();
    const length = announced >= UTF16 ? announced - UTF16 : announced;
    const value = this.bytes.toString(announced >= UTF16 ? 'utf16le' : 'utf8', this.at, this.at + length);
    this.at += length;
    return value;
  }

  raw(): Buffer {
    const length = this.u32();
    const value = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return value;
  }

  /** What is left. */
  rest(): Buffer {
    const value = this.bytes.subarray(this.at, this.end);
    this.at = this.end;
    return value;
  }
}

/** Puts frames together that come in pieces; each byte is copied once at most, however large the frame is. */
export class FrameReader {
  private pieces: Buffer[] = [];
  private held = 0;
  /** Bytes that are there before there is anything to do. */
  private needed = HEAD;

  /** @param onFrame - called for each whole frame, in order */
  constructor(private readonly onFrame: (type: number, payload: FramePayload) => void) {}

  /** @throws RangeError for a frame that none of our processes has sent */
  read(piece: Buffer): void {
    this.pieces.push(piece);
    this.held += piece.length;
    if (this.held < this.needed) return;
    const bytes = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces, this.held);
    let at = 0;
    this.needed = HEAD;
    while (bytes.length - at >= HEAD) {
      const length = bytes.readUInt32LE(at);
      if (length < 1 || length > MAX_FRAME) throw new RangeError(`a frame of ${length} bytes on the bus`);
      const end = at + 4 + length;
      if (end > bytes.length) {
        this.needed = end - at;
        break;
      }
      this.onFrame(bytes[at + 4] as number, new FramePayload(bytes, at + HEAD, end));
      at = end;
    }
    this.pieces = at < bytes.length ? [bytes.subarray(at)] : [];
    this.held = bytes.length - at;
  }
}

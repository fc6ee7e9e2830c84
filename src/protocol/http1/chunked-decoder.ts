/**
 * The chunked coding of HTTP/1.1 bodies (RFC 9112 7.1), decoded strictly: hexadecimal digits and nothing else before
 * the line's end or its extensions, CRLF behind every line and every chunk, trailers that are well-formed lines.
 *
 *     size ──CR──► size-end ──► data ──► data-cr ──► data-lf ──► size …
 *       └─';'──► extension ──CR──┘ │ size 0
 *                                  └──► trailer ──empty line──► over
 *
 * Extensions are passed over and trailers are checked and left out: neither goes on to anybody.
 */
import { readFieldLines } from './field-lines.js';

/** Why a body cannot be read on; `length` and `coding` are trailers that speak of the framing itself. */
export type ChunkedFault = 'token' | 'length' | 'coding' | 'too-large';

export type ChunkedResult = 'more' | 'end' | ChunkedFault;

type State = 'size' | 'extension' | 'size-end' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'over';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SEMICOLON = 0x3b;
const DELETE = 0x7f;

/** Digits of a size: more could not be counted exactly. Leading zeros are no digits. */
const MAX_DIGITS = 13;
/** Leading zeros of one size. */
const MAX_ZEROS = 64;

export class ChunkedDecoder {
  /** Where the bytes that were read last end: what is behind belongs to the next message. */
  next = 0;
  private state: State = 'size';
  private size = 0;
  private digits = 0;
  private zeros = 0;
  private extensionBytes = 0;
  private trailers = '';

  /** @param maxExtraBytes - bytes of all extensions of a body together, and of its trailers */
  constructor(private readonly maxExtraBytes: number) {}

  /**
   * Reads on.
   *
   * @param take - given the body's bytes, as views of `bytes`
   * @returns `more` when the body has not ended with `bytes`; after `end` or a fault nothing may be read any more
   */
  read(bytes: Buffer, from: number, take: (piece: Buffer) => void): ChunkedResult {
    let at = from;
    while (at < bytes.length) {
      switch (this.state) {
        case 'data': {
          const end = Math.min(bytes.length, at + this.size);
          this.size -= end - at;
          take(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
          at = end;
          if (this.size === 0) this.state = 'data-cr';
          break;
        }
        case 'trailer': {
          const end = this.trailerEnd(bytes, at);
          if (typeof end === 'string') return end;
          at = end;
          if (!this.isOver()) break;
          this.next = at;
          return this.trailersFault() ?? 'end';
        }
        case 'over':
          this.next = at;
          return 'end';
        default: {
          const fault = this.step(bytes[at] as number);
          if (fault !== undefined) return fault;
          at += 1;
        }
      }
    }
    this.next = at;
    return 'more';
  }

  private isOver(): boolean {
    return this.state === 'over';
  }

  /** One byte of what stands around the data. */
  private step(byte: number): ChunkedFault | undefined {
    switch (this.state) {
      case 'size':
        return this.sizeByte(byte);
      case 'extension':
        if (byte === CR) {
          this.state = 'size-end';
          return undefined;
        }
        this.extensionBytes += 1;
        if (this.extensionBytes > this.maxExtraBytes) return 'too-large';
        return (byte < SPACE && byte !== TAB) || byte === DELETE ? 'token' : undefined;
      case 'size-end':
        if (byte !== LF) return 'token';
        this.state = this.size === 0 ? 'trailer' : 'data';
        return undefined;
      case 'data-cr':
        if (byte !== CR) return 'token';
        this.state = 'data-lf';
        return undefined;
      default:
        if (byte !== LF) return 'token';
        this.state = 'size';
        this.digits = 0;
        this.zeros = 0;
        return undefined;
    }
  }

  private sizeByte(byte: number): ChunkedFault | undefined {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (digit === 0 && this.digits === 0) {
        this.zeros += 1;
        return this.zeros > MAX_ZEROS ? 'token' : undefined;
      }
      this.digits += 1;
      this.size = this.size * 16 + digit;
      return this.digits > MAX_DIGITS ? 'token' : undefined;
    }
    if (this.digits === 0 && this.zeros === 0) return 'token';
    if (byte === CR) this.state = 'size-end';
    else if (byte === SEMICOLON) this.state = 'extension';
    else return 'token';
    return undefined;
  }

  /** Keeps what is a trailer of `bytes`; the end of it, or what is wrong with it. */
  private trailerEnd(bytes: Buffer, from: number): number | ChunkedFault {
    for (let at = from; at < bytes.length; at += 1) {
      if (bytes[at] !== LF) continue;
      this.trailers += bytes.toString('latin1', from, at + 1);
      if (this.trailers.length > this.maxExtraBytes + 2) return 'too-large';
      if (this.trailers !== '\r\n' && !this.trailers.endsWith('\r\n\r\n')) {
        if (!this.trailers.endsWith('\r\n')) return 'token';
        return at + 1;
      }
      this.state = 'over';
      return at + 1;
    }
    this.trailers += bytes.toString('latin1', from);
    return this.trailers.length > this.maxExtraBytes + 2 ? 'too-large' : bytes.length;
  }

  private trailersFault(): ChunkedFault | undefined {
    const fields = readFieldLines(this.trailers.slice(0, -2));
    if (fields === undefined) return 'token';
    for (const [name] of fields) {
      const lowercase = name.toLowerCase();
      if (lowercase === 'content-length') return 'length';
      if (lowercase === 'transfer-encoding') return 'coding';
    }
    return undefined;
  }
}

/** -1 for what is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/**
 * Tagged netstrings, the encoding of ZeroMQ payloads (specification, appendix B).
 *
 *     LENGTH ':' BYTES TAG        LENGTH counts BYTES only, in decimal
 *
 *     ,  bytes      #  integer    ^  double    !  true or false
 *     ~  null       ]  list       }  map: keys (always ',') and values in turn
 *
 * The bytes come from the network: nothing here allocates by a claimed length, and nesting is bounded.
 */
import { HoldfastError } from '../errors/holdfast-error.js';

/** A decoded map; keys are decoded as UTF-8, the last of two equal keys wins. */
export type TnetMap = Map<string, TnetValue>;

/** A decoded value. Integers and doubles are both numbers; a `Buffer` may be a view of the decoded bytes. */
export type TnetValue = Buffer | number | boolean | null | TnetValue[] | TnetMap;

/** What can be encoded; strings are written as UTF-8. */
export type TnetInput =
  | Uint8Array
  | string
  | number
  | boolean
  | null
  | readonly TnetInput[]
  | ReadonlyMap<string, TnetInput>;

/** Containers inside containers, the outermost counted. */
const MAX_DEPTH = 64;

/** A length of more digits is beyond any message that Holdfast takes. */
const MAX_LENGTH_DIGITS = 9;

/** Sign and digits of the smallest 64-bit integer. */
const MAX_INTEGER_BYTES = 20;

/** The longest double that C's `%f` writes stays below this. */
const MAX_DOUBLE_BYTES = 400;

/** The character codes of `, # ^ ! ~ ] }`. */
const TAGS = { bytes: 0x2c, integer: 0x23, double: 0x5e, boolean: 0x21, null: 0x7e, list: 0x5d, map: 0x7d } as const;
const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const INTEGER = /^[+-]?[0-9]+$/;
const DOUBLE = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

function malformed(what: string): HoldfastError {
  return new HoldfastError('HOLDFAST_TNETSTRING_INVALID', `malformed tnetstring: ${what}`);
}

/** Walks one buffer; `position` is where the next value starts. */
class Decoder {
  private position = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly maxDepth: number,
  ) {}

  /** Reads the value at `position`, which must end at or before `end`. */
  value(end: number, depth: number): TnetValue {
    const start = this.position;
    const length = this.length(end);
    const from = this.position;
    const to = from + length;
    if (to >= end) {
      throw malformed(`value at byte ${start} claims ${length} bytes, ${Math.max(0, end - from - 1)} are there`);
    }
    let value: TnetValue;
    switch (this.bytes[to]) {
      case TAGS.bytes:
        value = this.bytes.subarray(from, to);
        break;
      case TAGS.integer:
        value = this.number(from, to, INTEGER, MAX_INTEGER_BYTES, 'integer');
        break;
      case TAGS.double:
        value = this.number(from, to, DOUBLE, MAX_DOUBLE_BYTES, 'double');
        break;
      case TAGS.boolean:
        value = this.boolean(from, to);
        break;
      case TAGS.null:
        if (length !== 0) throw malformed(`null at byte ${start} is not empty`);
        value = null;
        break;
      case TAGS.list:
        value = this.list(to, this.deeper(depth, start));
        break;
      case TAGS.map:
        value = this.map(to, this.deeper(depth, start));
        break;
      default:
        throw malformed(`unknown type at byte ${to}`);
    }
    this.position = to + 1;
    return value;
  }

  private length(end: number): number {
    const start = this.position;
    const bytes = this.bytes;
    let length = 0;
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === COLON) break;
      if (byte < DIGIT_0 || byte > DIGIT_9) throw malformed(`length at byte ${start} is not a number`);
      if (at - start === MAX_LENGTH_DIGITS) throw malformed(`length at byte ${start} is too large`);
      length = length * 10 + (byte - DIGIT_0);
    }
    if (at === end) throw malformed(`no complete length at byte ${start}`);
    if (at === start) throw malformed(`empty length at byte ${start}`);
    this.position = at + 1;
    return length;
  }

  private number(from: number, to: number, form: RegExp, maxBytes: number, kind: string): number {
    if (to - from > maxBytes) throw malformed(`${kind} at byte ${from} is too long`);
    const text = this.bytes.toString('latin1', from, to);
    const value = form.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) throw malformed(`${kind} at byte ${from} is not a number`);
    return value;
  }

  private boolean(from: number, to: number): boolean {
    const text = to - from <= 5 ? this.bytes.toString('latin1', from, to) : '';
    if (text !== 'true' && text !== 'false') throw malformed(`boolean at byte ${from} is neither true nor false`);
    return text === 'true';
  }

  private list(end: number, depth: number): TnetValue[] {
    const list: TnetValue[] = [];
    while (this.position < end) list.push(this.value(end, depth));
    return list;
  }

  private map(end: number, depth: number): TnetMap {
    const map: TnetMap = new Map();
    while (this.position < end) {
      const at = this.position;
      const key = this.key(end, depth);
      if (this.position === end) throw malformed(`map key at byte ${at} has no value`);
      map.set(key, this.value(end, depth));
    }
    return map;
  }

  /** Read without a view of its bytes: every member has one, and the view would cost more than all the rest. */
  private key(end: number, depth: number): string {
    const start = this.position;
    const length = this.length(end);
    const from = this.position;
    const to = from + length;
    if (to < end && this.bytes[to] === TAGS.bytes) {
      this.position = to + 1;
      return this.bytes.toString('utf8', from, to);
    }
    // Whatever is wrong inside it is told first.
    this.position = start;
    this.value(end, depth);
    throw malformed(`map key at byte ${start} is not a string`);
  }

  private deeper(depth: number, at: number): number {
    if (depth === this.maxDepth) throw malformed(`more than ${this.maxDepth} levels at byte ${at}`);
    return depth + 1;
  }
}

/**
 * Decodes the first value of `bytes`; what follows it is ignored.
 *
 * @param options - `maxDepth`: containers inside containers, default 64
 * @throws HoldfastError HOLDFAST_TNETSTRING_INVALID that says what is wrong at which byte
 */
export function decodeTnetstring(bytes: Buffer, options: { readonly maxDepth?: number } = {}): TnetValue {
  return new Decoder(bytes, options.maxDepth ?? MAX_DEPTH).value(bytes.length, 0);
}

/** Scalars other than bytes and strings: what stands before the tag, and the tag. */
function scalarText(value: number | boolean | null): { text: string; tag: string } {
  if (value === null) return { text: '', tag: '~' };
  if (typeof value === 'boolean') return { text: String(value), tag: '!' };
  if (!Number.isFinite(value)) throw malformed('a number that is not finite cannot be encoded');
  return { text: String(value), tag: Number.isSafeInteger(value) ? '#' : '^' };
}

function isList(value: TnetInput): value is readonly TnetInput[] {
  return Array.isArray(value);
}

function framedSize(size: number): number {
  return String(size).length + 2 + size;
}

/**
 * Encodes in two passes and one allocation. `measure` notes the size of every container in the order the containers
 * begin; `write` meets them in the same order.
 */
class Encoder {
  private readonly containerSizes: number[] = [];
  private nextContainer = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private position = 0;

  encode(value: TnetInput): Buffer {
    this.bytes = Buffer.allocUnsafe(this.measure(value, 0));
    this.write(value);
    return this.bytes;
  }

  private measure(value: TnetInput, depth: number): number {
    if (typeof value === 'string') return framedSize(Buffer.byteLength(value));
    if (value instanceof Uint8Array) return framedSize(value.length);
    if (value === null || typeof value !== 'object') return framedSize(scalarText(value).text.length);
    if (depth === MAX_DEPTH) throw malformed(`more than ${MAX_DEPTH} levels cannot be encoded`);
    const slot = this.containerSizes.push(0) - 1;
    let size = 0;
    if (isList(value)) {
      for (const element of value) size += this.measure(element, depth + 1);
    } else {
      for (const [key, member] of value) size += framedSize(Buffer.byteLength(key)) + this.measure(member, depth + 1);
    }
    this.containerSizes[slot] = size;
    return framedSize(size);
  }

  private write(value: TnetInput): void {
    if (typeof value === 'string') {
      this.string(value);
    } else if (value instanceof Uint8Array) {
      this.ascii(`${value.length}:`);
      this.bytes.set(value, this.position);
      this.position += value.length;
      this.ascii(',');
    } else if (value === null || typeof value !== 'object') {
      const { text, tag } = scalarText(value);
      this.ascii(`${text.length}:${text}${tag}`);
    } else {
      this.ascii(`${this.containerSizes[this.nextContainer++]}:`);
      if (isList(value)) {
        for (const element of value) this.write(element);
        this.ascii(']');
      } else {
        for (const [key, member] of value) {
          this.string(key);
          this.write(member);
        }
        this.ascii('}');
      }
    }
  }

  private string(text: string): void {
    this.ascii(`${Buffer.byteLength(text)}:`);
    this.position += this.bytes.write(text, this.position, 'utf8');
    this.ascii(',');
  }

  private ascii(text: string): void {
    this.position += this.bytes.write(text, this.position, 'latin1');
  }
}

/**
 * Encodes a value. Whole numbers that a double holds exactly become `#`, other numbers `^`.
 *
 * @throws HoldfastError HOLDFAST_TNETSTRING_INVALID for NaN, infinities and more than 64 levels
 */
export function encodeTnetstring(value: TnetInput): Buffer {
  return new Encoder().encode(value);
}

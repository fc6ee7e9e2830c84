/**
 * Frames in a small notation, both ways: what a case sends and what it expects are one line each.
 *
 *     text:hello  binary:#00ff  ping  pong:x  close:(1000),bye  cont:lo  op3:x     whole frames
 *     text-:he           more pieces follow                text+1+3:x    with reserved bits 1 and 3
 *     text!:x            masked where it must not be, or unmasked where it must
 *     text@a1b2c3d4:x    with this mask                    cont-:x^4000  four thousand times
 *     text<7:hello       only its first seven bytes        binary=1001   says it has 1001 bytes, and has none
 *     binary~64:x        with a length of 64 bits          #8185         bytes as they are
 *     |                  what follows is written later     fin           no more is written
 *
 * Content is a list with commas: `hello`, bytes `#c3a9`, a close code `(1000)`, repeated `x*126` and `#00*9`, deflated
 * `{hello}`, deflated with a window of 9 bits `9{hello}`. What comes back deflated reads `deflated-text:hello`.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

export type Side = 'client' | 'server';

/** What is written: bytes in turn, and whether the connection is half-closed after them. */
export interface Script {
  readonly writes: readonly Buffer[];
  readonly fin: boolean;
}

const CLOSE = 8;
const OPCODES: Readonly<Record<string, number>> = { cont: 0, text: 1, binary: 2, close: CLOSE, ping: 9, pong: 10 };
const NAMES = new Map(Object.entries(OPCODES).map(([name, opcode]) => [opcode, name]));
const ITEM =
  /^(cont|text|binary|close|ping|pong|op(\d+))((?:-|!|\+[123]|~16|~64|@[0-9a-f]{8}|<\d+|=\d+)*)(?::(.*))?$/su;
/** Of the example in RFC 6455 5.7. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
/** What a sender of deflated messages leaves out (RFC 7692 7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** Reads a line of the notation as written by this side: a client masks, a server does not. */
export function script(line: string, side: Side): Script {
  const writes: Buffer[] = [];
  let parts: Buffer[] = [];
  let fin = false;
  for (const word of line.split(' ').filter((one) => one !== '')) {
    if (word === '|') {
      writes.push(Buffer.concat(parts));
      parts = [];
    } else if (word === 'fin') fin = true;
    else parts.push(item(word, side));
  }
  if (parts.length > 0) writes.push(Buffer.concat(parts));
  return { writes, fin };
}

/** The bytes of a line without pauses. */
export function bytesOf(line: string, side: Side): Buffer {
  return Buffer.concat(script(line, side).writes);
}

/** The bytes of a line, cut behind the first `at`: two writes. */
export function cutAt(line: string, at: number, side: Side): string {
  const bytes = bytesOf(line, side);
  return `#${bytes.toString('hex', 0, at)} | #${bytes.toString('hex', at)}`;
}

/** The bytes of a line, each in a write of its own. */
export function byteByByte(line: string, side: Side): string {
  return [...bytesOf(line, side)].map((byte) => `#${byte.toString(16).padStart(2, '0')}`).join(' | ');
}

/** Bytes as one piece of content. */
export function hex(bytes: Uint8Array): string {
  return `#${Buffer.from(bytes).toString('hex')}`;
}

function item(word: string, side: Side): Buffer {
  const repeated = /^(.*)\^(\d+)$/su.exec(word);
  if (repeated !== null) {
    const one = item(repeated[1] ?? '', side);
    return Buffer.concat(Array.from({ length: Number(repeated[2]) }, () => one));
  }
  if (word.startsWith('#')) return piece(word);
  const match = ITEM.exec(word);
  if (match === null) throw new Error(`this is no frame: ${word}`);
  const [, name = '', number, flags = '', text = ''] = match;
  const payload = content(text);
  const said = /=(\d+)/.exec(flags)?.[1];
  const rsv = [...flags.matchAll(/\+([123])/g)].reduce((bits, [, bit]) => bits | (0x80 >> Number(bit)), 0);
  const opcode = number === undefined ? (OPCODES[name] ?? 0) : Number(number);
  const first = (flags.includes('-') ? 0 : 0x80) | rsv | opcode;
  const masked = (side === 'client') !== flags.includes('!');
  const form = flags.includes('~64') ? 64 : flags.includes('~16') ? 16 : 0;
  const head = [Buffer.from([first]), lengthBytes(BigInt(said ?? payload.length), masked, form)];
  const given = /@([0-9a-f]{8})/.exec(flags)?.[1];
  const mask = given === undefined ? MASK : Buffer.from(given, 'hex');
  const frame = Buffer.concat(masked ? [...head, mask, xor(payload, mask)] : [...head, payload]);
  const cut = /<(\d+)/.exec(flags)?.[1];
  return cut === undefined ? frame : frame.subarray(0, Number(cut));
}

/** @param form - bits of the length when it is longer than it has to be; 0 for the shortest */
function lengthBytes(length: bigint, masked: boolean, form: number): Buffer {
  const bit = masked ? 0x80 : 0;
  if (form === 0 && length < 126n) return Buffer.from([bit | Number(length)]);
  const bytes = Buffer.alloc(form === 64 || length > 0xffffn ? 9 : 3);
  bytes[0] = bit | (bytes.length === 9 ? 127 : 126);
  if (bytes.length === 9) bytes.writeBigUInt64BE(length, 1);
  else bytes.writeUInt16BE(Number(length), 1);
  return bytes;
}

function content(text: string): Buffer {
  const pieces = text.match(/\d*\{[^}]*\}|[^,]+/gsu) ?? [];
  return Buffer.concat(pieces.map(piece));
}

function piece(text: string): Buffer {
  const deflated = /^(\d*)\{(.*)\}$/su.exec(text);
  if (deflated !== null) {
    const windowBits = Number(deflated[1] || 15);
    const bytes = deflateRawSync(piece(deflated[2] ?? ''), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
    return bytes.subarray(0, bytes.length - TAIL.length);
  }
  const repeated = /^(.+)\*(\d+)$/su.exec(text);
  if (repeated !== null) {
    const one = piece(repeated[1] ?? '');
    return Buffer.alloc(one.length * Number(repeated[2]), one);
  }
  const code = /^\((\d+)\)$/.exec(text)?.[1];
  if (code !== undefined) return Buffer.from([Number(code) >> 8, Number(code) & 0xff]);
  return text.startsWith('#') ? Buffer.from(text.slice(1), 'hex') : Buffer.from(text);
}

function xor(bytes: Buffer, mask: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
}

/** The first frame of `bytes` as a word of the notation, and how long it is; undefined while it is not whole. */
export function firstFrame(bytes: Buffer, side: Side): { readonly word: string; readonly size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const lengthSize = short === 127 ? 8 : short === 126 ? 2 : 0;
  const masked = (second & 0x80) !== 0;
  const start = 2 + lengthSize + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length = lengthSize === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthSize === 2 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + length) return undefined;
  const body = bytes.subarray(start, start + length);
  const payload = masked ? xor(body, bytes.subarray(start - 4, start)) : body;
  const deflated = (first & 0x40) !== 0;
  let flags = (first & 0x80) === 0 ? '-' : '';
  if ((first & 0x20) !== 0) flags += '+2';
  if ((first & 0x10) !== 0) flags += '+3';
  if (masked !== (side === 'client')) flags += '!';
  // The shortest form is the only one that may be sent (RFC 6455 5.2).
  if (lengthSize === 2 && length < 126) flags += '~16';
  if (lengthSize === 8 && length <= 0xffff) flags += '~64';
  const opcode = first & 0x0f;
  const name = (deflated ? 'deflated-' : '') + (NAMES.get(opcode) ?? `op${opcode}`);
  const text = readable(deflated ? inflated(payload) : payload, opcode === CLOSE);
  return { word: name + flags + (text === '' ? '' : `:${text}`), size: start + length };
}

/** The words of a line as `firstFrame` writes them, so that they can be compared. */
export function wordsOf(line: string, side: Side): string[] {
  return line.split(' ').flatMap((word) => {
    if (word === '') return [];
    const deflated = word.startsWith('deflated-');
    const frames: string[] = [];
    let rest = item(deflated ? word.slice('deflated-'.length) : word, side);
    for (let frame = firstFrame(rest, side); frame !== undefined; frame = firstFrame(rest, side)) {
      frames.push((deflated ? 'deflated-' : '') + frame.word);
      rest = rest.subarray(frame.size);
    }
    if (rest.length > 0) throw new Error(`these are not whole frames: ${word}`);
    return frames;
  });
}

function inflated(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
}

function readable(payload: Buffer, isClose: boolean): string {
  if (isClose && payload.length >= 2) {
    const reason = readable(payload.subarray(2), false);
    return `(${payload.readUInt16BE(0)})${reason === '' ? '' : `,${reason}`}`;
  }
  const text = payload.toString('latin1');
  const same = /^(.)\1{31,}$/s.exec(text)?.[1];
  if (same !== undefined && /[a-z]/.test(same)) return `${same}*${payload.length}`;
  return /^[\w.-]*$/.test(text) ? text : hex(payload);
}

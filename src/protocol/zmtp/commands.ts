/** ZMTP commands: the bodies of frames that are not messages (RFC 23 and RFC 37, "Commands"). */
import { zmtpFault } from './fault.js';
import { COMMAND, encodeFrame } from './frames.js';

/** `name` has one character for each byte. */
export interface Command {
  readonly name: string;
  readonly data: Buffer;
}

/** Properties by name in lower case: names are compared without case. */
export type Metadata = ReadonlyMap<string, Buffer>;

/** What asks for an answer, and how long its sender may be silent afterwards. */
export interface Ping {
  /** Milliseconds; 0 is without end. */
  readonly timeToLive: number;
  readonly context: Buffer;
}

const TTL_BYTES = 2;
/** RFC 37 counts in tenths of a second. */
const TTL_UNIT = 100;
const MAX_CONTEXT = 16;
const VALUE_LENGTH_BYTES = 4;

/** @throws HoldfastError HOLDFAST_ZMTP_INVALID when there is no whole name */
export function readCommand(body: Buffer): Command {
  const end = 1 + (body[0] ?? 0);
  if (end === 1 || end > body.length) throw zmtpFault('it sent a command without a name');
  return { name: body.toString('latin1', 1, end), data: body.subarray(end) };
}

/**
 * Reads the data of READY.
 * @throws HoldfastError HOLDFAST_ZMTP_INVALID for a property that is cut off, has no name, or comes twice
 */
export function readMetadata(data: Buffer): Metadata {
  const metadata = new Map<string, Buffer>();
  for (let at = 0; at < data.length; ) {
    const nameEnd = at + 1 + (data[at] ?? 0);
    const valueStart = nameEnd + VALUE_LENGTH_BYTES;
    if (nameEnd === at + 1 || valueStart > data.length) throw zmtpFault('its READY has malformed metadata');
    const name = data.toString('latin1', at + 1, nameEnd).toLowerCase();
    const valueEnd = valueStart + data.readUInt32BE(nameEnd);
    if (valueEnd > data.length || metadata.has(name)) throw zmtpFault('its READY has malformed metadata');
    metadata.set(name, data.subarray(valueStart, valueEnd));
    at = valueEnd;
  }
  return metadata;
}

/** A READY frame. @param metadata - values by name */
export function encodeReady(metadata: ReadonlyMap<string, string>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of metadata) {
    const length = Buffer.alloc(VALUE_LENGTH_BYTES);
    length.writeUInt32BE(Buffer.byteLength(value));
    parts.push(named(name), length, Buffer.from(value));
  }
  return encodeCommand('READY', Buffer.concat(parts));
}

/**
 * Reads the data of PING; a context that is too long is cut, as libzmq does.
 * @throws HoldfastError HOLDFAST_ZMTP_INVALID when there is no time to live
 */
export function readPing(data: Buffer): Ping {
  if (data.length < TTL_BYTES) throw zmtpFault('it sent a malformed PING');
  return {
    timeToLive: data.readUInt16BE(0) * TTL_UNIT,
    context: data.subarray(TTL_BYTES, TTL_BYTES + MAX_CONTEXT),
  };
}

/** A PONG frame. */
export function encodePong(context: Buffer): Buffer {
  return encodeCommand('PONG', context);
}

export function encodeCommand(name: string, data: Buffer): Buffer {
  return encodeFrame(COMMAND, Buffer.concat([named(name), data]));
}

function named(name: string): Buffer {
  return Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1');
}

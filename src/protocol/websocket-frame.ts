/** WebSocket frames from the server to the client, and what the handshake and closes need (RFC 6455, 4.2.2, 5.2, 7.4). */
import { hash } from 'node:crypto';

/** Frame opcodes. */
export const WS_OPCODES = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

const FIN = 0x80;
const RSV1 = 0x40;
const FIRST_CONTROL_OPCODE = 0x8;
const MAX_CONTROL_PAYLOAD = 125;
const CLOSE_CODE_BYTES = 2;
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * One unmasked frame in one buffer.
 *
 * @param opcode - one of `WS_OPCODES`
 * @param payload - whole payload; a control frame carries at most 125 bytes, more are cut off, because the frame would
 *   make the client fail the connection
 * @param fin - whether the message ends here, default true
 * @param compressed - the payload is deflated (RFC 7692, 6), default false
 */
export function encodeFrame(opcode: number, payload: Buffer, fin = true, compressed = false): Buffer {
  const length = opcode < FIRST_CONTROL_OPCODE ? payload.length : Math.min(payload.length, MAX_CONTROL_PAYLOAD);
  const head = length < 126 ? 2 : length <= 0xffff ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = (fin ? FIN : 0) | (compressed ? RSV1 : 0) | (opcode & 0x0f);
  if (head === 2) {
    frame[1] = length;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(Math.floor(length / 0x1_0000_0000), 2);
    frame.writeUInt32BE(length >>> 0, 6);
  }
  payload.copy(frame, head, 0, length);
  return frame;
}

/**
 * A close frame.
 *
 * @param code - left out together with the reason when undefined or when a frame may not carry it
 * @param reason - cut to the 123 bytes there is room for, never inside a character
 */
export function encodeCloseFrame(code: number | undefined, reason: string): Buffer {
  if (code === undefined || !isValidCloseCode(code)) return encodeFrame(WS_OPCODES.close, Buffer.alloc(0));
  const text = Buffer.from(reason);
  const room = MAX_CONTROL_PAYLOAD - CLOSE_CODE_BYTES;
  let end = Math.min(text.length, room);
  if (end < text.length) {
    while (end > 0 && ((text[end] ?? 0) & 0xc0) === 0x80) end--;
  }
  const payload = Buffer.allocUnsafe(CLOSE_CODE_BYTES + end);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, CLOSE_CODE_BYTES, 0, end);
  return encodeFrame(WS_OPCODES.close, payload);
}

/** Whether a close frame may carry `code`: registered ones below 1015, and 3000 to 4999 (RFC 6455, 7.4). */
export function isValidCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

/** Value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key` (RFC 6455, 4.2.2). */
export function acceptKey(key: string): string {
  return hash('sha1', key + HANDSHAKE_GUID, 'base64');
}

/** Bytes of payload in whole frames of ours, which have no mask. */
export function contentOfFrames(bytes: Buffer): number {
  let content = 0;
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? bytes.readUInt32BE(at + 6) : short;
    content += length;
    at += head + length;
  }
  return content;
}

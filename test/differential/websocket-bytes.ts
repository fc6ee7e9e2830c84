/**
 * The few WebSocket bytes the scripts need: frames of a client and of an origin, and received frames written as readable
 * lines. Masking uses one fixed key, so that both sides of a comparison get the very same bytes.
 */

const OPCODES = new Map([
  ['CONTINUATION', 0],
  ['TEXT', 1],
  ['BINARY', 2],
  ['CLOSE', 8],
  ['PING', 9],
  ['PONG', 10],
] as const);

export type FrameName = 'CONTINUATION' | 'TEXT' | 'BINARY' | 'CLOSE' | 'PING' | 'PONG';

/** Whose frames: those of a client are masked, those of a server are not. */
export type Sender = 'client' | 'server';

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  /** Bytes it takes up. */
  readonly size: number;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** What a message's frames but the last have, or a frame that breaks the rules. Added to the first byte. */
export const MORE_FOLLOWS = -0x80;
export const RESERVED_BIT = 0x40;

/** One client frame. `payload` up to 65535 bytes. */
export function clientFrame(name: FrameName, payload: string | Buffer = '', flags = 0): Buffer {
  const content = Buffer.from(payload);
  const head = frameHead(name, content.length, flags);
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, MASK, masked(content, MASK)]);
}

/** One frame of a server. `payload` up to 65535 bytes. */
export function serverFrame(name: FrameName, payload: string | Buffer = '', flags = 0): Buffer {
  const content = Buffer.from(payload);
  return Buffer.concat([frameHead(name, content.length, flags), content]);
}

/** Payload of a close frame, or of a WebSocket-over-HTTP CLOSE event: two bytes of code, then the reason. */
export function closePayload(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Frames as lines such as `TEXT "hello"` and `CLOSE 1000 "bye"`; what is left over ends as `PARTIAL` with its bytes. */
export function describeFrames(bytes: Buffer, sender: Sender = 'server'): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const frame = readFrame(bytes.subarray(at), sender);
    if (!frame) return [...lines, `PARTIAL ${bytes.toString('hex', at)}`];
    lines.push(describeFrame(frame));
    at += frame.size;
  }
  return lines;
}

/** Lines of frames with one line for each message, whatever pieces it came in. Other lines stay. */
export function wholeMessages(lines: readonly string[]): string[] {
  const whole: string[] = [];
  /** Where the message stands that is not whole yet. */
  let open: number | undefined;
  for (const line of lines) {
    const [, name = '', more, content = ''] =
      /^(TEXT|BINARY|CONTINUATION)( \(more follows\))? "(.*)"$/.exec(line) ?? [];
    if (name === 'CONTINUATION' && open !== undefined) {
      whole[open] = `${whole[open]?.slice(0, -1)}${content}"`;
      if (more === undefined) open = undefined;
    } else {
      if (more !== undefined) open = whole.length;
      whole.push(more === undefined ? line : `${name} "${content}"`);
    }
  }
  return whole;
}

function frameHead(name: FrameName, length: number, flags: number): Buffer {
  const first = 0x80 + flags + (OPCODES.get(name) ?? 0);
  return length < 126 ? Buffer.from([first, length]) : Buffer.from([first, 126, length >> 8, length & 0xff]);
}

function masked(content: Buffer, mask: Buffer): Buffer {
  return Buffer.from(content.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
}

/** The frame at the front; undefined while it is incomplete, and when it is masked as its sender's frames must not be. */
function readFrame(bytes: Buffer, sender: Sender): Frame | undefined {
  const [first = 0, second = 0] = bytes;
  const isMasked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (isMasked !== (sender === 'client') || bytes.length < start) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length - start < length) return undefined;
  const content = bytes.subarray(start, start + length);
  const payload = isMasked ? masked(content, bytes.subarray(start - 4, start)) : content;
  return { first, payload, size: start + length };
}

function describeFrame({ first, payload }: Frame): string {
  const opcode = first & 0x0f;
  const name = [...OPCODES].find(([, code]) => code === opcode)?.[0] ?? `OPCODE ${opcode}`;
  const flags = `${first & 0x80 ? '' : ' (more follows)'}${first & 0x70 ? ` (reserved bits ${first & 0x70})` : ''}`;
  if (name !== 'CLOSE') return `${name}${flags} ${JSON.stringify(payload.toString('latin1'))}`;
  if (payload.length < 2) return `CLOSE${flags} without a code`;
  return `CLOSE${flags} ${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('latin1', 2))}`;
}

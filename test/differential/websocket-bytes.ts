/**
 * The few WebSocket bytes the scripts need: masked frames of a client, and frames of a server written as readable lines.
 * Masking uses one fixed key, so that both sides of a comparison get the very same bytes.
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

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One unfragmented client frame. `payload` up to 65535 bytes. */
export function clientFrame(name: FrameName, payload: string | Buffer = ''): Buffer {
  const content = Buffer.from(payload);
  const opcode = OPCODES.get(name) ?? 0;
  const head =
    content.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | content.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, content.length >> 8, content.length & 0xff]);
  const masked = content.map((byte, i) => byte ^ (MASK[i % 4] ?? 0));
  return Buffer.concat([head, MASK, masked]);
}

/** Payload of a close frame, or of a WebSocket-over-HTTP CLOSE event: two bytes of code, then the reason. */
export function closePayload(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Server frames as lines such as `TEXT "hello"` and `CLOSE 1000 "bye"`; what is left over ends as `PARTIAL` with its bytes. */
export function describeFrames(bytes: Buffer): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const short = second & 0x7f;
    const masked = (second & 0x80) !== 0;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = at + 2 + lengthBytes;
    if (masked || bytes.length < start) return [...lines, `PARTIAL ${bytes.toString('hex', at)}`];
    const length =
      lengthBytes === 0
        ? short
        : lengthBytes === 2
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    if (bytes.length - start < length) return [...lines, `PARTIAL ${bytes.toString('hex', at)}`];
    lines.push(describeFrame(first, bytes.subarray(start, start + length)));
    at = start + length;
  }
  return lines;
}

function describeFrame(first: number, payload: Buffer): string {
  const opcode = first & 0x0f;
  const name = [...OPCODES].find(([, code]) => code === opcode)?.[0] ?? `OPCODE ${opcode}`;
  const flags = `${first & 0x80 ? '' : ' (more follows)'}${first & 0x70 ? ` (reserved bits ${first & 0x70})` : ''}`;
  if (name !== 'CLOSE') return `${name}${flags} ${JSON.stringify(payload.toString('latin1'))}`;
  if (payload.length < 2) return `CLOSE${flags} without a code`;
  return `CLOSE${flags} ${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('latin1', 2))}`;
}

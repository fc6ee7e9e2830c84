/** WebSocket clients for tests: one of the package `ws` that keeps what it sees, and masked frames for raw sockets. */
import { WebSocket } from 'ws';
import { Watch } from './deadline.js';
import { RawClient } from './raw-client.js';

/** Pings are seen and not answered, so that a test sees exactly what the proxy does. */
export class EventsClient {
  /** `open`, `text hello`, `binary …`, `ping x`, `pong x`, `close 1000 bye`, in order; content as latin1. */
  readonly seen: string[] = [];
  readonly socket: WebSocket;
  private readonly watch = new Watch();

  constructor(port: number, path = '/chat', headers: Record<string, string> = {}) {
    const options = { headers, autoPong: false, perMessageDeflate: false };
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
    const note = (text: string): void => {
      this.seen.push(text);
      this.watch.changed();
    };
    this.socket.on('open', () => note('open'));
    this.socket.on('message', (content: Buffer, binary) => note(`${binary ? 'binary' : 'text'} ${latin1(content)}`));
    this.socket.on('ping', (content) => note(`ping ${latin1(content)}`));
    this.socket.on('pong', (content) => note(`pong ${latin1(content)}`));
    this.socket.on('close', (code, reason) => note(`close ${code} ${reason.toString()}`.trimEnd()));
    this.socket.on('error', () => {});
  }

  /** Resolves with the `index`-th thing it sees after `open`, counted from 1; 0 is `open` itself. */
  async sees(index: number): Promise<string> {
    await this.watch.until(
      `sight ${index} at the client`,
      () => this.seen.length > index,
      () => `; it saw ${JSON.stringify(this.seen)}`,
    );
    return this.seen[index] ?? '';
  }

  /** Resolves when the connection has ended, with what the client makes of it. */
  async ended(): Promise<string> {
    const end = (): string | undefined => this.seen.find((text) => text.startsWith('close '));
    await this.watch.until('the end of the WebSocket', () => end() !== undefined);
    return end() ?? '';
  }

  /** What came between the opening and now. */
  get heard(): readonly string[] {
    return this.seen.slice(1);
  }
}

export const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** A raw client whose handshake is sent and not read yet. */
export function knock(port: number, path = '/chat', ...headers: readonly string[]): Promise<RawClient> {
  return RawClient.get(port, path, ...HANDSHAKE, ...headers);
}

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as a client sends it, masked; `fin` false for a message that goes on. */
export function frame(
  opcode: keyof typeof OPCODES,
  content: string | Buffer = '',
  { fin = true, masked = true }: { fin?: boolean; masked?: boolean } = {},
): Buffer {
  const payload = Buffer.from(content);
  const size = payload.length;
  const length =
    size < 126 ? [size] : size < 65_536 ? [126, size >> 8, size & 255] : [127, 0, 0, 0, 0, ...bytesOf(size)];
  const head = Buffer.from([(fin ? 0x80 : 0) | OPCODES[opcode], ...length]);
  if (!masked) return Buffer.concat([head, payload]);
  head[1] = (head[1] ?? 0) | 0x80;
  const mask = Buffer.from([0x11, 0x22, 0x33, 0x44]);
  const hidden = Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return Buffer.concat([head, mask, hidden]);
}

/** Content of a close frame. */
export function closing(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

/** A close frame of the proxy, as a raw client reads it. */
export function closeFrame(code: number, reason = ''): string {
  return frame('close', closing(code, reason), { masked: false }).toString('latin1');
}

function bytesOf(size: number): number[] {
  return [(size >>> 24) & 255, (size >>> 16) & 255, (size >>> 8) & 255, size & 255];
}

function latin1(content: unknown): string {
  return Buffer.isBuffer(content) ? content.toString('latin1') : '';
}

/** Origins that speak WebSocket themselves: one of the package `ws` that keeps what it sees, and bytes for raw ones. */
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { acceptKey } from '../../src/protocol/websocket-frame.js';
import { Watch } from './deadline.js';
import type { RawConnection, RawReply, RawRequest } from './raw-origin.js';
import { closing, frame, OPCODES } from './websocket-client.js';

export interface WebSocketServerOptions {
  /** Header lines of each 101. */
  readonly headers?: readonly string[];
  /** Certificate and key of an origin behind TLS. */
  readonly tls?: TlsOptions;
  readonly perMessageDeflate?: boolean;
  /** Called for each connection as soon as it is open. */
  readonly opened?: (socket: WebSocket) => void;
}

/** One client's connection as the origin has it. Pings are seen and not answered. */
export class OriginSide {
  /** `text hello`, `binary …`, `ping x`, `pong x`, `close 1000 bye`, in order; content as latin1. */
  readonly seen: string[] = [];
  private readonly watch = new Watch();

  constructor(
    readonly socket: WebSocket,
    readonly request: IncomingMessage,
  ) {
    const note = (text: string): void => {
      this.seen.push(text);
      this.watch.changed();
    };
    socket.on('message', (content: Buffer, binary) =>
      note(`${binary ? 'binary' : 'text'} ${content.toString('latin1')}`),
    );
    socket.on('ping', (content) => note(`ping ${content.toString('latin1')}`));
    socket.on('pong', (content) => note(`pong ${content.toString('latin1')}`));
    socket.on('close', (code, reason) => note(`close ${code} ${reason.toString()}`.trimEnd()));
    socket.on('error', () => {});
  }

  /** Resolves with the `index`-th thing it sees, counted from 0. */
  async sees(index: number): Promise<string> {
    await this.watch.until(
      `sight ${index} at the origin`,
      () => this.seen.length > index,
      () => `; it saw ${JSON.stringify(this.seen)}`,
    );
    return this.seen[index] ?? '';
  }

  /** Resolves when the connection has ended, with what the origin makes of it. */
  async ended(): Promise<string> {
    const end = (): string | undefined => this.seen.find((text) => text.startsWith('close '));
    await this.watch.until('the end of the WebSocket at the origin', () => end() !== undefined);
    return end() ?? '';
  }
}

export class WebSocketOriginServer {
  readonly sides: OriginSide[] = [];
  private readonly watch = new Watch();

  private constructor(
    private readonly server: WebSocketServer,
    private readonly listening: { address(): AddressInfo | string | null; close(done: () => void): unknown },
  ) {}

  static async start(options: WebSocketServerOptions = {}): Promise<WebSocketOriginServer> {
    const { headers = [], tls, perMessageDeflate = false, opened = () => {} } = options;
    const common = { autoPong: false, perMessageDeflate };
    const secure = tls === undefined ? undefined : createServer(tls);
    secure?.on('tlsClientError', () => {});
    secure?.listen(0, '127.0.0.1');
    const server = new WebSocketServer(
      secure === undefined ? { ...common, host: '127.0.0.1', port: 0 } : { ...common, server: secure },
    );
    await new Promise<void>((resolve) => server.once('listening', resolve));
    const origin = new WebSocketOriginServer(server, secure ?? server);
    server.on('headers', (lines) => lines.push(...headers));
    server.on('connection', (socket, request) => {
      origin.sides.push(new OriginSide(socket, request));
      origin.watch.changed();
      opened(socket);
    });
    return origin;
  }

  /** Host and port, as a route names them. */
  get target(): string {
    return `127.0.0.1:${(this.listening.address() as AddressInfo).port}`;
  }

  /** The `index`-th connection, once it is open. */
  async side(index = 0): Promise<OriginSide> {
    await this.watch.until(`connection ${index} at the origin`, () => this.sides.length > index);
    const side = this.sides[index];
    if (side === undefined) throw new Error('unreachable');
    return side;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.sides) socket.terminate();
    const { server, listening } = this;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (listening !== server) await new Promise<void>((resolve) => listening.close(() => resolve()));
  }
}

/** What a raw origin answers a handshake with. */
export function switching(request: RawRequest, ...headers: readonly string[]): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request.head)?.[1] ?? '';
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptKey(key)}`];
  return ['HTTP/1.1 101 Switching Protocols', ...lines, ...headers, '', ''].join('\r\n');
}

/** A reply that accepts, and says something in the same packet. */
export function accepting(said: string | Buffer = '', ...headers: readonly string[]): RawReply {
  return (request) => {
    request.connection.write(Buffer.concat([Buffer.from(switching(request, ...headers)), Buffer.from(said)]));
  };
}

/** The frames that came behind the handshake, as `text hello`, `close 1000 bye`; a piece of a message ends with `…`. */
export function framesAt({ received }: RawConnection): string[] {
  const bytes = Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1');
  const frames: string[] = [];
  for (let at = 0; at + 6 <= bytes.length; ) {
    const [first = 0, second = 0] = bytes.subarray(at);
    if ((second & 0x80) === 0) throw new Error('a frame to the origin is not masked');
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const size = extended === 0 ? short : bytes.readUIntBE(at + 2 + Math.max(0, extended - 6), Math.min(extended, 6));
    const mask = bytes.subarray(at + 2 + extended, at + 6 + extended);
    const start = at + 6 + extended;
    const content = Buffer.from(
      bytes.subarray(start, start + size).map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
    );
    frames.push(`${described(first & 0x0f, content)}${(first & 0x80) === 0 ? '…' : ''}`);
    at = start + size;
  }
  return frames;
}

/** A frame as an origin sends it. */
export function said(opcode: keyof typeof OPCODES, content: string | Buffer = '', fin = true): Buffer {
  return frame(opcode, content, { fin, masked: false });
}

/** A close frame as an origin sends it. */
export function saidClose(code: number, reason = ''): Buffer {
  return said('close', closing(code, reason));
}

/** Breaks a connection off as a process does that dies. */
export function reset(socket: Socket): void {
  socket.resetAndDestroy();
}

function described(opcode: number, content: Buffer): string {
  const name = Object.entries(OPCODES).find(([, number]) => number === opcode)?.[0] ?? `opcode ${opcode}`;
  if (name !== 'close' || content.length < 2) return `${name} ${content.toString('latin1')}`.trimEnd();
  return `close ${content.readUInt16BE(0)} ${content.toString('latin1', 2)}`.trimEnd();
}

/**
 * Sockets that cost a client process as little as Node allows: every read goes into one buffer that all of them share,
 * and is used up before the next one.
 */
import { connect, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** Bytes. */
const READ_BUFFER = 65_536;
/** Addresses a process connects from: each has some 28,000 ports of its own. */
const ADDRESSES = 200;

export interface SocketEvents {
  connected(): void;
  /** Valid until it returns. @returns false to read no more until `resume` */
  bytes(bytes: Buffer, length: number): boolean;
  /** @param how - `end`: in order; or the code of the error */
  closed(how: string): void;
}

export class Sockets {
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BUFFER);
  private opened = 0;

  /** @param index - of this process, below 252: each connects from addresses of its own */
  constructor(private readonly index: number) {}

  open(port: number, events: SocketEvents): Socket {
    const socket = connect({
      host: HOST,
      port,
      noDelay: true,
      ...this.from(),
      onread: { buffer: this.buffer, callback: (length, bytes) => events.bytes(bytes as Buffer, length) },
    });
    let how = 'end';
    socket.on('connect', () => events.connected());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      how = error.code ?? error.message;
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => events.closed(how));
    return socket;
  }

  /** Other systems have 127.0.0.1 only. */
  private from(): { localAddress?: string } {
    if (process.platform !== 'linux') return {};
    this.opened += 1;
    return { localAddress: `127.0.${1 + (this.index % 252)}.${1 + (this.opened % ADDRESSES)}` };
  }
}

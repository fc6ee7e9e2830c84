/**
 * The connections to the control port: how many there may be, and which of them makes room for one more.
 *
 *     resting ──a request──► busy ──its answer──► resting, behind all others        resting ──room is needed──► ended
 */
import type { Socket } from 'node:net';

export class ControlConnections {
  private readonly open = new Set<Socket>();
  /** The longest first, with the bytes that had come by then: more of them are the beginning of a request. */
  private readonly resting = new Map<Socket, number>();

  constructor(private readonly max: number) {}

  /** Takes in a new connection; false when all others are busy. */
  admit(socket: Socket): boolean {
    if (this.open.size >= this.max && !this.makeRoom()) return false;
    this.open.add(socket);
    this.resting.set(socket, 0);
    socket.once('close', () => this.forget(socket));
    return true;
  }

  /** A request has come. */
  begin(socket: Socket): void {
    this.resting.delete(socket);
  }

  /** All requests that have come have been answered, and the connection stays open. */
  finish(socket: Socket): void {
    if (this.open.has(socket)) this.resting.set(socket, socket.bytesRead);
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.open.values();
  }

  destroyAll(): void {
    for (const socket of this.open) socket.destroy();
  }

  /** Ends the connection that has been resting for the longest time, as a client must expect of any server. */
  private makeRoom(): boolean {
    for (const [socket, bytes] of this.resting) {
      if (socket.bytesRead !== bytes || socket.writableLength > 0) continue;
      this.forget(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  private forget(socket: Socket): void {
    this.open.delete(socket);
    this.resting.delete(socket);
  }
}

/**
 * The connections to the control port: how many there may be, and which of them makes room for one more.
 *
 *     resting ──a request──► busy ──its answer──► resting, behind all others        resting ──room is needed──► ended
 */
import type { Socket } from 'node:net';

export class ControlConnections {
  /** Requests that are not answered yet, by connection. */
  private readonly open = new Map<Socket, number>();
  /** The longest first, with the bytes that had come by then: more of them are the beginning of a request. */
  private readonly resting = new Map<Socket, number>();

  constructor(private readonly max: number) {}

  /** Takes in a new connection; false when all others are busy. */
  admit(socket: Socket): boolean {
    if (this.open.size >= this.max && !this.makeRoom()) return false;
    this.open.set(socket, 0);
    this.resting.set(socket, 0);
    socket.once('close', () => this.forget(socket));
    return true;
  }

  /** A request has come. */
  begin(socket: Socket): void {
    this.resting.delete(socket);
    const open = this.open.get(socket);
    if (open !== undefined) this.open.set(socket, open + 1);
  }

  /** A request has been answered, and the connection stays open. */
  finish(socket: Socket): void {
    const open = this.open.get(socket);
    if (open === undefined) return;
    this.open.set(socket, open - 1);
    if (open === 1) this.resting.set(socket, socket.bytesRead);
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.open.keys();
  }

  destroyAll(): void {
    for (const socket of this.open.keys()) socket.destroy();
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

/** A listening server with the connections that are open on it, and the end of both. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { ListenAddress } from './front.js';

/** Connections the system completes while the process is busy. */
const BACKLOG = 4_096;

export class OpenSockets {
  private readonly sockets = new Set<Socket>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(
    private readonly server: Server,
    private readonly options: { readonly counters: Counters; readonly setting: string },
  ) {}

  add(socket: Socket): void {
    this.sockets.add(socket);
    this.options.counters.openConnections += 1;
  }

  remove(socket: Socket): void {
    this.sockets.delete(socket);
    this.options.counters.openConnections -= 1;
    if (this.sockets.size === 0) this.onEmpty?.();
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.sockets.values();
  }

  async listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
        const text = `cannot listen on ${host}:${port} (setting ${this.options.setting}): ${why}`;
        reject(new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error }));
      };
      this.server.once('error', onError);
      this.server.listen({ host, port, backlog: BACKLOG }, () => {
        this.server.off('error', onError);
        resolve();
      });
    });
    const { address, port: bound } = this.server.address() as AddressInfo;
    return { host: address, port: bound };
  }

  stopAccepting(): Promise<void> {
    if (!this.server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      // The server counts a connection as gone a little before the connection itself has heard of it.
      this.onEmpty = resolve;
      this.server.close(() => {
        if (this.sockets.size === 0) resolve();
      });
    });
  }

  endAll(grace: number): void {
    for (const socket of this.sockets) socket.destroySoon();
    setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, grace).unref();
  }
}

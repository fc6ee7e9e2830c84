/** A listening server with the connections that are open on it, and the end of both. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { ReadableRate } from '../observe/readable-rate.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Connections the system completes while the process is busy. */
const BACKLOG = 4_096;

export class OpenSockets {
  private readonly sockets = new Set<Socket>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(
    private readonly server: Server,
    private readonly options: ListenOptions & { readonly counters: { openConnections: number } },
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

  listen(address: ListenAddress): Promise<ListenAddress> {
    return listenOn(this.server, address, this.options);
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

export interface ListenOptions {
  /** The setting that a failure to listen names. */
  readonly setting: string;
  readonly warnings: ReadableRate;
}

/**
 * Resolves with the address that is listened on; port 0 lets the system choose.
 * A connection that cannot be accepted later on is a line in the log, and no reason to end.
 *
 * @throws HoldfastError HOLDFAST_LISTEN_FAILED naming the setting
 */
export async function listenOn(
  server: Server,
  { host, port }: ListenAddress,
  { setting, warnings }: ListenOptions,
): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
      const text = `cannot listen on ${host}:${port} (setting ${setting}): ${why}`;
      reject(new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error }));
    };
    server.once('error', onError);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', onError);
      server.on('error', (error) => {
        warnings.warn('accept', `a connection to ${host}:${port} could not be accepted: ${error.message}`);
      });
      resolve();
    });
  });
  const { address, port: bound } = server.address() as AddressInfo;
  return { host: address, port: bound };
}

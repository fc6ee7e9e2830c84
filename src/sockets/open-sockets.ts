/** A listening server with the connections that are open on it, and the end of both. */
import { existsSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, Server as TcpServer } from 'node:net';
import { dirname } from 'node:path';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { ConnectionMinutes } from '../observe/connection-minutes.js';
import type { Transport } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import { MAX_PATH_BYTES } from './unix-socket.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a server can listen; a path is that of a Unix socket. */
export type SocketAddress = ListenAddress | { readonly path: string };

/** Connections the system completes while the process is busy. */
const BACKLOG = 4_096;

export class OpenSockets {
  /** With what their minutes are counted by. */
  private readonly sockets = new Map<Socket, number>();
  private onEmpty: (() => void) | undefined = undefined;
  /** What was asked for, port 0 included: by that the processes that share an address find each other. */
  private address: SocketAddress | undefined = undefined;
  private paused = false;
  /** Listening anew, while that is under way: two at once would have the processes lose each other. */
  private opening: Promise<unknown> | undefined = undefined;

  constructor(
    private readonly server: Server,
    private readonly options: OpenSocketsOptions,
  ) {
    // What is beyond the limit already on this server never becomes a socket.
    server.maxConnections = options.maxConnections;
    server.on('drop', () => this.refused());
  }

  /** What clients connect over. */
  get transport(): Transport {
    return this.options.transport ?? 'http';
  }

  /** @returns false for one too many, which is closed */
  add(socket: Socket): boolean {
    const { counters, maxConnections, onCount } = this.options;
    if (counters.openConnections >= maxConnections) {
      socket.destroy();
      this.refused();
      return false;
    }
    this.sockets.set(socket, this.options.minutes?.opened() ?? 0);
    counters.openConnections += 1;
    counters.acceptedConnections[this.transport] += 1;
    onCount?.(counters.openConnections);
    return true;
  }

  remove(socket: Socket): void {
    const minute = this.sockets.get(socket);
    const { counters, onCount, minutes } = this.options;
    if (minute !== undefined) minutes?.closed(minute);
    this.sockets.delete(socket);
    counters.openConnections -= 1;
    onCount?.(counters.openConnections);
    if (this.sockets.size === 0) this.onEmpty?.();
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.sockets.keys();
  }

  async listen<Address extends SocketAddress>(address: Address): Promise<Address> {
    const bound = await listenOn(this.server, address, this.options);
    this.address = address;
    return bound;
  }

  pause(): void {
    this.paused = true;
    this.letGo();
  }

  /**
   * Resolves when it listens, or has been paused again.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED
   */
  async resume(): Promise<void> {
    const { address, server, options } = this;
    this.paused = false;
    if (address === undefined || (server.listening && this.opening === undefined)) return;
    this.opening ??= listenOn(server, address, options).finally(() => {
      this.opening = undefined;
      if (this.paused) this.letGo();
    });
    await this.opening;
  }

  stopAccepting(): Promise<void> {
    this.address = undefined;
    this.paused = true;
    return new Promise((resolve) => {
      // The server counts a connection as gone a little before the connection itself has heard of it.
      this.onEmpty = resolve;
      if (this.server.listening) {
        this.server.close(() => {
          if (this.sockets.size === 0) resolve();
        });
      } else if (this.sockets.size === 0) resolve();
    });
  }

  endAll(grace: number): void {
    for (const socket of this.sockets.keys()) socket.destroySoon();
    setTimeout(() => {
      for (const socket of this.sockets.keys()) socket.destroy();
    }, grace).unref();
  }

  private refused(): void {
    const { counters, warnings, maxConnections } = this.options;
    counters.refusedConnections += 1;
    warnings.warn('too-many-clients', `closed a connection at once: ${maxConnections} are open (http.max_connections)`);
  }

  private letGo(): void {
    if (this.opening !== undefined) return;
    // Closing as node:http does would end its watch over the connections that stay.
    if (this.server.listening) TcpServer.prototype.close.call(this.server);
  }
}

export interface OpenSocketsOptions extends ListenOptions {
  readonly counters: {
    openConnections: number;
    refusedConnections: number;
    readonly acceptedConnections: Record<Transport, number>;
  };
  /** What connects there; default `http`. */
  readonly transport?: Transport;
  /** Counts how long they stay; undefined: nobody does. */
  readonly minutes?: ConnectionMinutes | undefined;
  /** On all servers with these counters together. */
  readonly maxConnections: number;
  /** A connection has opened or closed. @param open - those on all servers with these counters */
  readonly onCount?: ((open: number) => void) | undefined;
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
export async function listenOn<Address extends SocketAddress>(
  server: Server,
  address: Address,
  { setting, warnings }: ListenOptions,
): Promise<Address> {
  const name = 'path' in address ? address.path : `${address.host}:${address.port}`;
  if ('path' in address && Buffer.byteLength(address.path) > MAX_PATH_BYTES) {
    const text = `cannot listen on ${name} (setting ${setting}): the path has more than ${MAX_PATH_BYTES} bytes`;
    throw new HoldfastError('HOLDFAST_LISTEN_FAILED', text);
  }
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      const inUse = 'path' in address ? 'somebody listens there, or the file is no socket' : 'the port is in use';
      let why = error.code === 'EADDRINUSE' ? inUse : error.message;
      // The system speaks of permissions there.
      if ('path' in address && !existsSync(dirname(address.path))) why = `there is no folder ${dirname(address.path)}`;
      const text = `cannot listen on ${name} (setting ${setting}): ${why}`;
      reject(new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error }));
    };
    const onListening = (): void => {
      server.off('error', onError);
      server.on('error', (error) => {
        warnings.warn('accept', `a connection to ${name} could not be accepted: ${error.message}`);
      });
      resolve();
    };
    // What goes wrong before it listens is told here, what does later is one connection's.
    server.removeAllListeners('error');
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ ...address, backlog: BACKLOG });
  });
  if ('path' in address) return address;
  const { address: host, port } = server.address() as AddressInfo;
  return { ...address, host, port };
}

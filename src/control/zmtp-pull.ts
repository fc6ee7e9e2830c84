/**
 * Our own PULL socket: listens for publishers that PUSH, and publishes what they send. It needs no package, and takes
 * all messages of a read in one turn of the event loop, so that the hub merges them.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { SkipReason } from '../protocol/zmtp/pull-session.js';
import type { Wheel } from '../time/wheel.js';
import { bindSocket } from '../zeromq/bind.js';
import type { PublishDoor } from './publish-door.js';
import { boundSpec, type PullEndpoint } from './pull-endpoint.js';
import { publishMessage, skipMessage } from './zmq-messages.js';
import { type ConnectionHandler, ZmtpConnection } from './zmtp-connection.js';

/** Bytes of a Unix socket's path; libuv would cut a longer one. */
const MAX_PATH_BYTES = 107;

/** What libzmq says when it cannot listen, by the system's code. */
const REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ['EADDRINUSE', 'Address already in use'],
  ['EADDRNOTAVAIL', 'Cannot assign requested address'],
  ['EACCES', 'Permission denied'],
  ['ENOENT', 'No such file or directory'],
  ['EPERM', 'Operation not permitted'],
]);

export interface ZmtpPullParts {
  readonly door: PublishDoor;
  readonly wheel: Wheel;
  readonly warnings: ReadableRate;
  /** A larger message is skipped. */
  readonly maxMessageBytes: number;
  /** Publishers connected at a time, to all endpoints together. */
  readonly maxConnections: number;
  /** Permissions of ipc files. */
  readonly fileMode: number | undefined;
}

export class ZmtpPull implements ConnectionHandler {
  private readonly servers: Server[] = [];
  private readonly connections = new Set<ZmtpConnection>();
  /** Those that have not sent READY, the longest first. */
  private readonly unready = new Set<ZmtpConnection>();
  private waiting = false;

  constructor(private readonly parts: ZmtpPullParts) {}

  /**
   * Listens, and resolves with the endpoint as libzmq would name it, real port included.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `spec` and `setting`
   */
  async bind(spec: string, endpoint: PullEndpoint, setting: string): Promise<string> {
    const name = endpoint.transport === 'ipc' ? `at ${endpoint.path}` : undefined;
    const server = createServer((socket) => this.accept(socket, name));
    const socket = { bind: () => listen(server, endpoint), close: () => server.close() };
    await bindSocket(socket, spec, `setting ${setting}`, this.parts.fileMode);
    this.servers.push(server);
    server.on('error', ({ message }) => {
      // No more files may be open, and the like: those who are connected go on.
      this.parts.warnings.warn('pull-accept', `IN pull: cannot take a publisher: ${message}`);
    });
    const address = server.address() as AddressInfo | string;
    return boundSpec(endpoint, typeof address === 'string' ? 0 : address.port);
  }

  /** Resolves when nothing is left open; ipc files are removed. */
  async close(): Promise<void> {
    const closed = this.servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const connection of this.connections) connection.destroy();
    await Promise.all(closed);
  }

  message(message: Buffer): void {
    publishMessage(this.parts.door, 'pull', message, undefined);
  }

  skipped(reason: SkipReason): void {
    skipMessage(this.parts.door, 'pull', reason, this.parts.maxMessageBytes);
  }

  readOver(): void {
    const { door } = this.parts;
    if (!door.congested || this.waiting) return;
    // What is not read waits in the kernel, then at the publisher, up to its high-water mark.
    this.waiting = true;
    for (const connection of this.connections) connection.pause();
    door.whenClear(() => {
      this.waiting = false;
      for (const connection of this.connections) connection.resume();
    });
  }

  ready(connection: ZmtpConnection): void {
    this.unready.delete(connection);
  }

  refused(peer: string, what: string): void {
    this.parts.warnings.warn('pull-refused', `IN pull: closing the connection of publisher ${peer}: ${what}`);
  }

  closed(connection: ZmtpConnection): void {
    this.connections.delete(connection);
    this.unready.delete(connection);
  }

  private accept(socket: Socket, name: string | undefined): void {
    const { maxConnections, maxMessageBytes, wheel, warnings } = this.parts;
    if (this.connections.size >= maxConnections && !this.makeRoom()) {
      const text = `IN pull: refusing a publisher, ${maxConnections} are connected (zeromq.pull_max_connections)`;
      warnings.warn('pull-connections', text);
      socket.destroy();
      return;
    }
    const connection = new ZmtpConnection(socket, maxMessageBytes, wheel, this, name);
    this.connections.add(connection);
    this.unready.add(connection);
    if (this.waiting) connection.pause();
  }

  /** Closes whoever has been connected for longest without a READY: no publisher takes as long as the next one does. */
  private makeRoom(): boolean {
    for (const connection of this.unready) {
      connection.destroy();
      this.closed(connection);
      return true;
    }
    return false;
  }
}

function listen(server: Server, endpoint: PullEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(REASONS.get(error.code) ?? error.message, { cause: error }));
    });
    server.listen(optionsFor(endpoint), () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** @throws Error when a path cannot be the address of a socket */
function optionsFor(endpoint: PullEndpoint): ListenOptions {
  if (endpoint.transport === 'tcp') return { host: endpoint.host, port: endpoint.port };
  const { path } = endpoint;
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error('File name too long');
  // A process that ended at once has left its socket behind. A file of another kind stays, and the address is in use.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
  return { path };
}

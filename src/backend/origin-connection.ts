/**
 * One connection to an origin: a client of undici's that is never given a second request before the first is over. It
 * knows what undici does not tell of the socket beneath: whether it was used before, and how it ended.
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { isClosed } from './origin-failure.js';
import type { OriginServer } from './origin-server.js';
import { Client, mendStatusLines } from './undici-parts.js';

export interface OriginConnectionOptions {
  /** Milliseconds of silence after which an exchange is given up. */
  readonly idleTimeout: number;
  /** Milliseconds that an unused connection is kept. */
  readonly keepAlive: number;
  readonly maxHeadBytes: number;
}

export class OriginConnection {
  private readonly client: Client;
  private socket: Socket | undefined = undefined;
  private requests = 0;
  private wasReset = false;

  /** @param lost - called whenever the connection has ended, by whatever side */
  constructor(server: OriginServer, options: OriginConnectionOptions, lost: (connection: OriginConnection) => void) {
    const { idleTimeout, keepAlive, maxHeadBytes } = options;
    this.client = new Client(server.url, {
      pipelining: 1,
      keepAliveTimeout: keepAlive,
      keepAliveMaxTimeout: keepAlive,
      headersTimeout: idleTimeout,
      bodyTimeout: idleTimeout,
      maxHeaderSize: maxHeadBytes,
      connect: (request, callback) =>
        server.connect(request, (...result) => {
          // A failure comes alone, whatever its type says.
          if (result[0] === null) this.connected(result[1]);
          callback(...result);
        }),
    });
    this.client.on('connect', () => {
      if (this.socket !== undefined) mendStatusLines(this.socket);
    });
    this.client.on('disconnect', () => lost(this));
  }

  /** Whether requests before this one have used the connection. */
  get reused(): boolean {
    return this.requests > 1;
  }

  /** Whether any request has been written on it. */
  get used(): boolean {
    return this.requests > 0;
  }

  /** Whether it ended by an error, and what came last may not be all. */
  get broken(): boolean {
    return this.wasReset;
  }

  send(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.client.dispatch(request, handler);
  }

  /** A request is about to be written. */
  requestStarts(): void {
    this.requests += 1;
  }

  /** Ends it at once, with what is under way. */
  async destroy(): Promise<void> {
    await this.client.destroy();
  }

  private connected(socket: Socket): void {
    this.socket = socket;
    this.requests = 0;
    this.wasReset = false;
    hearOut(socket);
    socket.once('error', () => {
      if (this.socket === socket) this.wasReset = true;
    });
  }
}

/**
 * Leaves it to the reading side to find out that a connection is lost. An origin that answers early and hangs up has its
 * answer wait in the system's buffer, and a socket whose writing failed is never read again.
 */
function hearOut(socket: Socket): void {
  const write = socket._write;
  const writeAll = socket._writev;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, unlessClosed(done));
  if (writeAll !== undefined) socket._writev = (chunks, done) => writeAll.call(socket, chunks, unlessClosed(done));
}

function unlessClosed(done: (error?: Error | null) => void): (error?: Error | null) => void {
  return (error) => done(error !== undefined && error !== null && isClosed(error) ? null : error);
}

/**
 * The client port: `node:http` parses, strictly; everything that is written to a client is written by our own
 * exchange. Upgrades to anything but WebSocket are read on as ordinary requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import { headerListOf } from '../protocol/raw-headers.js';
import type { ClientRequest } from './client-request.js';
import { BAD_UPGRADE, earlyError, parseErrorText } from './early-errors.js';
import { Http1Connection, peerAddressOf } from './http1-connection.js';
import type { Http1Exchange } from './http1-exchange.js';
import { handshakeKey, WebSocketUpgrade, wantsWebSocket } from './websocket-upgrade.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface Http1ServerOptions {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  /** Seconds. */
  readonly headTimeout: number;
  /** Seconds. */
  readonly idleTimeout: number;
  readonly counters: Counters;
  /** The setting that a failure to listen names. */
  readonly setting: string;
}

export interface FrontHandler {
  request(request: ClientRequest, exchange: Http1Exchange): void;
  webSocket(request: ClientRequest, upgrade: WebSocketUpgrade): void;
}

const kConnection = Symbol('holdfast connection');
type ClientSocket = Socket & { [kConnection]?: Http1Connection };

export class Http1Server {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly options: Http1ServerOptions,
    private readonly handler: FrontHandler,
  ) {
    const { counters, maxHeadBytes, maxHeaders, headTimeout, idleTimeout } = options;
    const settings = {
      maxHeaders,
      idleTimeout: idleTimeout * 1_000,
      onRequest: (request: ClientRequest, exchange: Http1Exchange) => handler.request(request, exchange),
      onBadRequest: () => {
        counters.badRequests += 1;
      },
      onClosed: (socket: Socket) => {
        this.sockets.delete(socket);
        counters.openConnections -= 1;
      },
    };
    const server = createServer({
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false,
      requireHostHeader: false,
      headersTimeout: headTimeout * 1_000,
      // A body may take as long as its client goes on sending; silence is bounded by the idle timeout.
      requestTimeout: 0,
      keepAliveTimeout: idleTimeout * 1_000,
      noDelay: true,
    });
    // All of them have to fit into maxHeadBytes; the count is checked by the connection, which answers for it.
    server.maxHeadersCount = 0;
    server.maxConnections = options.maxConnections;
    server.setTimeout(idleTimeout * 1_000);
    server.on('connection', (socket: ClientSocket) => {
      // A connection whose upgrade was ignored is announced a second time.
      if (socket[kConnection] !== undefined) return;
      socket[kConnection] = new Http1Connection(settings, socket);
      this.sockets.add(socket);
      counters.openConnections += 1;
      socket.on('close', onSocketClose);
      socket.on('drain', onSocketDrain);
    });
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      if (wantsWebSocket(incoming)) connectionOf(incoming.socket)?.refuse('400 Bad Request', BAD_UPGRADE, '1.1');
      else connectionOf(incoming.socket)?.accept(incoming, outgoing, false);
    });
    server.on('checkContinue', (incoming, outgoing) => connectionOf(incoming.socket)?.accept(incoming, outgoing, true));
    server.on('checkExpectation', (incoming, outgoing) =>
      connectionOf(incoming.socket)?.accept(incoming, outgoing, false),
    );
    server.on('upgrade', (incoming, socket, first) => this.upgrade(incoming, socket as Socket, first));
    server.on('clientError', (error: Error & { code?: string }, duplex: Duplex) => {
      const socket = duplex as ClientSocket;
      if (error.code === 'ECONNRESET' || !socket.writable) {
        socket.destroy();
        return;
      }
      connectionOf(socket)?.refuse('400 Bad Request', parseErrorText(error.code, maxHeadBytes));
    });
    this.server = server;
  }

  /** Resolves with the address that is listened on. */
  async listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
        const text = `cannot listen on ${host}:${port} (setting ${this.options.setting}): ${why}`;
        reject(new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error }));
      };
      this.server.once('error', onError);
      this.server.listen({ host, port, backlog: 4_096 }, () => {
        this.server.off('error', onError);
        resolve();
      });
    });
    const { address, port: bound } = this.server.address() as AddressInfo;
    return { host: address, port: bound };
  }

  /** Stops listening; resolves when the last connection has gone. */
  stopAccepting(): Promise<void> {
    if (!this.server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }

  /** Ends every connection: what is written already still goes out, for `grace` milliseconds at most. */
  endConnections(grace: number): void {
    for (const socket of this.sockets) {
      socket.destroySoon();
      if (!socket.destroyed) socket.setTimeout(grace, () => socket.destroy());
    }
  }

  private upgrade(incoming: IncomingMessage, socket: Socket, first: Buffer): void {
    if (!wantsWebSocket(incoming)) {
      readOn(this.server, incoming, socket, first);
      return;
    }
    const { counters, maxHeaders } = this.options;
    const key = handshakeKey(incoming);
    const headers = headerListOf(incoming.rawHeaders);
    socket.on('error', () => socket.destroy());
    if (key === undefined || headers.length > maxHeaders) {
      counters.badRequests += 1;
      socket.end(earlyError('400 Bad Request', BAD_UPGRADE, incoming.httpVersion === '1.0' ? '1.0' : '1.1'));
      return;
    }
    socket.setTimeout(0);
    this.handler.webSocket(
      {
        method: 'GET',
        target: incoming.url ?? '/',
        headers,
        secure: 'encrypted' in socket,
        peerAddress: peerAddressOf(socket),
        body: undefined,
      },
      new WebSocketUpgrade(socket, first, key),
    );
  }
}

function connectionOf(socket: ClientSocket): Http1Connection | undefined {
  return socket[kConnection];
}

function onSocketClose(this: ClientSocket): void {
  this[kConnection]?.closed();
}

function onSocketDrain(this: ClientSocket): void {
  this[kConnection]?.drained();
}

/** An upgrade that nobody offers here may be ignored (RFC 9110 7.8): the request is parsed again without it. */
function readOn(server: Server, incoming: IncomingMessage, socket: Socket, first: Buffer): void {
  let head = `${incoming.method} ${incoming.url} HTTP/${incoming.httpVersion}\r\n`;
  for (const [name, value] of headerListOf(incoming.rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower !== 'upgrade' && lower !== 'connection' && lower !== 'http2-settings') head += `${name}: ${value}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), first]));
  server.emit('connection', socket);
}

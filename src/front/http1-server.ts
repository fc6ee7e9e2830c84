/**
 * The client port: `node:http` parses, strictly; everything that is written to a client is written by our own
 * exchange. Upgrades to anything but WebSocket are read on as ordinary requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { countClient, type Survey } from '../observe/survey.js';
import { headerListOf } from '../protocol/raw-headers.js';
import { OpenSockets, type SocketAddress } from '../sockets/open-sockets.js';
import type { ClientRequest } from './client-request.js';
import { BAD_UPGRADE, badRequest, NO_TUNNELS, parseError, UPGRADE_WHILE_BUSY } from './early-errors.js';
import { type Front, type FrontHandler, type FrontOptions, TCP_KEEP_ALIVE } from './front.js';
import { Http1Connection } from './http1-connection.js';
import type { Http1Exchange } from './http1-exchange.js';
import { answerVersion, faultOf } from './request-rules.js';
import { type HttpVersion, lastAnswer } from './response-head.js';
import { handshakeKey, isWebSocket, WebSocketUpgrade } from './websocket-upgrade.js';

/** Milliseconds between two looks for heads that take too long, at least and at most. */
const HEAD_CHECKS = [20, 30_000] as const;

const kConnection = Symbol('holdfast connection');
type ClientSocket = Socket & { [kConnection]?: Http1Connection };

export class Http1Server implements Front {
  private readonly server: Server;
  private readonly sockets: OpenSockets;

  constructor(
    private readonly options: FrontOptions,
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
      onClosed: (socket: Socket) => this.sockets.remove(socket),
    };
    const server = createServer({
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false,
      requireHostHeader: false,
      headersTimeout: headTimeout * 1_000,
      // A body may take as long as its client goes on sending; silence is bounded by the idle timeout.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(Math.max((headTimeout * 1_000) / 4, HEAD_CHECKS[0]), HEAD_CHECKS[1]),
      // The connection has one idle timeout of its own, which knows of holds.
      keepAliveTimeout: 0,
      noDelay: true,
      // A client that vanished without a word is found out by TCP itself.
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE,
    });
    // What node:http takes for idle is held, or waits for its origin: closing is up to endConnections.
    server.closeIdleConnections = () => {};
    // All of them have to fit into maxHeadBytes; the count is checked by the connection, which answers for it.
    server.maxHeadersCount = 0;
    server.on('connection', (socket: ClientSocket) => {
      // A connection whose upgrade was ignored is announced a second time.
      if (socket[kConnection] !== undefined) return;
      if (!this.sockets.add(socket)) return;
      socket[kConnection] = new Http1Connection(settings, socket);
      socket.on('close', onSocketClose);
      socket.on('drain', onSocketDrain);
      socket.on('end', onSocketEnd);
      socket.on('resume', onSocketResume);
    });
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const connection = connectionOf(incoming.socket);
      if (isWebSocket(incoming.headers.upgrade)) connection?.refuse(badRequest(BAD_UPGRADE), versionOf(incoming));
      // A handshake that was refused is registered all the same: `node:http` counts on each request being settled in order.
      connection?.accept(incoming, outgoing, false);
    });
    server.on('checkContinue', (incoming, outgoing) => connectionOf(incoming.socket)?.accept(incoming, outgoing, true));
    server.on('checkExpectation', (incoming, outgoing) =>
      connectionOf(incoming.socket)?.accept(incoming, outgoing, false),
    );
    server.on('upgrade', (incoming, socket, first) => this.upgrade(incoming, socket as Socket, first));
    server.on('connect', (incoming, duplex) => {
      const connection = connectionOf(duplex as ClientSocket);
      connection?.takeOver();
      connection?.refuse(NO_TUNNELS, versionOf(incoming));
    });
    server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
      // Bytes behind a request that ends the connection: it is still answered, and nothing else is.
      if (error.code === 'HPE_CLOSED_CONNECTION') return;
      const early = parseError(error.code, maxHeadBytes);
      if (early === undefined) socket.destroy();
      else connectionOf(socket as ClientSocket)?.refuse(early);
    });
    this.server = server;
    this.sockets = new OpenSockets(server, options);
  }

  listen<Address extends SocketAddress>(address: Address): Promise<Address> {
    return this.sockets.listen(address);
  }

  pause(): void {
    this.sockets.pause();
  }

  resume(): Promise<void> {
    return this.sockets.resume();
  }

  survey(into: Survey): void {
    const { sockets } = this;
    for (const socket of sockets) {
      const connection = connectionOf(socket);
      if (connection !== undefined) countClient(into, sockets.transport, connection.phase, socket.writableLength);
    }
  }

  stopAccepting(): Promise<void> {
    return this.sockets.stopAccepting();
  }

  endConnections(grace: number): void {
    this.sockets.endAll(grace);
  }

  private upgrade(incoming: IncomingMessage, socket: Socket, first: Buffer): void {
    const connection = connectionOf(socket);
    if (connection === undefined) return;
    const webSocket = isWebSocket(incoming.headers.upgrade);
    const { busy } = connection;
    if (!webSocket && !busy) {
      readOn(this.server, incoming, socket, first);
      return;
    }
    const headers = headerListOf(incoming.rawHeaders);
    const key = handshakeKey(incoming.method ?? '', headers);
    const target = incoming.url ?? '/';
    const fault = faultOf(incoming.httpVersion, target, headers, this.options.maxHeaders);
    const request = { method: incoming.method ?? '', target, headers, secure: 'encrypted' in socket, peer: socket };
    if (!busy && fault === undefined && key === undefined) {
      connection.takeOver();
      const answer = this.handler.badHandshake({ ...request, body: undefined });
      if (answer === undefined) connection.refuse(badRequest(BAD_UPGRADE), versionOf(incoming));
      else connection.refuseWith(lastAnswer(answer));
      return;
    }
    if (busy || fault !== undefined || key === undefined) {
      connection.takeOver();
      connection.refuse(badRequest(fault ?? UPGRADE_WHILE_BUSY), versionOf(incoming));
      return;
    }
    connection.upgraded();
    socket.on('error', () => socket.destroy());
    // Silence in both directions ends a WebSocket too (specification 11.1).
    socket.setTimeout(this.options.idleTimeout * 1_000);
    socket.on('timeout', destroySocket);
    this.handler.webSocket({ ...request, body: undefined }, new WebSocketUpgrade(socket, first, key));
  }
}

function connectionOf(socket: ClientSocket): Http1Connection | undefined {
  return socket[kConnection];
}

function destroySocket(this: Socket): void {
  this.destroy();
}

function onSocketClose(this: ClientSocket): void {
  this[kConnection]?.closed();
}

function onSocketDrain(this: ClientSocket): void {
  this[kConnection]?.drained();
}

function onSocketEnd(this: ClientSocket): void {
  this[kConnection]?.ended();
}

function onSocketResume(this: ClientSocket): void {
  this[kConnection]?.resumed();
}

function versionOf({ httpVersion }: IncomingMessage): HttpVersion {
  return answerVersion(httpVersion);
}

/** An upgrade that nobody offers here may be ignored (RFC 9110 7.8): the request is parsed again without it. */
function readOn(server: Server, incoming: IncomingMessage, socket: Socket, first: Buffer): void {
  let head = `${incoming.method} ${incoming.url} HTTP/${incoming.httpVersion}\r\n`;
  for (const [name, value] of headerListOf(incoming.rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower !== 'upgrade' && lower !== 'connection' && lower !== 'http2-settings') head += `${name}: ${value}\r\n`;
  }
  // Of the connection's options only those that speak of an upgrade go with it.
  for (const option of incoming.headers.connection?.split(',') ?? []) {
    const lower = option.trim().toLowerCase();
    if (lower === 'close' || lower === 'keep-alive') head += `Connection: ${lower}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), first]));
  server.emit('connection', socket);
}

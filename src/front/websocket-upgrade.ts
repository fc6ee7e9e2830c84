/** A client that wants a WebSocket: the handshake is checked here, and answered once the origin has spoken. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type HeaderList, withoutHeaders } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { acceptKey } from '../protocol/websocket-frame.js';
import { responseHead } from './response-head.js';

/** Headers of an origin's answer that belong to its own handshake. Lower case. */
const HANDSHAKE = new Set([
  'upgrade',
  'connection',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'content-length',
  'transfer-encoding',
  'keep-alive',
]);

/** A valid WebSocket handshake that waits for its answer. */
export class WebSocketUpgrade {
  onGone: (() => void) | undefined = undefined;
  private answered = false;

  constructor(
    readonly socket: Socket,
    /** Bytes the client sent behind its request. */
    readonly first: Buffer,
    private readonly key: string,
  ) {
    socket.once('close', () => {
      if (this.answered) return;
      this.answered = true;
      this.onGone?.();
    });
  }

  get gone(): boolean {
    return this.socket.destroyed;
  }

  /** Answers 101 with the origin's headers and hands over the socket; nothing else may be written to it before. */
  accept(reason: string, headers: HeaderList): Socket {
    this.answered = true;
    const all: HeaderList = withoutHeaders(headers, HANDSHAKE);
    let head = responseHead(101, reason, all, { version: '1.1', persistent: true, length: 'none' });
    head = `${head.slice(0, -2)}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(this.key)}\r\n\r\n`;
    this.socket.write(head, 'latin1');
    return this.socket;
  }

  /** Answers with an ordinary response and closes the connection. */
  reject({ code, reason, headers, body }: CompleteResponse): void {
    if (this.answered) return;
    this.answered = true;
    const own = withoutHeaders(headers, HANDSHAKE);
    const head = responseHead(code, reason, own, { version: '1.1', persistent: true, length: body.length });
    this.socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]));
  }
}

/** The handshake's key when the request is a valid one (specification 11.1, RFC 6455 4.2.1). */
export function handshakeKey(incoming: IncomingMessage): string | undefined {
  const { headers } = incoming;
  if (incoming.method !== 'GET') return undefined;
  if (headers['transfer-encoding'] !== undefined) return undefined;
  if (headers['content-length'] !== undefined && headers['content-length'] !== '0') return undefined;
  if (headers['sec-websocket-version'] !== '13') return undefined;
  const key = headers['sec-websocket-key'];
  return key === undefined || key === '' || key.length > 220 ? undefined : key;
}

/** Whether a request asks for a WebSocket, validly or not. */
export function wantsWebSocket(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

/** A client that wants a WebSocket: the handshake is checked here, and answered once the origin has spoken. */
import type { Socket } from 'node:net';
import { getHeader, getHeaders, type HeaderList, hasHeader, withoutHeaders } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { acceptKey } from '../protocol/websocket-frame.js';
import { closeLingering } from '../sockets/lingering-close.js';
import { listenTo, type SocketListener } from '../sockets/socket-events.js';
import { isBodiless, responseHead } from './response-head.js';

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

/** Bytes a client may send before it is answered; a conforming one sends none. */
const MAX_EARLY_BYTES = 65_536;

/** A valid WebSocket handshake that waits for its answer. The socket is read meanwhile: a client that goes is noticed. */
export class WebSocketUpgrade implements SocketListener {
  onGone: (() => void) | undefined = undefined;
  private answered = false;
  private early: Buffer[];
  private earlyBytes: number;

  constructor(
    readonly socket: Socket,
    first: Buffer,
    private readonly key: string,
  ) {
    this.early = first.length > 0 ? [first] : [];
    this.earlyBytes = first.length;
    listenTo(socket, this);
  }

  /** Bytes the client sent behind its request so far. */
  get first(): Buffer {
    return Buffer.concat(this.early);
  }

  get gone(): boolean {
    return this.socket.destroyed;
  }

  /**
   * Answers 101 with the origin's headers and hands over the socket, to be listened to by somebody else from here on;
   * nothing else may be written to it before.
   * @param extensions - value of `Sec-WebSocket-Extensions`; undefined when none was agreed on
   */
  accept(reason: string, headers: HeaderList, extensions?: string): Socket {
    this.answered = true;
    const all: HeaderList = withoutHeaders(headers, HANDSHAKE);
    let head = responseHead(101, reason, all, { version: '1.1', persistent: true, length: 'none' });
    head = `${head.slice(0, -2)}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(this.key)}\r\n`;
    if (extensions !== undefined) head += `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    head += '\r\n';
    this.socket.write(head, 'latin1');
    return this.socket;
  }

  /** Answers with an ordinary response and closes the connection. */
  reject({ code, reason, headers, body }: CompleteResponse): void {
    if (this.answered) return;
    this.answered = true;
    const own = withoutHeaders(headers, HANDSHAKE);
    const bodiless = isBodiless(code);
    const length = bodiless ? 'none' : body.length;
    const head = responseHead(code, reason, own, { version: '1.1', persistent: true, length });
    this.early = [];
    closeLingering(this.socket, bodiless ? head : head + body.toString('latin1'));
  }

  read(bytes: Buffer): void {
    if (this.answered) return;
    this.earlyBytes += bytes.length;
    if (this.earlyBytes > MAX_EARLY_BYTES) this.socket.destroy();
    else this.early.push(bytes);
  }

  closed(): void {
    if (this.answered) return;
    this.answered = true;
    this.onGone?.();
  }

  /** A client that has nothing more to say does not want a WebSocket any more. */
  ended(): void {
    if (!this.answered) this.socket.destroy();
  }

  drained(): void {}
}

/** The handshake's key when the request is a valid one (specification 11.1, RFC 6455 4.2.1). */
export function handshakeKey(method: string, headers: HeaderList): string | undefined {
  if (method !== 'GET' || hasHeader(headers, 'transfer-encoding')) return undefined;
  if ((getHeader(headers, 'content-length') ?? '0') !== '0') return undefined;
  if (getHeaders(headers, 'sec-websocket-version').join(', ') !== '13') return undefined;
  const key = getHeaders(headers, 'sec-websocket-key').join(', ');
  return key === '' || key.length > 220 ? undefined : key;
}

/** Whether a value of `Upgrade` asks for a WebSocket. */
export function isWebSocket(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

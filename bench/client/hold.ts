/** One held connection: a stream or a WebSocket, from its connect to its end. */
import type { Socket } from 'node:net';
import { GREETING } from '../bodies.js';
import { type MessageEvents, MessageReader } from '../payload.js';
import { clientFrame, EMPTY_PONG, FrameReader } from './frame-reader.js';
import type { Transport } from './messages.js';
import { ResponseReader } from './response-reader.js';
import type { Sockets } from './socket.js';

export interface HoldOptions {
  readonly sockets: Sockets;
  readonly port: number;
  readonly transport: Transport;
  readonly path: string;
  readonly messageBytes: number;
  readonly filling: Buffer;
  /** Reads nothing after the head of the answer, until `resume`. */
  readonly unread?: boolean;
}

export interface HoldEvents {
  /** The head of the answer is there (and the greeting of a stream). */
  opened(hold: Hold): void;
  message(hold: Hold, number: number, at: number): void;
  wrong(): void;
  /** Not after `leave` or `vanish`. @param why - status or error code */
  closed(hold: Hold, why: string): void;
}

export class Hold implements MessageEvents {
  state: 'opening' | 'open' | 'over' = 'opening';
  /** Number of the next message; -1 before the first. */
  next = -1;
  private status = 0;
  private greeted = 0;
  private paused: boolean;
  private readonly socket: Socket;
  private readonly messages: MessageReader;
  private readonly frames: FrameReader | undefined;
  private readonly answer: ResponseReader;

  /** @param index - in its fleet */
  constructor(
    readonly index: number,
    private readonly options: HoldOptions,
    private readonly events: HoldEvents,
  ) {
    const { sockets, port, transport, messageBytes, filling } = options;
    this.paused = options.unread ?? false;
    this.messages = new MessageReader(messageBytes, filling, this);
    const read = (bytes: Buffer, start: number, end: number): void => this.messages.read(bytes, start, end);
    const ping = (): unknown => this.socket.write(EMPTY_PONG);
    this.frames = transport === 'ws' ? new FrameReader({ payload: read, ping, close: () => {} }) : undefined;
    this.answer = new ResponseReader({
      head: (status) => this.headRead(status),
      body: (bytes, start, end) => this.bodyRead(bytes, start, end),
      end: () => this.ended(`status ${this.status}`),
    });
    this.socket = sockets.open(port, {
      connected: () => this.socket.write(requestOf(options), 'latin1'),
      bytes: (bytes, length) => this.read(bytes, length),
      closed: (how) => this.ended(this.status === 0 ? how : `status ${this.status}, ${how}`),
    });
  }

  /** Sends a text message (WebSockets). */
  send(text: string): void {
    this.socket.write(clientFrame(text));
  }

  /** Reads what it has left unread. */
  resume(): void {
    this.paused = false;
    this.socket.resume();
  }

  /** Closes in order: with FIN. */
  leave(): void {
    this.state = 'over';
    this.socket.destroy();
  }

  /** Is gone without a goodbye: with RST instead of FIN. */
  vanish(): void {
    this.state = 'over';
    this.socket.resetAndDestroy();
  }

  message(number: number, at: number): void {
    this.events.message(this, number, at);
  }

  wrong(): void {
    this.events.wrong();
  }

  private read(bytes: Buffer, length: number): boolean {
    if (this.state === 'over') return true;
    const upgraded = this.state === 'open' && this.frames !== undefined;
    const at = upgraded ? 0 : this.answer.read(bytes, 0, length);
    if (at < length) this.frames?.read(bytes, at, length);
    return !(this.paused && this.state === 'open');
  }

  private headRead(status: number): void {
    this.status = status;
    const { transport } = this.options;
    if (status !== (transport === 'ws' ? 101 : 200)) this.ended(`status ${status}`);
    else if (transport === 'ws') this.open();
  }

  private bodyRead(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.greeted < GREETING.length) {
      const upTo = Math.min(end, at + GREETING.length - this.greeted);
      if (bytes.compare(GREETING, this.greeted, this.greeted + upTo - at, at, upTo) !== 0) this.wrong();
      this.greeted += upTo - at;
      at = upTo;
      if (this.greeted === GREETING.length) this.open();
    }
    if (at < end) this.messages.read(bytes, at, end);
  }

  private open(): void {
    if (this.state !== 'opening') return;
    this.state = 'open';
    this.events.opened(this);
  }

  private ended(why: string): void {
    if (this.state === 'over') return;
    const before = this.state;
    this.state = 'over';
    this.socket.destroy();
    this.events.closed(this, before === 'opening' ? `not opened: ${why}` : why);
  }
}

function requestOf({ transport, path }: HoldOptions): string {
  const head = `GET ${path} HTTP/1.1\r\nHost: bench.example\r\n`;
  if (transport === 'stream') return `${head}Accept: */*\r\n\r\n`;
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  return `${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
}

/** An origin that speaks WebSocket itself, on a connection of its own. */
import type { Socket } from 'node:net';
import { type FrameHandler, FrameReader, type InflateTerms } from '../../protocol/frame-reader.js';
import type { WebSocketMessageType } from '../../protocol/item.js';
import { maskedCloseFrame, maskedFrame } from './masked-frame.js';
import { CLOSE_TIMEOUT, type TwoWayOptions, TwoWayOrigin } from './two-way-origin.js';

/** Why the origin is not read. */
const CLIENT_FULL = 1;
const INFLATING = 2;

const kOrigin = Symbol('holdfast websocket origin');
type OriginSocket = Socket & { [kOrigin]?: SocketOrigin };

export interface SocketOriginOptions extends TwoWayOptions {
  /** How the origin compresses; undefined: it may not. */
  readonly inflate?: InflateTerms | undefined;
}

export class SocketOrigin extends TwoWayOrigin implements FrameHandler {
  private frames: FrameReader | undefined = undefined;
  /** Bits of the reasons above; 0 while the origin is read. */
  private waits = 0;

  /** @param first - what came with the handshake */
  constructor(
    private readonly socket: OriginSocket,
    private first: Buffer,
    protected override readonly options: SocketOriginOptions,
  ) {
    super(options);
    socket[kOrigin] = this;
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('close', onClosed);
  }

  read(bytes: Buffer): void {
    // What follows a close frame has no meaning (RFC 6455 5.5.1).
    if (this.state === 'over' || this.state === 'origin-closing') return;
    const { maxMessageBytes, inflate } = this.options;
    this.frames ??= new FrameReader({ sender: 'origin', maxMessageBytes, inflate }, this);
    if (!this.frames.read(bytes)) this.wait(INFLATING);
  }

  onFramesDrained(): void {
    this.goOn(INFLATING);
  }

  connectionClosed(): void {
    this.ended();
    this.options.wheel.stop(this);
  }

  protected get queuedBytes(): number {
    const { socket } = this;
    return socket.writableNeedDrain ? socket.writableLength : 0;
  }

  protected send(type: WebSocketMessageType, content: Buffer): void {
    this.socket.write(maskedFrame(type, content));
  }

  protected sendClose(code: number, reason: string): void {
    this.socket.write(maskedCloseFrame(code, reason));
  }

  protected listen(): void {
    const { socket, first } = this;
    this.first = Buffer.alloc(0);
    socket.on('data', onData);
    if (first.length > 0) this.read(first);
  }

  protected stopReading(): void {
    this.wait(CLIENT_FULL);
  }

  protected readOn(): void {
    this.goOn(CLIENT_FULL);
  }

  protected readAnyway(): void {
    this.socket.resume();
  }

  protected endTransport(): void {
    this.frames?.stop();
    this.frames = undefined;
    this.options.wheel.start(this, CLOSE_TIMEOUT);
    this.socket.end();
    // What the origin still sends must not keep the connection.
    this.socket.resume();
  }

  protected breakTransport(): void {
    this.socket.destroy();
  }

  /** The origin is not read for this reason, until `goOn`. */
  private wait(reason: number): void {
    this.waits |= reason;
    this.socket.pause();
  }

  private goOn(reason: number): void {
    this.waits &= ~reason;
    if (this.waits === 0) this.socket.resume();
  }
}

function onData(this: OriginSocket, bytes: Buffer): void {
  this[kOrigin]?.read(bytes);
}

function onDrain(this: OriginSocket): void {
  this[kOrigin]?.drained();
}

function onEnd(this: OriginSocket): void {
  this[kOrigin]?.ended();
}

function onClosed(this: OriginSocket): void {
  this[kOrigin]?.connectionClosed();
}

/**
 * A held WebSocket on a socket of its own: frames from the client are read by `ws`, frames to it are written as they are
 * (RFC 6455).
 */
import type { Socket } from 'node:net';
import type { Encoding } from '../hub/publication.js';
import type { DeflateTerms } from '../protocol/deflate-offer.js';
import { type FrameHandler, FrameReader } from '../protocol/frame-reader.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { contentOfFrames, encodeCloseFrame, encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import { listenTo, type SocketListener } from '../sockets/socket-events.js';
import type { Compression } from './compression.js';
import type { Pings } from './connection-terms.js';
import { frameEncoding } from './encodings.js';
import type { HoldParts } from './hold-parts.js';
import { WebSocketHold, type WebSocketHoldOptions } from './websocket-hold.js';
import type { WebSocketOrigin } from './websocket-origin.js';

/** What was agreed on compression. */
export interface SocketDeflate {
  readonly terms: DeflateTerms;
  readonly compression: Compression;
}

/** When a client was last heard of, and is to be asked next: clock milliseconds. */
interface Pulse {
  heardAt: number;
  pingAt: number;
  /** A ping of ours is not answered yet. */
  asked: boolean;
}

/** Why the socket is not read. */
const ORIGIN_FULL = 1;
const INFLATING = 2;
const PING = encodeFrame(WS_OPCODES.ping, Buffer.alloc(0));

export class SocketHold extends WebSocketHold implements FrameHandler, SocketListener {
  readonly encoding: Encoding;
  /** Bits of the reasons above; 0 while the socket is read. */
  private stopped = 0;
  private frames: FrameReader | undefined = undefined;
  /** Of the client's last pong, where ours are answered: clock milliseconds. */
  private pulse: Pulse | undefined = undefined;

  /**
   * @param maxMessageBytes - bytes of one message of the client
   * @param deflate - undefined: nothing is compressed
   */
  constructor(
    parts: HoldParts,
    private readonly socket: Socket,
    origin: WebSocketOrigin,
    options: WebSocketHoldOptions,
    private readonly maxMessageBytes: number,
    private readonly deflate: SocketDeflate | undefined = undefined,
  ) {
    super(parts, origin, options);
    this.encoding = deflate === undefined ? frameEncoding : deflate.compression.encodingFor(deflate.terms.serverBits);
    listenTo(socket, this);
    if (options.terms?.pings !== undefined) this.beginPings(options.terms.pings);
  }

  /** Bytes of the client that came with its handshake. */
  first(bytes: Buffer): void {
    if (bytes.length > 0) this.read(bytes);
  }

  read(bytes: Buffer): void {
    // What follows a close frame has no meaning (RFC 6455 5.5.1).
    if (this.state === 'over' || this.state === 'client-closing') return;
    this.frames ??= this.reader();
    if (!this.frames.read(bytes)) this.stop(INFLATING);
  }

  ended(): void {
    this.clientEnded();
  }

  closed(): void {
    this.connectionClosed();
  }

  /** What waits is counted when there is more to write. */
  drained(): void {}

  onFramesDrained(): void {
    this.goOn(INFLATING);
  }

  override onPong(content: Buffer): void {
    // The answer to a ping of ours is no business of the origin.
    const isOurs = this.pulse?.asked === true && content.length === 0;
    this.heardPong();
    if (!isOurs) super.onPong(content);
  }

  protected heardPong(): void {
    if (this.pulse === undefined) return;
    this.pulse.heardAt = this.parts.wheel.clock.now();
    this.pulse.asked = false;
  }

  override onTime(): void {
    if (this.pulse === undefined || this.state === 'closing' || this.state === 'over') super.onTime();
    else this.checkPulse(this.pulse);
  }

  pause(): void {
    this.stop(ORIGIN_FULL);
  }

  resume(): void {
    this.goOn(ORIGIN_FULL);
  }

  protected get queuedBytes(): number {
    return this.socket.writableLength;
  }

  protected encode(type: WebSocketMessageType, content: Buffer): Buffer {
    const { deflate } = this;
    if (deflate === undefined) return encodeFrame(WS_OPCODES[type], content);
    return deflate.compression.frame(type, content, deflate.terms.serverBits);
  }

  protected override contentBytes(bytes: Buffer): number {
    return contentOfFrames(bytes);
  }

  protected transmit(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  protected transmitClose(code: number | undefined, reason: string): void {
    this.socket.write(encodeCloseFrame(code, reason));
  }

  protected awaitAnswer(): void {
    // It has to be read, however much the origin has to take yet.
    this.goOn(ORIGIN_FULL);
  }

  protected stopReading(): void {
    this.frames?.stop();
    this.frames = undefined;
  }

  protected endTransport(): void {
    this.socket.end();
    // What the peer sends or does not take any more must not keep the socket.
    this.socket.resume();
  }

  protected breakTransport(): void {
    this.socket.destroy();
  }

  private beginPings({ interval, timeout }: Pings): void {
    const now = this.parts.wheel.clock.now();
    this.pulse = { heardAt: now, pingAt: now + interval, asked: false };
    this.parts.wheel.start(this, Math.min(interval, timeout));
  }

  /** A ping is due, or a pong has not come. */
  private checkPulse(pulse: Pulse): void {
    const { pings } = this.options.terms ?? {};
    if (pings === undefined) return;
    const now = this.parts.wheel.clock.now();
    // What is not read cannot be heard.
    if (this.stopped !== 0) pulse.heardAt = now;
    if (now - pulse.heardAt >= pings.timeout) {
      this.options.visit?.willEnd('gone');
      this.breakOff();
      this.origin.gone();
      return;
    }
    if (now >= pulse.pingAt) {
      pulse.pingAt = now + pings.interval;
      pulse.asked = true;
      this.transmit(PING);
    }
    this.parts.wheel.start(this, Math.min(pulse.pingAt, pulse.heardAt + pings.timeout) - now);
  }

  private reader(): FrameReader {
    const { maxMessageBytes, deflate } = this;
    const inflate = deflate === undefined ? undefined : { bits: deflate.terms.clientBits };
    return new FrameReader({ sender: 'client', maxMessageBytes, inflate }, this);
  }

  private stop(reason: number): void {
    this.stopped |= reason;
    this.socket.pause();
  }

  private goOn(reason: number): void {
    this.stopped &= ~reason;
    if (this.stopped === 0) this.socket.resume();
  }
}

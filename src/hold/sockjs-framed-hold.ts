/** A client that speaks SockJS on a WebSocket of its own: each message in a frame, arrays of messages back (specification 13). */
import type { Socket } from 'node:net';
import type { Encoding } from '../hub/publication.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import { Timed } from '../time/wheel.js';
import type { HoldParts } from './hold-parts.js';
import { SocketHold } from './socket-hold.js';
import {
  framedEncoding,
  HEARTBEAT_FRAME,
  HEARTBEAT_INTERVAL,
  inFrame,
  messageInFrame,
  OPEN_FRAME,
  readMessages,
} from './sockjs-frames.js';
import type { WebSocketHoldOptions } from './websocket-hold.js';
import type { WebSocketOrigin } from './websocket-origin.js';

const OPENED = inFrame(OPEN_FRAME);
const HEARTBEAT = inFrame(HEARTBEAT_FRAME);

/** The hold's own timer is for its close. */
class Heart extends Timed {
  constructor(private readonly hold: FramedHold) {
    super();
  }

  onTime(): void {
    this.hold.beat();
  }
}

export class FramedHold extends SocketHold {
  override readonly encoding: Encoding = framedEncoding;
  private readonly heart = new Heart(this);

  /** @param maxMessageBytes - bytes of one message of the client */
  constructor(
    parts: HoldParts,
    socket: Socket,
    origin: WebSocketOrigin,
    options: WebSocketHoldOptions,
    maxMessageBytes: number,
  ) {
    super(parts, socket, origin, options, maxMessageBytes);
    this.transmit(OPENED);
    parts.wheel.start(this.heart, HEARTBEAT_INTERVAL);
  }

  /** Lets the client know that the connection lives. */
  beat(): void {
    if (this.state !== 'open') return;
    // Not a message: keep-alives that the origin asked for are none the later for it.
    if (this.queuedBytes === 0) this.transmit(HEARTBEAT);
    this.parts.wheel.start(this.heart, HEARTBEAT_INTERVAL);
  }

  override onMessage(_type: 'text' | 'binary', content: Buffer): void {
    if (this.state !== 'open') return;
    const messages = readMessages(content);
    if (messages === undefined) {
      this.parts.counters.badRequests += 1;
      // Nothing is told: SockJS has no code for it. The end of the socket ends the hold.
      this.stopReading();
      this.breakTransport();
      return;
    }
    for (const message of messages) super.onMessage('text', message);
  }

  /** SockJS has no pings, so its origin hears of none; WebSocket wants an answer (RFC 6455 5.5.2). */
  override onPing(content: Buffer): void {
    this.write(encodeFrame(WS_OPCODES.pong, content), 0);
  }

  override onPong(): void {
    this.heardPong();
  }

  protected override encode(type: WebSocketMessageType, content: Buffer): Buffer {
    return messageInFrame(type, content);
  }

  protected override stopReading(): void {
    super.stopReading();
    this.parts.wheel.stop(this.heart);
  }
}

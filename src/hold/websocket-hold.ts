/**
 * A client that is held as a WebSocket (specification 11).
 *
 *     open ──client's close──► client-closing ──close()──► over
 *       │──close() by origin, publish, limits──► closing ──client's answer──► over
 *       └──drop(), connection lost, FIN───────────────────────────────────► over
 *
 * Over means that nothing more is said; the socket may take a moment longer to end.
 *
 * Frames for everybody are made once and written here as they are; what the client sends goes to the origin's side,
 * and what the origin sends comes through `fromOrigin`, where GRIP's prefix and control messages are looked at.
 */
import type { Socket } from 'node:net';
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { encodeCloseFrame, encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import { Timed } from '../time/wheel.js';
import { ClientFrames, type FrameHandler } from './client-frames.js';
import { frameEncoding } from './encodings.js';
import type { HoldParts } from './hold-parts.js';
import { filteredContent } from './item-filter.js';
import { outboxVerdict } from './outbox.js';
import { type ChannelOptions, WebSocketChannels } from './websocket-channels.js';
import type { WebSocketClient, WebSocketOrigin } from './websocket-origin.js';

/** Milliseconds a client may take to answer a close frame, and then to end the connection. */
const CLOSE_TIMEOUT = 5_000;
/** The proxy is going away (RFC 6455 7.4.1). */
const GOING_AWAY = 1001;
/** The origin asked for what cannot be done (RFC 6455 7.4.1). */
const INTERNAL_ERROR = 1011;
/** The client reads too slowly; trying again later may help (registered at IANA). */
const TRY_AGAIN_LATER = 1013;

type State = 'open' | 'client-closing' | 'closing' | 'over';

export interface WebSocketHoldOptions extends ChannelOptions {
  /** Bytes of one message of the client. */
  readonly maxMessageBytes: number;
  /** Prefix of the origin's messages when GRIP is on; undefined passes them all. */
  readonly messagePrefix: Buffer | undefined;
  /** Clients are told why their connection is closed. */
  readonly debug: boolean;
  /** Explicit id of the route, or empty. */
  readonly rateBucket: string;
}

const kHold = Symbol('holdfast websocket');
type HeldSocket = Socket & { [kHold]?: WebSocketHold };

export class WebSocketHold extends Timed implements Subscriber, WebSocketClient, FrameHandler {
  readonly kind = 'ws';
  readonly encoding = frameEncoding;
  readonly rateBucket: string;
  private state: State = 'open';
  private frames: ClientFrames | undefined = undefined;
  private readonly channels: WebSocketChannels;

  constructor(
    private readonly parts: HoldParts,
    private readonly socket: HeldSocket,
    private readonly origin: WebSocketOrigin,
    private readonly options: WebSocketHoldOptions,
  ) {
    super();
    this.rateBucket = options.rateBucket;
    this.channels = new WebSocketChannels(parts, this, options);
    socket[kHold] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onClosed);
    parts.open.add(this);
    parts.counters.holds.ws += 1;
  }

  /** Subscribes to a channel of the target, named in full, for as long as the connection lasts. */
  subscribe(channel: string): void {
    if (this.state !== 'over') this.channels.keep(channel);
  }

  /** Bytes of the client that came with its handshake. */
  first(bytes: Buffer): void {
    if (bytes.length > 0) this.read(bytes);
  }

  read(bytes: Buffer): void {
    // What follows a close frame has no meaning (RFC 6455 5.5.1).
    if (this.state === 'over' || this.state === 'client-closing') return;
    this.frames ??= new ClientFrames(this.options.maxMessageBytes, this);
    this.frames.read(bytes);
  }

  onMessage(type: 'text' | 'binary', content: Buffer): void {
    if (this.state === 'open') this.origin.message(type, content);
  }

  onPing(content: Buffer): void {
    if (this.state === 'open') this.origin.ping(content);
  }

  onPong(content: Buffer): void {
    if (this.state === 'open') this.origin.pong(content);
  }

  onClose(code: number | undefined, reason: string): void {
    if (this.state === 'open') {
      this.state = 'client-closing';
      this.origin.closed(code, reason);
    } else if (this.state === 'closing') {
      this.finish();
      this.origin.closed(code, reason);
      // No more than its telling is left to do: nobody is there for what the origin may still say.
      this.origin.gone();
    }
  }

  onViolation(code: number): void {
    if (this.state === 'over') return;
    this.parts.counters.badRequests += 1;
    if (this.state === 'open') this.socket.write(encodeCloseFrame(code, ''));
    this.finish();
    this.origin.gone();
  }

  fromOrigin(type: WebSocketMessageType, content: Buffer): void {
    if (this.state === 'over' || this.state === 'closing') return;
    const { messagePrefix } = this.options;
    if (messagePrefix === undefined || type === 'ping' || type === 'pong') {
      this.send(type, content);
    } else if (type === 'text' && content.length >= 2 && content[0] === 0x63 && content[1] === 0x3a) {
      const wrong = this.channels.control(content.subarray(2));
      if (wrong !== undefined) this.closeUnasked(INTERNAL_ERROR, wrong);
    } else if (startsWith(content, messagePrefix)) {
      this.send(type, content.subarray(messagePrefix.length));
    }
  }

  close(code: number | undefined, reason: string): void {
    if (this.state === 'over' || this.state === 'closing') return;
    this.channels.settle();
    this.sendClose(code, reason);
  }

  drop(): void {
    if (this.state === 'over') return;
    this.leave();
    this.socket.destroy();
  }

  shutDown(): void {
    if (this.state === 'over') return;
    this.close(GOING_AWAY, '');
    // Told at once: when the client has answered, requests may not be possible any more.
    this.origin.gone();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The client did not answer a close in time, or does not end the connection. */
  onTime(): void {
    if (this.state === 'over') {
      this.socket.destroy();
      return;
    }
    this.drop();
    this.origin.gone();
  }

  write(bytes: Buffer, count: number): void {
    if (this.state !== 'open' && this.state !== 'client-closing') return;
    // What the origin says counts as no delivery, but not for nothing when it is lost.
    switch (outboxVerdict(this.parts, this.socket.writableLength, bytes.length, count || 1)) {
      case 'write':
        this.socket.write(bytes);
        this.parts.counters.delivered += count;
        return;
      case 'drop':
        return;
      case 'close':
        this.closeUnasked(TRY_AGAIN_LATER);
        return;
    }
  }

  deliver(publication: Publication, subscription: Subscription): void {
    const format = publication.item.formats.websocket;
    if (format === undefined || this.state === 'over') return;
    const verdict = this.channels.filter(subscription, publication, filteredContent(format));
    if (verdict.kind !== 'send') {
      this.parts.counters.dropped.filtered += 1;
      if (verdict.kind === 'error') this.filterFailed(verdict.detail);
      return;
    }
    switch (format.action) {
      case 'send':
        this.write(encodeFrame(WS_OPCODES[format.type], verdict.content), 1);
        return;
      case 'close':
        if (this.state !== 'open') return;
        this.close(format.code ?? 1000, format.reason);
        this.origin.closedByPublish();
        return;
      case 'refresh':
        this.origin.refresh();
        return;
      case 'hint':
        return;
    }
  }

  /** In debug mode a filter that fails ends the connection (specification 6.1). */
  private filterFailed(detail: string): void {
    this.parts.log.debug(`${this.options.uri}: ${detail}`);
    if (this.options.debug) this.closeUnasked(INTERNAL_ERROR, detail);
  }

  /** The connection is gone, whoever ended it. */
  connectionClosed(): void {
    this.parts.wheel.stop(this);
    if (this.state === 'over') return;
    this.leave();
    this.origin.gone();
  }

  /** The client sent FIN: for a WebSocket that is the end, with or without a close frame before it. */
  clientEnded(): void {
    if (this.state === 'over') return;
    this.finish();
    this.origin.gone();
  }

  private send(type: WebSocketMessageType, content: Buffer): void {
    this.write(encodeFrame(WS_OPCODES[type], content), 0);
  }

  /** Closes for a reason of ours; the origin hears of it when the client has answered, or has gone. */
  private closeUnasked(code: number, reason = ''): void {
    if (this.state === 'over' || this.state === 'closing') return;
    const answersClient = this.state === 'client-closing';
    this.sendClose(code, this.options.debug ? reason : '');
    if (answersClient) this.origin.gone();
  }

  private sendClose(code: number | undefined, reason: string): void {
    // Settling may have filled the outbox, and closed.
    if (this.state === 'over' || this.state === 'closing') return;
    this.socket.write(encodeCloseFrame(code, reason));
    if (this.state === 'client-closing') {
      this.finish();
      return;
    }
    this.state = 'closing';
    this.channels.leaveAll();
    // The client's answer has to be read, however much the origin has to take yet.
    this.socket.resume();
    this.parts.wheel.start(this, CLOSE_TIMEOUT);
  }

  /** Nothing more is said: the connection ends in order. */
  private finish(): void {
    this.leave();
    this.socket.end();
    // What the peer sends or does not take any more must not keep the socket.
    this.socket.resume();
    this.parts.wheel.start(this, CLOSE_TIMEOUT);
  }

  private leave(): void {
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.frames?.stop();
    this.frames = undefined;
    this.channels.leaveAll();
    this.parts.open.delete(this);
    this.parts.counters.holds.ws -= 1;
  }
}

function onData(this: HeldSocket, bytes: Buffer): void {
  this[kHold]?.read(bytes);
}

function onEnd(this: HeldSocket): void {
  this[kHold]?.clientEnded();
}

function onClosed(this: HeldSocket): void {
  this[kHold]?.connectionClosed();
}

function startsWith(content: Buffer, prefix: Buffer): boolean {
  return content.length >= prefix.length && content.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

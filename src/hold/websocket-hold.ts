/**
 * A client that is held as a WebSocket (specification 11).
 *
 *     open ──client's close──► client-closing ──close()──► over
 *       │──close() by origin, publish, limits──► closing ──client's answer──► over
 *       └──drop(), connection lost────────────────────────────────────────► over
 *
 * Frames for everybody are made once and written here as they are; what the client sends goes to the origin's side,
 * and what the origin sends comes through `fromOrigin`, where GRIP's prefix and control messages are looked at.
 */
import type { Socket } from 'node:net';
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { type ControlMessage, parseControlMessage } from '../protocol/control-message.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { encodeCloseFrame, encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import { Timed } from '../time/wheel.js';
import { ClientFrames, type FrameHandler } from './client-frames.js';
import { frameEncoding } from './encodings.js';
import type { HoldParts } from './hold-parts.js';
import { outboxVerdict } from './outbox.js';
import type { WebSocketClient, WebSocketOrigin } from './websocket-origin.js';

/** Milliseconds a client may take to answer a close frame. */
const CLOSE_TIMEOUT = 5_000;
/** The proxy is going away (RFC 6455 7.4.1). */
const GOING_AWAY = 1001;
/** The client reads too slowly; trying again later may help (registered at IANA). */
const TRY_AGAIN_LATER = 1013;

type State = 'open' | 'client-closing' | 'closing' | 'over';

export interface WebSocketHoldOptions {
  /** Bytes of one message of the client. */
  readonly maxMessageBytes: number;
  /** Prefix of the origin's messages when GRIP is on; undefined passes them all. */
  readonly messagePrefix: string | undefined;
  /** Route prefix of the channels in control messages. */
  readonly channelPrefix: string;
  /** Explicit id of the route, or empty. */
  readonly rateBucket: string;
  /** For log lines: the client's URI. */
  readonly uri: string;
}

const kHold = Symbol('holdfast websocket');
type HeldSocket = Socket & { [kHold]?: WebSocketHold };

export class WebSocketHold extends Timed implements Subscriber, WebSocketClient, FrameHandler {
  readonly kind = 'ws';
  readonly encoding = frameEncoding;
  readonly rateBucket: string;
  private state: State = 'open';
  private frames: ClientFrames | undefined = undefined;
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(
    private readonly parts: HoldParts,
    private readonly socket: HeldSocket,
    private readonly origin: WebSocketOrigin,
    private readonly options: WebSocketHoldOptions,
  ) {
    super();
    this.rateBucket = options.rateBucket;
    socket[kHold] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onClosed);
    parts.open.add(this);
    parts.counters.holds.ws += 1;
  }

  /** Subscribes to a channel, prefixed already; not counted against the limit of control messages. */
  subscribe(channel: string): void {
    if (this.state === 'over' || this.subscriptions.has(channel)) return;
    this.subscriptions.set(channel, this.parts.hub.subscribe(channel, this));
    if (this.parts.log.enabled('info')) this.parts.log.info(`subscribe ${this.options.uri} channel=${channel}`);
  }

  /** Bytes of the client that came with its handshake. */
  first(bytes: Buffer): void {
    if (bytes.length > 0) this.read(bytes);
  }

  read(bytes: Buffer): void {
    if (this.state === 'over') return;
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
    }
  }

  onViolation(code: number): void {
    if (this.state === 'over') return;
    this.parts.counters.badRequests += 1;
    this.socket.write(encodeCloseFrame(code, ''));
    this.finish();
    this.origin.gone();
  }

  fromOrigin(type: WebSocketMessageType, content: Buffer): void {
    if (this.state === 'over' || this.state === 'closing') return;
    const { messagePrefix } = this.options;
    if (messagePrefix === undefined || type === 'ping' || type === 'pong') {
      this.send(type, content);
    } else if (type === 'text' && content.length >= 2 && content[0] === 0x63 && content[1] === 0x3a) {
      this.control(content.subarray(2));
    } else if (startsWith(content, messagePrefix)) {
      this.send(type, content.subarray(Buffer.byteLength(messagePrefix)));
    }
  }

  close(code: number | undefined, reason: string): void {
    if (this.state === 'over' || this.state === 'closing') return;
    this.settle();
    const answersClient = this.state === 'client-closing';
    this.socket.write(encodeCloseFrame(code, reason));
    if (answersClient) {
      this.finish();
      return;
    }
    this.state = 'closing';
    this.leaveChannels();
    this.parts.wheel.start(this, CLOSE_TIMEOUT);
  }

  drop(): void {
    if (this.state === 'over') return;
    this.leave();
    this.socket.destroy();
  }

  shutDown(): void {
    this.close(GOING_AWAY, '');
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The client did not answer a close in time. */
  onTime(): void {
    if (this.state === 'over') return;
    const lost = this.state === 'closing';
    this.drop();
    if (lost) this.origin.gone();
  }

  write(bytes: Buffer, count: number): void {
    if (this.state !== 'open' && this.state !== 'client-closing') return;
    switch (outboxVerdict(this.parts, this.socket.writableLength, bytes.length, count)) {
      case 'write':
        this.socket.write(bytes);
        this.parts.counters.delivered += count;
        return;
      case 'drop':
        return;
      case 'close':
        this.close(TRY_AGAIN_LATER, '');
        return;
    }
  }

  deliver({ item }: Publication): void {
    const format = item.formats.websocket;
    if (format === undefined || this.state === 'over') return;
    switch (format.action) {
      case 'send':
        if (format.contentFilters !== undefined && format.contentFilters.length > 0) {
          this.parts.counters.dropped.undeliverable += 1;
          return;
        }
        this.write(encodeFrame(WS_OPCODES[format.type], format.content), 1);
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

  /** The connection is gone, whoever ended it. */
  connectionClosed(): void {
    if (this.state === 'over') return;
    this.leave();
    this.origin.gone();
  }

  /** The client sent FIN: for a WebSocket that is the end, with or without a close frame before it. */
  clientEnded(): void {
    this.socket.end();
  }

  private control(json: Buffer): void {
    const parsed = parseControlMessage(json);
    if (parsed.kind === 'invalid') this.parts.log.debug(parsed.reason);
    else this.apply(parsed.message);
  }

  private apply(message: ControlMessage): void {
    const { channelPrefix } = this.options;
    switch (message.type) {
      case 'subscribe':
        if (this.subscriptions.size >= this.parts.limits.maxSubscriptions) {
          this.parts.log.debug(`wscontrol: too many subscriptions, ignoring channel ${message.channel}`);
        } else {
          this.subscribe(channelPrefix + message.channel);
        }
        return;
      case 'unsubscribe': {
        const subscription = this.subscriptions.get(channelPrefix + message.channel);
        if (subscription === undefined) return;
        this.subscriptions.delete(channelPrefix + message.channel);
        this.parts.hub.settle(subscription);
        this.parts.hub.unsubscribe(subscription);
        return;
      }
      default:
        this.parts.log.debug(`control message ${message.type} has no effect in this version`);
    }
  }

  private send(type: WebSocketMessageType, content: Buffer): void {
    this.write(encodeFrame(WS_OPCODES[type], content), 0);
  }

  /** What is published already goes out before the connection ends. */
  private settle(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.settle(subscription);
  }

  /** Both close frames are there: the connection ends in order. */
  private finish(): void {
    this.leave();
    this.socket.end();
    // The peer has nothing more to say; what it sends anyway must not keep the socket.
    this.socket.resume();
    this.socket.setTimeout(CLOSE_TIMEOUT, () => this.socket.destroy());
  }

  private leave(): void {
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.frames?.stop();
    this.frames = undefined;
    this.leaveChannels();
    this.parts.open.delete(this);
    this.parts.counters.holds.ws -= 1;
  }

  private leaveChannels(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.unsubscribe(subscription);
    this.subscriptions.clear();
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

function startsWith(content: Buffer, prefix: string): boolean {
  if (prefix === '') return true;
  const length = Buffer.byteLength(prefix);
  return content.length >= length && content.subarray(0, length).equals(Buffer.from(prefix));
}

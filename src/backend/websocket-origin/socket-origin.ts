/**
 * An origin that speaks WebSocket itself, as a held client sees it (specification 11.1). Messages go through whole, pings
 * and pongs as they come; neither side's are ever answered here.
 *
 *     open ──origin's close──► origin-closing ──client's answer──► over
 *       │──client's close, publish──► closing ──origin's answer──► over
 *       └──client gone, origin lost, bad frames──────────────────► over
 *
 * Over means that nothing more is said. What was written still goes out; then the connection ends.
 */
import type { Socket } from 'node:net';
import type { WebSocketClient, WebSocketOrigin } from '../../hold/websocket-origin.js';
import { type FrameHandler, FrameReader, type InflateTerms } from '../../protocol/frame-reader.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import type { ClientFlow } from '../websocket-verdict.js';
import { ClientFeed } from './client-feed.js';
import { maskedCloseFrame, maskedFrame } from './masked-frame.js';

/** Milliseconds an origin may take to answer a close frame, and then to end the connection. */
const CLOSE_TIMEOUT = 5_000;
/** What a close without a code says on the other side. */
const NORMAL = 1000;

/** Why the origin is not read. */
const CLIENT_FULL = 1;
const INFLATING = 2;

const kOrigin = Symbol('holdfast websocket origin');
type OriginSocket = Socket & { [kOrigin]?: SocketOrigin };

type State = 'open' | 'origin-closing' | 'closing' | 'over';

export interface SocketOriginOptions {
  readonly wheel: Wheel;
  /** Bytes of one message of the origin. */
  readonly maxMessageBytes: number;
  /** How the origin compresses; undefined: it may not. */
  readonly inflate?: InflateTerms | undefined;
  /** Bytes that may wait for the origin before the client has to. */
  readonly originWindow: number;
  /** Bytes that may wait for the client before the origin has to. */
  readonly clientWindow: number;
  /** Told why when it is the origin's fault that the connection ends. */
  readonly broken: (text: string) => void;
}

export class SocketOrigin extends Timed implements WebSocketOrigin, FrameHandler {
  private state: State = 'open';
  /** Undefined before the client's 101 and after it has gone. */
  private client: WebSocketClient | undefined = undefined;
  private feed: ClientFeed | undefined = undefined;
  private flow: ClientFlow | undefined = undefined;
  private frames: FrameReader | undefined = undefined;
  /** Bits of the reasons above; 0 while the origin is read. */
  private waits = 0;
  /** The client is not read, because the origin does not take what it has said. */
  private clientWaits = false;

  /** @param first - what came with the handshake */
  constructor(
    private readonly socket: OriginSocket,
    private first: Buffer,
    private readonly options: SocketOriginOptions,
  ) {
    super();
    socket[kOrigin] = this;
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('close', onClosed);
  }

  /** Makes the origin wait for a slow client; called before `attached`, where it can be known how slow it is. */
  readonly pace = (flow: ClientFlow): void => {
    this.flow = flow;
  };

  attached(client: WebSocketClient): void {
    const { socket, first, options } = this;
    if (this.state === 'over') {
      client.drop();
      return;
    }
    this.client = client;
    this.feed = new ClientFeed(client, this.flow, {
      window: options.clientWindow,
      full: () => this.wait(CLIENT_FULL),
      room: () => this.goOn(CLIENT_FULL),
    });
    this.first = Buffer.alloc(0);
    socket.on('data', onData);
    if (first.length > 0) this.read(first);
  }

  message(type: 'text' | 'binary', content: Buffer): void {
    this.say(type, content);
  }

  ping(content: Buffer): void {
    this.say('ping', content);
  }

  pong(content: Buffer): void {
    this.say('pong', content);
  }

  closed(code: number | undefined, reason: string): void {
    if (this.state === 'open') {
      this.state = 'closing';
      this.socket.write(maskedCloseFrame(code ?? NORMAL, reason));
      this.options.wheel.start(this, CLOSE_TIMEOUT);
    } else if (this.state === 'origin-closing') {
      this.socket.write(maskedCloseFrame(code ?? NORMAL, reason));
      this.finish();
    }
  }

  closedByPublish(): void {
    this.closed(undefined, '');
  }

  gone(): void {
    this.client = undefined;
    this.feed?.stop();
    if (this.state === 'closing') {
      // The answer is still to come, whoever was waited for before.
      this.socket.resume();
    } else if (this.state !== 'over') {
      this.finish();
    }
  }

  /** There is no request that could be made. */
  refresh(): void {}

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

  onMessage(type: 'text' | 'binary', content: Buffer): void {
    this.feed?.message(type, content);
  }

  onPing(content: Buffer): void {
    this.feed?.message('ping', content);
  }

  onPong(content: Buffer): void {
    this.feed?.message('pong', content);
  }

  onClose(code: number | undefined, reason: string): void {
    const answered = this.state === 'closing';
    // Telling the client may bring its answer at once.
    if (answered) this.finish();
    else this.state = 'origin-closing';
    this.feed?.close(code ?? NORMAL, reason);
  }

  onViolation(code: number): void {
    if (this.state === 'over') return;
    if (this.state === 'open') this.socket.write(maskedCloseFrame(code, ''));
    this.options.broken(`the origin broke the WebSocket protocol or a limit (${code})`);
    this.dropClient();
  }

  /** The origin did not answer a close in time, or does not end the connection. */
  onTime(): void {
    if (this.state !== 'over') this.dropClient();
    this.socket.destroy();
  }

  /** What waited for the origin has gone out. */
  drained(): void {
    if (!this.clientWaits) return;
    this.clientWaits = false;
    this.client?.resume();
  }

  /** The origin says no more, with or without a close frame before. */
  ended(): void {
    if (this.state === 'over') return;
    // After its close frame it is the client that everybody waits for.
    if (this.state === 'origin-closing') this.finish();
    else this.dropClient();
  }

  connectionClosed(): void {
    this.ended();
    this.options.wheel.stop(this);
  }

  private say(type: 'text' | 'binary' | 'ping' | 'pong', content: Buffer): void {
    const { socket, client } = this;
    if (client === undefined || (this.state !== 'open' && this.state !== 'origin-closing')) return;
    const goesOn = socket.write(maskedFrame(type, content));
    if (goesOn || this.clientWaits || socket.writableLength <= this.options.originWindow) return;
    this.clientWaits = true;
    client.pause();
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

  /** The connection was lost on this side: the client's is broken off. */
  private dropClient(): void {
    const { client } = this;
    this.client = undefined;
    this.feed?.stop();
    this.finish();
    client?.drop();
  }

  private finish(): void {
    this.state = 'over';
    this.frames?.stop();
    this.frames = undefined;
    this.options.wheel.start(this, CLOSE_TIMEOUT);
    this.socket.end();
    // What the origin still sends must not keep the connection.
    this.socket.resume();
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

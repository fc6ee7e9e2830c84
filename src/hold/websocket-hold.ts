/**
 * A client that is held as a WebSocket (specification 11), whatever carries it: a WebSocket of its own, or SockJS.
 *
 * Bytes for everybody are made once and handed to the transport as they are; what the client sends goes to the origin's
 * side, and what the origin sends comes through `fromOrigin`, where GRIP's prefix and control messages are looked at.
 * Most connections never need more than this object and its channels: what filters, ids and timers need is made when
 * they are used.
 */
import type { Encoding, Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import type { Logger } from '../observe/logger.js';
import type { HoldEnd } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import { parseControlMessage } from '../protocol/control-message.js';
import type { WebSocketFormat, WebSocketMessageType } from '../protocol/item.js';
import { isValidCloseCode } from '../protocol/websocket-frame.js';
import type { HoldParts } from './hold-parts.js';
import type { ItemQueue } from './item-queue.js';
import { type ChannelMessage, type ChannelOptions, WebSocketChannels } from './websocket-channels.js';
import { type ConnectionOptions, NORMAL, WebSocketConnection } from './websocket-connection.js';
import { type ItemClient, WebSocketItems } from './websocket-items.js';
import type { WebSocketClient, WebSocketOrigin } from './websocket-origin.js';
import type { RecoveringClient } from './websocket-recovery.js';
import { type TimedClient, type TimersMessage, WebSocketTimers } from './websocket-timers.js';

/** The origin asked for what cannot be done (RFC 6455 7.4.1). */
const INTERNAL_ERROR = 1011;

export interface WebSocketHoldOptions extends ConnectionOptions, ChannelOptions {
  /** Prefix of the origin's messages when GRIP is on; undefined passes them all. */
  readonly messagePrefix: Buffer | undefined;
  /** Explicit id of the route, or empty. */
  readonly rateBucket: string;
}

export abstract class WebSocketHold
  extends WebSocketConnection
  implements Subscriber, WebSocketClient, ItemClient, RecoveringClient, TimedClient
{
  readonly kind = 'ws';
  abstract readonly encoding: Encoding;
  readonly rateBucket: string;
  private readonly channels: WebSocketChannels;
  /** Made when an item comes that is more than bytes to this client. */
  private items: WebSocketItems | undefined = undefined;
  /** Made when the origin asks for keep-alives, or says something for later. */
  private timers: WebSocketTimers | undefined = undefined;
  /** What the origin has said behind a subscription whose channel is not ready; undefined: nothing has to wait. */
  private behind: (() => void)[] | undefined = undefined;

  constructor(
    parts: HoldParts,
    origin: WebSocketOrigin,
    protected override readonly options: WebSocketHoldOptions,
  ) {
    super(parts, origin, options);
    this.rateBucket = options.rateBucket;
    this.channels = new WebSocketChannels(parts, this, options);
    parts.open.add(this);
    parts.counters.holds.ws += 1;
    options.visit?.holds('ws');
  }

  /** Subscribes to a channel of the target, named in full, for as long as the connection lasts. */
  subscribe(channel: string): void {
    if (this.state !== 'over') this.channels.keep(channel);
  }

  fromOrigin(type: WebSocketMessageType, content: Buffer): void {
    if (this.state === 'over' || this.state === 'closing' || this.isDetached) return;
    if (this.behind !== undefined) {
      this.behind.push(() => this.fromOrigin(type, content));
      return;
    }
    const { messagePrefix, visit } = this.options;
    if (type !== 'ping' && type !== 'pong') visit?.serverMessage(content.length);
    if (messagePrefix === undefined || type === 'ping' || type === 'pong') {
      this.send(type, content);
    } else if (type === 'text' && content.length >= 2 && content[0] === 0x63 && content[1] === 0x3a) {
      this.obey(content.subarray(2));
    } else if (startsWith(content, messagePrefix)) {
      this.send(type, content.subarray(messagePrefix.length));
    }
  }

  override close(code: number | undefined, reason: string): void {
    if (this.behind === undefined) super.close(code, reason);
    else this.behind.push(() => this.close(code, reason));
  }

  override drop(): void {
    if (this.behind === undefined) super.drop();
    else this.behind.push(() => this.drop());
  }

  deliver(publication: Publication, subscription: Subscription): void {
    if (this.state !== 'over') this.itemQueue.offer(publication, subscription);
  }

  askAgain(): void {
    this.channels.askAgain();
  }

  get itemQueue(): ItemQueue {
    this.items ??= new WebSocketItems(this.parts, this.channels, this, this.options);
    return this.items.queue;
  }

  get busy(): boolean {
    return this.items?.queue.busy === true;
  }

  sendItem(type: WebSocketMessageType, content: Buffer): boolean {
    return this.writeMessage(type, content, 1);
  }

  closeByItem({ code = NORMAL, reason }: Extract<WebSocketFormat, { action: 'close' }>): void {
    if (this.state !== 'open') return;
    this.closeInOrder(isValidCloseCode(code) ? code : NORMAL, reason);
    this.origin.closedByPublish();
  }

  get visit(): Visit | undefined {
    return this.options.visit;
  }

  get connectionId(): string | undefined {
    return this.origin.connectionId ?? this.visit?.id;
  }

  refresh(): void {
    this.origin.refresh();
  }

  /** In debug mode a filter that fails ends the connection (specification 6.1). */
  filterFailed(detail: string): void {
    this.log.debug(`${this.options.uri}: ${detail}`);
    if (this.options.debug) this.closeUnasked(INTERNAL_ERROR, detail);
  }

  itemDone(): void {
    this.timers?.goOn();
  }

  sendTimed(type: WebSocketMessageType, content: Buffer): void {
    this.send(type, content);
  }

  recovered(type: 'text' | 'binary', content: Buffer): void {
    this.send(type, content);
  }

  resumeItems(): void {
    this.items?.queue.go();
    this.timers?.goOn();
  }

  /** The origin hears of it in words it chose itself, which no client knows; without any, the connection ends. */
  notRecovered(toTell: ReadonlySet<string | undefined>, why: string): void {
    if (toTell.has(undefined) || this.isDetached) {
      this.closeUnasked(INTERNAL_ERROR, why);
      return;
    }
    for (const text of toTell) {
      if (text !== undefined && this.state === 'open') this.origin.message('text', Buffer.from(text));
    }
  }

  protected wrote(): void {
    this.timers?.wrote();
  }

  protected settle(): void {
    this.channels.settle();
  }

  protected release(): void {
    this.timers?.stop();
    this.items?.queue.close();
    this.channels.leaveAll();
  }

  protected over(how: HoldEnd): void {
    this.parts.open.delete(this);
    this.parts.counters.holds.ws -= 1;
    this.visit?.holdEnds(how);
  }

  private get log(): Logger {
    return this.options.log ?? this.parts.log;
  }

  /** Takes a control message, without its `c:`. */
  private obey(json: Buffer): void {
    const parsed = parseControlMessage(json);
    if (parsed.kind === 'invalid') {
      this.log.debug(parsed.reason);
      return;
    }
    const { message } = parsed;
    switch (message.type) {
      case 'detach':
        this.detach();
        return;
      case 'session':
        // There is no service that would keep them.
        this.log.debug(`${this.options.uri}: the session id has no effect`);
        return;
      case 'keep-alive':
      case 'send-delayed':
      case 'flush-delayed':
        this.setTimers(message);
        return;
      case 'subscribe':
        this.whenReady(this.options.channelPrefix + message.channel, () => this.change(message));
        return;
      default:
        this.change(message);
    }
  }

  private change(message: ChannelMessage): void {
    const wrong = this.channels.apply(message);
    if (wrong !== undefined) this.closeUnasked(INTERNAL_ERROR, wrong);
  }

  /** A client that hears of its subscription, in words that follow it, misses nothing from then on. */
  private whenReady(channel: string, run: () => void): void {
    const { hub } = this.parts;
    if (hub.isReady(channel)) {
      run();
      return;
    }
    this.behind = [];
    hub.ready(
      () => [channel],
      () => {
        const behind = this.behind ?? [];
        this.behind = undefined;
        if (this.state === 'over') return;
        run();
        // One of them may have to wait for another channel: then all that follow wait again, in their order.
        for (const said of behind) said();
      },
    );
  }

  private setTimers(message: TimersMessage): void {
    this.timers ??= new WebSocketTimers(this.parts, this);
    this.timers.take(message);
  }

  private send(type: WebSocketMessageType, content: Buffer): void {
    this.writeMessage(type, content, 0);
  }
}

function startsWith(content: Buffer, prefix: Buffer): boolean {
  return content.length >= prefix.length && content.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

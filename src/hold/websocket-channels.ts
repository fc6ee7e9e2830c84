/**
 * The channels of one held WebSocket: those of its target, which stay, and those its origin joins and leaves with
 * control messages (specification 11.4, 11.5).
 */
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { type ControlMessage, parseControlMessage } from '../protocol/control-message.js';
import type { HoldParts } from './hold-parts.js';

export interface ChannelOptions {
  /** Route prefix of the channels in control messages. */
  readonly channelPrefix: string;
  /** For log lines: the client's URI. */
  readonly uri: string;
}

export class WebSocketChannels {
  private readonly subscriptions = new Map<string, Subscription>();
  /** Channels that control messages cannot leave. */
  private implicit: Set<string> | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly subscriber: Subscriber,
    private readonly options: ChannelOptions,
  ) {}

  /** Joins a channel of the target, named in full, for as long as the connection lasts. */
  keep(channel: string): void {
    this.implicit ??= new Set();
    this.implicit.add(channel);
    this.join(channel);
  }

  /** Takes a control message, without its `c:`. */
  control(json: Buffer): void {
    const parsed = parseControlMessage(json);
    if (parsed.kind === 'invalid') this.parts.log.debug(parsed.reason);
    else this.apply(parsed.message);
  }

  /** What is published already is written before anything else happens to the connection. */
  settle(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.settle(subscription);
  }

  leaveAll(): void {
    for (const subscription of this.subscriptions.values()) this.parts.hub.unsubscribe(subscription);
    this.subscriptions.clear();
  }

  private apply(message: ControlMessage): void {
    const { log, limits } = this.parts;
    switch (message.type) {
      case 'subscribe':
        if (this.subscriptions.size < limits.maxSubscriptions) this.join(this.options.channelPrefix + message.channel);
        else log.debug(`wscontrol: too many subscriptions, ignoring channel ${message.channel}`);
        return;
      case 'unsubscribe':
        this.leave(this.options.channelPrefix + message.channel);
        return;
      default:
        log.debug(`control message ${message.type} has no effect in this version`);
    }
  }

  private join(channel: string): void {
    if (this.subscriptions.has(channel)) return;
    const { hub, log } = this.parts;
    this.subscriptions.set(channel, hub.subscribe(channel, this.subscriber));
    if (log.enabled('info')) log.info(`subscribe ${this.options.uri} channel=${channel}`);
  }

  private leave(channel: string): void {
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined || this.implicit?.has(channel) === true) return;
    this.subscriptions.delete(channel);
    this.parts.hub.settle(subscription);
    this.parts.hub.unsubscribe(subscription);
  }
}

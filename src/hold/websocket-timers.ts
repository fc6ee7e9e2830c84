/**
 * What a held WebSocket says because time has passed: the keep-alives its origin asked for, and a message it may take
 * back until then (specification 11.4). Made for a connection whose origin uses them.
 */
import type { Visit } from '../observe/visit.js';
import type { ControlMessage } from '../protocol/control-message.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { Timed } from '../time/wheel.js';
import { type HoldParts, keepAliveDelay } from './hold-parts.js';

export type TimersMessage = Extract<ControlMessage, { type: 'keep-alive' | 'send-delayed' | 'flush-delayed' }>;
type DelayedMessage = Extract<ControlMessage, { type: 'send-delayed' }>;

/** The WebSocket as its timers see it. */
export interface TimedClient {
  /** Items wait for their turn, and what falls due waits behind them. */
  readonly busy: boolean;
  /** Sends a message; the connection may be closed afterwards, and the timers stopped. */
  sendTimed(type: WebSocketMessageType, content: Buffer): void;
  /** Undefined: nobody watches. */
  readonly visit?: Visit | undefined;
}

export class WebSocketTimers {
  private keepAlive: KeepAliveTimer | undefined = undefined;
  private delayed: DelayedMessages | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly client: TimedClient,
  ) {}

  take(message: TimersMessage): void {
    switch (message.type) {
      case 'keep-alive': {
        const { content } = message;
        this.keepAlive?.stop();
        if (content === undefined) this.keepAlive = undefined;
        else this.keepAlive = new KeepAliveTimer(this.parts, this.client, { ...message, content });
        return;
      }
      case 'send-delayed':
        this.delayed ??= new DelayedMessages(this.parts, this.client);
        this.delayed.flush();
        this.delayed.add(message);
        return;
      case 'flush-delayed':
        this.delayed?.flush();
    }
  }

  /** Something was sent to the client. */
  wrote(): void {
    this.keepAlive?.wrote();
  }

  /** The items are through: what waited behind them follows. */
  goOn(): void {
    this.delayed?.goOn();
  }

  stop(): void {
    this.keepAlive?.stop();
    this.delayed?.stop();
  }
}

interface KeepAlive {
  readonly content: Buffer;
  readonly messageType: WebSocketMessageType;
  /** Seconds. */
  readonly timeout: number;
  readonly mode: 'idle' | 'interval';
}

class KeepAliveTimer extends Timed {
  /** Clock milliseconds of the last message since it was started; 0 when there was none. */
  private writtenAt = 0;
  private stopped = false;

  constructor(
    private readonly parts: HoldParts,
    private readonly client: TimedClient,
    private readonly message: KeepAlive,
  ) {
    super();
    this.start(0);
  }

  wrote(): void {
    if (this.message.mode === 'idle') this.writtenAt = this.parts.wheel.clock.now();
  }

  stop(): void {
    this.stopped = true;
    this.parts.wheel.stop(this);
  }

  onTime(): void {
    // Looked at now and not with every message: a busy channel must not move a timer for each client each time.
    const idleFor = this.writtenAt === 0 ? undefined : this.parts.wheel.clock.now() - this.writtenAt;
    if (idleFor !== undefined && this.start(idleFor)) return;
    this.client.sendTimed(this.message.messageType, this.message.content);
    this.client.visit?.keptAlive();
    if (!this.stopped) this.start(0);
  }

  /** False: so much of the time has passed that it is over already. */
  private start(passed: number): boolean {
    this.writtenAt = 0;
    const left = keepAliveDelay(this.parts, this.message.timeout) - passed;
    if (passed > 0 && left <= 0) return false;
    this.parts.wheel.start(this, left);
    return true;
  }
}

/** A message for later, and those that are due while items are in their way. */
class DelayedMessages extends Timed {
  private pending: DelayedMessage | undefined = undefined;
  private late: DelayedMessage[] = [];

  constructor(
    private readonly parts: HoldParts,
    private readonly client: TimedClient,
  ) {
    super();
  }

  add(message: DelayedMessage): void {
    this.pending = message;
    this.parts.wheel.start(this, message.timeout * 1_000);
  }

  flush(): void {
    const { pending } = this;
    if (pending === undefined) return;
    this.pending = undefined;
    this.parts.wheel.stop(this);
    if (this.client.busy || this.late.length > 0) this.wait(pending);
    else this.client.sendTimed(pending.messageType, pending.content);
  }

  goOn(): void {
    while (!this.client.busy) {
      const message = this.late.shift();
      if (message === undefined) return;
      this.client.sendTimed(message.messageType, message.content);
    }
  }

  stop(): void {
    this.pending = undefined;
    this.late = [];
    this.parts.wheel.stop(this);
  }

  onTime(): void {
    this.flush();
  }

  private wait(message: DelayedMessage): void {
    const { limits, counters, warnings } = this.parts;
    if (this.late.length < limits.maxWaitingItems) {
      this.late.push(message);
      return;
    }
    counters.dropped['queue-full'] += 1;
    warnings.warn('queue-full', 'publish queue at max, dropping');
  }
}

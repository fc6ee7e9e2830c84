/** What every hold is made with. */
import type { Hub } from '../hub/hub.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Wheel } from '../time/wheel.js';
import type { RefreshGroups } from './refresh-groups.js';
import type { UpdateQueue } from './update-queue.js';

export interface HoldLimits {
  /** Channels one connection may subscribe to; more are left out. */
  readonly maxSubscriptions: number;
  /** Bytes that may wait for one client. */
  readonly outboxBytes: number;
  /** What happens to a client whose outbox is full. */
  readonly outboxPolicy: 'close' | 'drop';
  /** Code that a WebSocket is closed with for that. */
  readonly slowCloseCode: number;
  /** Items that may wait for one client while a filter or its origin is asked. */
  readonly maxWaitingItems: number;
  /** Bytes of an origin's answer to what one WebSocket missed. */
  readonly maxRecoveryBytes: number;
}

/** A hold as the runtime sees it: something that can be ended in an orderly way. */
export interface OpenHold {
  shutDown(): void;
  /** How its origin knows the connection, where it has a name for it. */
  readonly connectionId?: string | undefined;
  /** Lets the origin of a WebSocket be asked now, if it can be asked; no other hold has it. */
  refresh?(): void;
  /** Lets the origin be asked for the state of things when it is this hold's turn, if it can be asked. */
  askAgain?(): void;
}

export interface HoldParts {
  /** Every hold there is, for an orderly end of the process. */
  readonly open: Set<OpenHold>;
  readonly hub: Hub;
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  readonly limits: HoldLimits;
  /** Held clients that wait for their turn to ask their origin again. */
  readonly updates: UpdateQueue;
  /** Streams whose next link is fetched again after a while. */
  readonly refreshes: RefreshGroups;
  /** A number from 0 up to, not including, 1; for jitter. */
  readonly random: () => number;
}

/** Milliseconds until a keep-alive of `timeout` seconds fires: up to a second early, so that holds spread out. */
export function keepAliveDelay(parts: HoldParts, timeout: number): number {
  return Math.max(0, timeout * 1_000 - Math.floor(parts.random() * 1_000));
}

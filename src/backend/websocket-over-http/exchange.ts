/**
 * One request with events and its whole answer, tried again when the origin could not be connected to (specification
 * 10.10). It owns the timer of its retries and tells its end once.
 */

import type { Visit } from '../../observe/visit.js';
import { encodeEvents } from '../../protocol/websocket-events.js';
import type { Target } from '../../routes/route.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import { sendObserved } from '../observed-call.js';
import type { HttpBackend, OriginRequest } from '../verdict.js';
import { WholeAnswer, type WholeResult } from '../whole-answer.js';

/** Tries after a request that could not be connected, once the WebSocket is open. */
export const MAX_RETRIES = 5;
/** Milliseconds before the first retry; each further one waits twice as long. */
const RETRY_BASE = 1_000;

export interface ExchangeParts {
  readonly backend: HttpBackend;
  readonly target: Target;
  readonly wheel: Wheel;
  readonly random: () => number;
  readonly limits: ExchangeLimits;
  readonly requests: RequestMaker;
  /** Undefined: nobody watches. */
  readonly visit?: Visit | undefined;
}

/** Shared by all sessions. */
export interface ExchangeLimits {
  /** Bytes of an answer. */
  readonly maxResponseBytes: number;
}

/** Makes the request for these events: line, headers with fresh signature, body (specification 10.2). */
export interface RequestMaker {
  /** The `Connection-Id` of all requests. */
  readonly connectionId: string;
  make(body: Buffer, replayed: number, meta: ReadonlyMap<string, string>): Promise<OriginRequest>;
}

export interface EventsRequest {
  readonly body: Buffer;
  /** Content bytes that were offered before and not accepted. */
  readonly replayed: number;
  readonly meta: ReadonlyMap<string, string>;
  /** How often to try again after a failure to connect. */
  readonly maxRetries: number;
}

export class Exchange extends Timed {
  private retries = 0;

  /** @param done - called once, never before `start` has returned */
  constructor(
    private readonly parts: ExchangeParts,
    private readonly content: EventsRequest,
    private readonly done: (result: WholeResult) => void,
  ) {
    super();
  }

  start(): void {
    const { body, replayed, meta } = this.content;
    void this.parts.requests.make(body, replayed, meta).then((request) => {
      const answer = new WholeAnswer(this.parts.limits.maxResponseBytes, (result) => this.ended(result));
      const { backend, target, visit } = this.parts;
      answer.attach(sendObserved({ backend, target, visit, purpose: 'events' }, request, answer));
    });
  }

  /** Calls off a retry that waits; false when a request is under way, which runs to its end. */
  giveUp(): boolean {
    if (this.due === 0) return false;
    this.parts.wheel.stop(this);
    return true;
  }

  onTime(): void {
    this.start();
  }

  private ended(result: WholeResult): void {
    const again = result.kind === 'failed' && result.failure.kind === 'connect';
    if (!again || this.retries >= this.content.maxRetries) {
      this.done(result);
      return;
    }
    // Many sessions lose the same origin at once: they come back spread over a second.
    const delay = RETRY_BASE * 2 ** this.retries + Math.floor(this.parts.random() * RETRY_BASE);
    this.retries += 1;
    this.parts.wheel.start(this, delay);
  }
}

/** Tells the origin that the client has gone; nobody waits for its answer. */
export function sendDisconnect(parts: ExchangeParts, meta: ReadonlyMap<string, string>): void {
  const body = encodeEvents([{ type: 'DISCONNECT', content: undefined }]);
  new Exchange(parts, { body, replayed: 0, meta, maxRetries: MAX_RETRIES }, () => {}).start();
}

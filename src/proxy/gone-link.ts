/**
 * Tells the origin that a held client's session is over, when its instruct named a gone link (specification 4.13).
 *
 *     held ──send()──► asking ──answer, failure, time up──► over (what waits for it goes on)
 */
import type { AnswerCall, AnswerReceiver, Failure } from '../backend/verdict.js';
import type { HeaderList } from '../protocol/headers.js';
import { Timed } from '../time/wheel.js';
import type { ProxyParts } from './proxy-parts.js';
import { type Behalf, isInternal, isSuccess, sendSubrequest } from './subrequest.js';

/** Milliseconds that the answer may take; a client's retry waits for it. */
const TIMEOUT = 60_000;

const NO_IDS: ReadonlyMap<string, string> = new Map();

export class GoneLink extends Timed implements AnswerReceiver {
  private state: 'held' | 'asking' | 'over' = 'held';
  private call: AnswerCall | undefined = undefined;
  private next: (() => void) | undefined = undefined;

  constructor(
    private readonly parts: ProxyParts,
    private readonly behalf: Behalf,
    private readonly url: URL,
  ) {
    super();
  }

  /** The session is over. */
  send(): void {
    if (this.state !== 'held') return;
    this.state = 'asking';
    this.parts.holds.wheel.start(this, TIMEOUT);
    const { url } = this;
    const internal = isInternal(url, this.behalf);
    this.call = sendSubrequest(this.parts, this.behalf, { method: 'POST', url, internal, lastIds: NO_IDS }, this);
  }

  /** Calls `next` when the request is over; at once when it is. */
  afterwards(next: () => void): void {
    if (this.state === 'over') next();
    else this.next = next;
  }

  head(code: number, _reason: string, _headers: HeaderList): void {
    if (!isSuccess(code)) this.giveUp(`status ${code}`);
  }

  data(chunk: Buffer): boolean {
    if (chunk.length > 0) this.giveUp('the answer has a body');
    return true;
  }

  end(): void {
    this.finish();
  }

  failed(failure: Failure): void {
    this.report(failure.kind === 'other' ? failure.detail : failure.kind);
    this.finish();
  }

  onTime(): void {
    this.giveUp('no answer in time');
  }

  private giveUp(detail: string): void {
    if (this.state !== 'asking') return;
    this.report(detail);
    this.call?.cancel();
    this.finish();
  }

  private report(detail: string): void {
    this.parts.holds.log.debug(`gone link ${this.url.href}: ${detail}`);
  }

  private finish(): void {
    if (this.state !== 'asking') return;
    this.state = 'over';
    this.parts.holds.wheel.stop(this);
    this.call = undefined;
    const { next } = this;
    this.next = undefined;
    next?.();
  }
}

/** The pauses before a link that could not be fetched is tried again: longer each time, up to a limit (specification 4.10). */
import { Timed } from '../time/wheel.js';
import type { HoldParts } from './hold-parts.js';

/** Tries after the first one. */
const MAX_RETRIES = 5;
/** Milliseconds before the first of them; each further one waits twice as long. */
const RETRY_BASE = 1_000;

export class BackOff extends Timed {
  /** Tries that were waited for since the last success. */
  retries = 0;

  /** @param again - the pause is over */
  constructor(
    private readonly parts: Pick<HoldParts, 'wheel' | 'random'>,
    private readonly again: () => void,
  ) {
    super();
  }

  /** Waits for the next try; false: there were enough of them. */
  wait(): boolean {
    if (this.retries >= MAX_RETRIES) return false;
    // Many clients lose the same origin at once: they come back spread over a second.
    const delay = RETRY_BASE * 2 ** this.retries + Math.floor(this.parts.random() * RETRY_BASE);
    this.retries += 1;
    this.parts.wheel.start(this, delay);
    return true;
  }

  /** It has worked, or nobody wants it any more: the next failure is the first one. */
  reset(): void {
    this.parts.wheel.stop(this);
    this.retries = 0;
  }

  onTime(): void {
    this.again();
  }
}

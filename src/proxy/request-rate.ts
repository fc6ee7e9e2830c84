/**
 * Requests that may not be too many a second to one URL: what is too much waits for its turn, in order.
 *
 *     URL ──► lane: the moments of its last N starts, and what waits
 *               within a second of N starts: waits ──a second after the oldest of them──► starts
 *               nothing waits, no start for a second: forgotten
 */
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds in which the starts are counted. */
const PERIOD = 1_000;

interface Turn {
  readonly start: () => void;
}

export class RequestRate {
  private readonly lanes = new Map<string, Lane>();

  /** @param limit - starts within any second, for each URL */
  constructor(
    private readonly wheel: Wheel,
    private readonly limit: number,
  ) {}

  /** URLs that are remembered. */
  get size(): number {
    return this.lanes.size;
  }

  /** Calls `start` when it may: at once, or later; never after `cancel`. */
  enter(url: string, start: () => void): { cancel(): void } {
    let lane = this.lanes.get(url);
    if (lane === undefined) {
      lane = new Lane(this.wheel, this.limit, () => this.lanes.delete(url));
      this.lanes.set(url, lane);
    }
    return lane.enter(start);
  }
}

class Lane extends Timed {
  /** Clock times of the last starts, as a ring; the oldest is overwritten next. */
  private readonly starts: number[] = [];
  private oldest = 0;
  private readonly waiting = new Set<Turn>();

  constructor(
    private readonly wheel: Wheel,
    private readonly limit: number,
    private readonly forget: () => void,
  ) {
    super();
  }

  enter(start: () => void): { cancel(): void } {
    const turn: Turn = { start };
    this.waiting.add(turn);
    this.admit();
    return { cancel: () => void this.waiting.delete(turn) };
  }

  onTime(): void {
    if (this.waiting.size === 0) this.forget();
    else this.admit();
  }

  private admit(): void {
    const now = this.wheel.clock.now();
    for (const turn of this.waiting) {
      if (this.untilFree(now) > 0) break;
      this.waiting.delete(turn);
      this.starts[this.oldest] = now;
      this.oldest = (this.oldest + 1) % this.limit;
      turn.start();
    }
    this.wheel.start(this, this.waiting.size > 0 ? this.untilFree(now) : PERIOD);
  }

  /** Milliseconds until one more may start. */
  private untilFree(now: number): number {
    const oldest = this.starts[this.oldest];
    return oldest === undefined ? 0 : Math.max(0, oldest + PERIOD - now);
  }
}

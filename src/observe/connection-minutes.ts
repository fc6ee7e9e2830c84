/**
 * Minutes that connections have been open: one is counted when a connection opens, and one more for each full minute that
 * it stays (specification 8.4). No timer and no time for each connection: those that opened in the same second of a minute
 * are counted together, when somebody opens, closes or asks.
 *
 *     second of the minute    0    1    2  …  59
 *     open connections      [ 7 ][ 0 ][ 2 ]…[ 1 ]     at each second that passes, its connections have had another minute
 *
 * What it says is right to within a second.
 */
import type { Clock } from '../time/clock.js';

const MINUTE = 60;

export class ConnectionMinutes {
  private readonly open = new Uint32Array(MINUTE);
  /** The last second that was counted. */
  private second: number;

  constructor(
    private readonly clock: Clock,
    private readonly add: (minutes: number) => void,
  ) {
    this.second = this.now();
  }

  /** @returns what `closed` has to be given */
  opened(): number {
    this.count();
    const at = this.second % MINUTE;
    this.open[at] = (this.open[at] as number) + 1;
    this.add(1);
    return at;
  }

  closed(at: number): void {
    this.count();
    this.open[at] = (this.open[at] as number) - 1;
  }

  /** Brings what is counted up to date. */
  count(): void {
    const now = this.now();
    const minutes = Math.floor((now - this.second) / MINUTE);
    if (minutes > 0) {
      for (const open of this.open) this.add(open * minutes);
      this.second += minutes * MINUTE;
    }
    while (this.second < now) {
      this.second += 1;
      this.add(this.open[this.second % MINUTE] as number);
    }
  }

  private now(): number {
    return Math.floor(this.clock.now() / 1_000);
  }
}

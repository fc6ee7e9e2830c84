/**
 * The time limits of a server's connections: no timer for each, but one look at all of them now and then. What is looked
 * for lasts at least as long as its limit, and at most a quarter longer.
 */

/** Milliseconds between two looks, at least and at most. */
const INTERVAL = [20, 30_000] as const;
/** Looks that a limit takes, where the interval allows it. */
const LOOKS = 4;

export interface SweepLimits {
  /** Seconds. */
  readonly headTimeout: number;
  /** Seconds. */
  readonly idleTimeout: number;
}

export class Sweep {
  /** Looks that a head may take. */
  readonly headLooks: number;
  /** Looks without traffic that a connection may stay. */
  readonly idleLooks: number;
  /** The number of the last look. */
  now = 0;
  private readonly interval: number;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor({ headTimeout, idleTimeout }: SweepLimits) {
    const shortest = Math.min(headTimeout, idleTimeout) * 1_000;
    this.interval = Math.min(Math.max(Math.floor(shortest / LOOKS), INTERVAL[0]), INTERVAL[1]);
    this.headLooks = Math.ceil((headTimeout * 1_000) / this.interval);
    this.idleLooks = Math.ceil((idleTimeout * 1_000) / this.interval);
  }

  /** @param look - looks at every connection once */
  start(look: () => void): void {
    this.timer = setInterval(() => {
      this.now += 1;
      look();
    }, this.interval).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

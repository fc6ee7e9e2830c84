/** Time as an argument: production code passes `systemClock`, tests pass a clock they move by hand. */

/** A pending call that can be called off. */
export interface Cancellable {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Milliseconds since the Unix epoch, for what leaves the process (tokens, log lines). */
  wallTime(): number;
  /** Calls `run` once after at least `delay` milliseconds. Does not keep the process alive. */
  after(delay: number, run: () => void): Cancellable;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delay, run) {
    const timeout = setTimeout(run, delay);
    timeout.unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};

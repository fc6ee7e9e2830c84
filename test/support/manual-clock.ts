/** A clock that stands still until a test moves it: what is due is called in order, and nothing is ever waited for. */
import type { Cancellable, Clock } from '../../src/time/clock.js';

interface Alarm {
  readonly due: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  private readonly alarms = new Set<Alarm>();

  /**
   * @param time - where `now` starts, in milliseconds
   * @param epoch - what `wallTime` says when `now` says 0
   */
  constructor(
    private time = 1_000,
    private readonly epoch = Date.UTC(2026, 0, 2, 3, 4, 5),
  ) {}

  now(): number {
    return this.time;
  }

  wallTime(): number {
    return this.epoch + this.time;
  }

  after(delay: number, run: () => void): Cancellable {
    const alarm = { due: this.time + delay, run };
    this.alarms.add(alarm);
    return { cancel: () => void this.alarms.delete(alarm) };
  }

  /** Calls that have been asked for and neither made nor called off. */
  get pending(): number {
    return this.alarms.size;
  }

  /** Moves on by `duration` milliseconds and stops at each call that falls due on the way, the end included. */
  advance(duration: number): void {
    const end = this.time + duration;
    for (let next = this.nextUntil(end); next !== undefined; next = this.nextUntil(end)) {
      this.time = Math.max(this.time, next.due);
      this.alarms.delete(next);
      next.run();
    }
    this.time = end;
  }

  /** Jumps as a process does that was stopped for `duration` milliseconds: what fell due meanwhile is called at the end. */
  stall(duration: number): void {
    this.time += duration;
    this.advance(0);
  }

  private nextUntil(end: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.alarms) if (alarm.due <= end && (next === undefined || alarm.due < next.due)) next = alarm;
    return next;
  }
}

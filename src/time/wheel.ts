/**
 * One coarse timer wheel for everything that waits: long-poll timeouts, keep-alives, lingering channels.
 *
 *     slot:   0     1     2     3   ...  511
 *             |           |
 *           Timed ⇄ Timed ⇄ …            (intrusive ring; no allocation to start or stop)
 *
 * A timer fires at the first tick after its due time, which is less than two ticks (100 ms) late; what is further away than
 * one turn of the wheel stays in its slot and is passed over until its turn comes. The wheel wakes up for slots with
 * something in them and for no others.
 */
import type { Cancellable, Clock } from './clock.js';

/** Milliseconds. Nothing that Holdfast times needs to be finer. */
const TICK = 50;
const SLOTS = 512;

/** Base of everything the wheel can hold. One object waits for one moment at a time. */
export abstract class Timed {
  /** Clock time in milliseconds at which it fires; 0 while it does not wait. Owned by the wheel. */
  due = 0;
  nextTimed: Timed | undefined = undefined;
  previousTimed: Timed | undefined = undefined;

  /** Called once when the time has come; may start itself again. */
  abstract onTime(): void;
}

/** Ring head of a slot. */
class Slot extends Timed {
  constructor() {
    super();
    this.nextTimed = this;
    this.previousTimed = this;
  }

  onTime(): void {}
}

export class Wheel {
  readonly clock: Clock;
  private readonly slots: Slot[] = Array.from({ length: SLOTS }, () => new Slot());
  private waiting = 0;
  private tick: number;
  private ticking: Cancellable | undefined = undefined;
  /** The tick it wakes up for, while it is to. */
  private wake = Number.POSITIVE_INFINITY;
  private closed = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.tick = Math.floor(clock.now() / TICK);
  }

  /** Number of timers that wait. */
  get size(): number {
    return this.waiting;
  }

  /** Starts `timed`, or moves it; `delay` in milliseconds. */
  start(timed: Timed, delay: number): void {
    this.stop(timed);
    const now = this.clock.now();
    if (this.waiting === 0) this.tick = Math.floor(now / TICK);
    timed.due = Math.max(now + delay, Number.MIN_VALUE);
    // Never the slot of the tick that is being worked on: it would be visited only a turn later.
    const tick = Math.max(Math.ceil(timed.due / TICK), this.tick + 1);
    const slot = this.slots[tick % SLOTS] as Slot;
    const last = slot.previousTimed as Timed;
    timed.previousTimed = last;
    timed.nextTimed = slot;
    last.nextTimed = timed;
    slot.previousTimed = timed;
    this.waiting += 1;
    if (tick < this.wake) this.wakeAt(tick, now);
  }

  /** Takes `timed` out; nothing happens when it does not wait. */
  stop(timed: Timed): void {
    const { nextTimed, previousTimed } = timed;
    if (nextTimed === undefined || previousTimed === undefined) return;
    previousTimed.nextTimed = nextTimed;
    nextTimed.previousTimed = previousTimed;
    timed.nextTimed = undefined;
    timed.previousTimed = undefined;
    timed.due = 0;
    this.waiting -= 1;
    if (this.waiting === 0) this.rest();
  }

  /** Ends the ticking; what waits never fires. */
  close(): void {
    this.closed = true;
    this.rest();
  }

  private readonly advance = (): void => {
    const now = this.clock.now();
    const target = Math.floor(now / TICK);
    // After a long stop of the process one turn of the wheel visits every slot; more would visit them again.
    let tick = Math.max(this.tick + 1, target - SLOTS + 1);
    for (; tick <= target; tick += 1) {
      this.tick = tick;
      this.fireSlot(this.slots[tick % SLOTS] as Slot, now);
    }
    this.wake = Number.POSITIVE_INFINITY;
    if (this.waiting > 0) this.wakeAt(this.nextOccupied(), now);
  };

  private rest(): void {
    this.ticking?.cancel();
    this.ticking = undefined;
    this.wake = Number.POSITIVE_INFINITY;
  }

  private wakeAt(tick: number, now: number): void {
    if (this.closed) return;
    this.ticking?.cancel();
    this.wake = tick;
    this.ticking = this.clock.after(Math.max(tick * TICK - now, 0), this.advance);
  }

  /** The tick of the next slot with something in it. */
  private nextOccupied(): number {
    let tick = this.tick + 1;
    while (this.slots[tick % SLOTS]?.nextTimed === this.slots[tick % SLOTS]) tick += 1;
    return tick;
  }

  private fireSlot(slot: Slot, now: number): void {
    // Collected first: `onTime` may stop or start any timer of this slot.
    const expired: Timed[] = [];
    for (let timed = slot.nextTimed as Timed; timed !== slot; timed = timed.nextTimed as Timed) {
      if (timed.due <= now) expired.push(timed);
    }
    for (const timed of expired) {
      if (timed.nextTimed === undefined || timed.due > now) continue;
      this.stop(timed);
      timed.onTime();
    }
  }
}

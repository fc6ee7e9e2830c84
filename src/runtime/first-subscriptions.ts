/**
 * A second after a channel got its first subscriber its clients ask their origin again (specification 4.12): what was
 * published between the origin's answer and the moment publishers heard of the subscription would be lost otherwise.
 */
import type { ChannelObserver } from '../hub/hub.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds. */
const DELAY = 1_000;

export class FirstSubscriptions extends Timed implements ChannelObserver {
  /** Channel to the clock milliseconds of its turn; the delay is constant, so insertion order is the order of turns. */
  private readonly waiting = new Map<string, number>();

  constructor(
    private readonly hub: { askAgain(channel: string): void },
    private readonly wheel: Wheel,
  ) {
    super();
  }

  channelOpened(name: string): void {
    this.waiting.set(name, this.wheel.clock.now() + DELAY);
    if (this.due === 0) this.wheel.start(this, DELAY);
  }

  channelClosed(name: string): void {
    this.waiting.delete(name);
  }

  onTime(): void {
    const now = this.wheel.clock.now();
    for (const [name, due] of this.waiting) {
      if (due > now) {
        this.wheel.start(this, due - now);
        return;
      }
      this.waiting.delete(name);
      this.hub.askAgain(name);
    }
  }
}

/**
 * A second after a channel got its first subscriber its clients ask their origin again (specification 4.12): what was
 * published between the origin's answer and the moment publishers heard of the subscription would be lost otherwise.
 */
import type { ChannelObserver, Hub } from '../hub/hub.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds. */
const DELAY = 1_000;

export class FirstSubscriptions implements ChannelObserver {
  private readonly waiting = new Map<string, FirstSubscription>();

  constructor(
    private readonly hub: Hub,
    private readonly wheel: Wheel,
  ) {}

  channelOpened(name: string): void {
    const due = new FirstSubscription(() => {
      this.waiting.delete(name);
      this.hub.askAgain(name);
    });
    this.waiting.set(name, due);
    this.wheel.start(due, DELAY);
  }

  channelClosed(name: string): void {
    const due = this.waiting.get(name);
    if (due === undefined) return;
    this.waiting.delete(name);
    this.wheel.stop(due);
  }
}

class FirstSubscription extends Timed {
  constructor(private readonly run: () => void) {
    super();
  }

  onTime(): void {
    this.run();
  }
}

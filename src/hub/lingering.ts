/**
 * Channels without subscribers that stay open for a while, because a client that was just answered comes back
 * (specification 5.6): its `prev-id` can be compared with what has been published meanwhile.
 */
import { Timed, type Wheel } from '../time/wheel.js';
import type { Channel } from './channel.js';

/** Milliseconds between two looks. */
const INTERVAL = 1_000;

export class Lingering extends Timed {
  private readonly channels = new Set<Channel>();

  /** @param over - called when a channel's time is over; it may have subscribers again by then */
  constructor(
    private readonly wheel: Wheel,
    private readonly over: (channel: Channel) => void,
  ) {
    super();
  }

  /** The channel has become empty before `channel.lingerUntil`. */
  add(channel: Channel): void {
    this.channels.add(channel);
    if (this.due === 0) this.wheel.start(this, INTERVAL);
  }

  onTime(): void {
    const now = this.wheel.clock.now();
    for (const channel of this.channels) {
      if (channel.lingerUntil > now) continue;
      this.channels.delete(channel);
      this.over(channel);
    }
    if (this.channels.size > 0) this.wheel.start(this, INTERVAL);
  }

  close(): void {
    this.wheel.stop(this);
  }
}

/**
 * Lets held clients ask their origin again, not all at once: ten groups a second, at most a hundred clients of a group
 * at a time (specification 4.10, low priority). A group is what the origin may answer alike: the same link.
 */
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds between two groups. */
const INTERVAL = 100;
const GROUP_SIZE = 100;

export interface Updatable {
  /** Asks the origin now. */
  update(): void;
}

export class UpdateQueue extends Timed {
  private readonly groups = new Map<string, Set<Updatable>>();
  /** Clock milliseconds of the next turn. */
  private turn = 0;

  constructor(private readonly wheel: Wheel) {
    super();
  }

  /** Number of clients that wait. */
  get size(): number {
    let size = 0;
    for (const group of this.groups.values()) size += group.size;
    return size;
  }

  /** Queues a client; once is enough, however often it is called. */
  add(group: string, client: Updatable): void {
    const waiting = this.groups.get(group);
    if (waiting === undefined) this.groups.set(group, new Set([client]));
    else waiting.add(client);
    if (this.due === 0) {
      this.turn = this.wheel.clock.now() + INTERVAL;
      this.wheel.start(this, INTERVAL);
    }
  }

  /** A client that has gone does not ask any more. */
  remove(group: string, client: Updatable): void {
    const waiting = this.groups.get(group);
    if (waiting?.delete(client) === true && waiting.size === 0) this.groups.delete(group);
  }

  onTime(): void {
    // From when this turn was due, not from now: the wheel is a little late each time.
    const now = this.wheel.clock.now();
    const next = Math.max(this.turn + INTERVAL, now);
    for (const [name, group] of this.groups) {
      this.groups.delete(name);
      let taken = 0;
      for (const client of group) {
        if (taken === GROUP_SIZE) break;
        group.delete(client);
        taken += 1;
        client.update();
      }
      // Some of it is left, and an update may have queued a client anew: behind the other groups.
      for (const client of group) this.add(name, client);
      break;
    }
    if (this.groups.size === 0) return;
    this.turn = next;
    this.wheel.start(this, next - now);
  }
}

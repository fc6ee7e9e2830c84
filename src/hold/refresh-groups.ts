/**
 * Streams whose next link is to be fetched again after a while without items, in case one was lost (specification 4.10,
 * timeout refresh). Streams with the same link and the same time are asked for together.
 *
 *     group made ──timeout──► each member: asked for, unless every channel of it had an item meanwhile ──► from the start
 *
 * A group has one timer, whatever its size, and ends with its last member.
 */
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds between two rounds when the origin asks for 0 seconds. */
const MIN_PERIOD = 100;

export interface Refreshable {
  /** Whether every channel had an item since it was asked last; asking begins a new period. */
  tookItems(): boolean;
  /** Lets the origin be asked when it is this one's turn. */
  askAgain(): void;
}

class Group extends Timed {
  readonly members = new Set<Refreshable>();

  constructor(
    private readonly wheel: Wheel,
    /** Milliseconds. */
    private readonly period: number,
  ) {
    super();
    wheel.start(this, period);
  }

  onTime(): void {
    this.wheel.start(this, this.period);
    for (const member of [...this.members]) {
      if (this.members.has(member) && !member.tookItems()) member.askAgain();
    }
  }
}

export class RefreshGroups {
  private readonly groups = new Map<string, Group>();

  constructor(private readonly wheel: Wheel) {}

  /** Number of groups. */
  get size(): number {
    return this.groups.size;
  }

  /** @param timeout - seconds */
  join(link: string, timeout: number, member: Refreshable): void {
    const key = keyOf(link, timeout);
    let group = this.groups.get(key);
    if (group === undefined) {
      group = new Group(this.wheel, Math.max(MIN_PERIOD, timeout * 1_000));
      this.groups.set(key, group);
    }
    group.members.add(member);
  }

  leave(link: string, timeout: number, member: Refreshable): void {
    const key = keyOf(link, timeout);
    const group = this.groups.get(key);
    if (group === undefined || !group.members.delete(member) || group.members.size > 0) return;
    this.wheel.stop(group);
    this.groups.delete(key);
  }
}

function keyOf(link: string, timeout: number): string {
  return `${timeout} ${link}`;
}

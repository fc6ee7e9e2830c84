/**
 * What became of one item, hold by hold. Made only for a publisher who asks for a report; everybody else pays one
 * comparison with undefined for it.
 *
 *     begin ──► publishing ──► in a channel's backlog, the sequencer, the rate limiter, a hold's queue ──► … ──► settled
 *
 * Each of these places begins when it takes the item and ends when it lets it go; when the last one has ended,
 * nothing more can happen to the item. Who was to get it by then and did not, has left.
 */
import type { SubscriberKind } from './subscriber.js';

/** What one hold makes of an item. `delivered` counts actions other than send, too. */
export type DeliveryOutcome = 'delivered' | 'filtered' | DeliveryDrop;

/** Why an item did not reach a hold it was meant for. */
export type DeliveryDrop =
  /** A filter failed, or the item was written for other filters. */
  | 'filter-failed'
  /** The client reads too slowly. */
  | 'outbox-full'
  /** The rate limiter's queue was full. */
  | 'rate-limit'
  /** Too many items waited for a filter's answer or a next link. */
  | 'queue-full'
  /** It does not follow what the client has seen: the origin is asked instead. */
  | 'gap'
  /** The client went, or was answered with an earlier item. */
  | 'left';

/** What has been counted of an item in another process, when nothing more can happen to it there. */
export interface TallyCounts {
  readonly expected: number;
  readonly reached: Readonly<Record<SubscriberKind, number>>;
  readonly filtered: number;
  readonly dropped: readonly (readonly [DeliveryDrop, number])[];
}

export class Tally {
  /** Holds the item reached, by kind. */
  readonly reached: Record<SubscriberKind, number> = { response: 0, stream: 0, ws: 0 };
  /** Holds whose filters kept it back. */
  filtered = 0;
  readonly dropped = new Map<DeliveryDrop, number>();
  /** Set when the item itself went nowhere after it had waited for the one before it. */
  abandoned = false;
  /** It has gone out to whoever was subscribed. */
  released = false;
  private open = 0;
  private expected = 0;

  /** @param onSettled - called once, when nothing more can happen to the item */
  constructor(private readonly onSettled: () => void) {}

  /** Holds whose outcome is not known yet. */
  get pending(): number {
    return this.expected - this.counted;
  }

  /** The item goes out to so many holds. */
  expect(receivers: number): void {
    this.released = true;
    this.expected += receivers;
  }

  count(kind: SubscriberKind, outcome: DeliveryOutcome): void {
    if (outcome === 'delivered') this.reached[kind] += 1;
    else if (outcome === 'filtered') this.filtered += 1;
    else this.dropped.set(outcome, (this.dropped.get(outcome) ?? 0) + 1);
  }

  get counts(): TallyCounts {
    const { expected, reached, filtered, dropped } = this;
    return { expected, reached, filtered, dropped: [...dropped] };
  }

  /**
   * Takes in what another process has counted.
   * @param promised - what was expected of it
   */
  add({ expected, reached, filtered, dropped }: TallyCounts, promised: number): void {
    this.expected += expected - promised;
    this.reached.response += reached.response;
    this.reached.stream += reached.stream;
    this.reached.ws += reached.ws;
    this.filtered += filtered;
    for (const [reason, count] of dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  begin(): void {
    this.open += 1;
  }

  end(): void {
    this.open -= 1;
    if (this.open > 0) return;
    if (this.pending > 0) this.dropped.set('left', (this.dropped.get('left') ?? 0) + this.pending);
    this.onSettled();
  }

  private get counted(): number {
    const { response, stream, ws } = this.reached;
    let dropped = 0;
    for (const count of this.dropped.values()) dropped += count;
    return response + stream + ws + this.filtered + dropped;
  }
}

/** Counts an item that was meant to be written. @param written - false: the client reads too slowly */
export function countSent(tally: Tally | undefined, kind: SubscriberKind, written: boolean): void {
  tally?.count(kind, written ? 'delivered' : 'outbox-full');
}

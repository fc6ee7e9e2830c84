/**
 * One channel: who is subscribed, which items are not written to everybody yet, and what the sequencer remembers.
 *
 *     pending   [ 7 ][ 8 ][ 9 ]            items 7..9, base = 7, head = 10
 *     cursors     a=7       b=9   c=10     a misses three items, b one, c none (it subscribed last)
 *
 * Publishing appends and fixes the receivers: whoever is subscribed now has a cursor below the new head, whoever comes
 * later starts at it. Writing happens in slices; a subscriber that is reached gets everything it misses in one
 * joined buffer, so publishes that come faster than they can be written merge by themselves.
 */
import { joinedBytes } from '../protocol/joined-bytes.js';
import type { Encoding, Publication } from './publication.js';
import type { OrderedChannel, WaitingItem } from './sequencer.js';
import { deliverOne, SUBSCRIBER_KINDS, type SubscriberKind, type Subscription } from './subscriber.js';
import type { WriteMeter } from './write-meter.js';

/** What a run of items is to one encoding: bytes for several of them, or one that the subscriber handles itself. */
type Step = { readonly bytes: Buffer; readonly count: number } | { readonly publication: Publication };

/** Shared by all that have none: most channels have one subscriber, and nothing that waits to be written. */
const NO_SUBSCRIPTIONS: Subscription[] = [];
const NOTHING_PENDING: Publication[] = [];
const NO_STEPS: Step[] = [];

export class Channel implements OrderedChannel {
  lastId: string | undefined = undefined;
  waiting: Map<string, WaitingItem> | undefined = undefined;
  /** Clock milliseconds until which the channel stays open without subscribers. */
  lingerUntil = 0;
  /** Clients that are about to subscribe: the channel stays open for them. */
  expected = 0;
  /** Whether everything that is published to it reaches this process; see {@link Uplink}. */
  connected = true;

  private response = NO_SUBSCRIPTIONS;
  private stream = NO_SUBSCRIPTIONS;
  private ws = NO_SUBSCRIPTIONS;
  private pending = NOTHING_PENDING;
  private base = 0;
  /** Where the pass over the subscribers stands: kind, index in its list (counted down), and the head it started at. */
  private kindAt = 0;
  private indexAt = -1;
  private passHead = 0;
  /** True while a pass has not reached everybody. */
  dirty = false;

  private stepsEncoding: Encoding | undefined = undefined;
  private stepsFrom = -1;
  private stepsHead = -1;
  private steps = NO_STEPS;

  constructor(readonly name: string) {}

  /** Number of subscribers of a kind. */
  count(kind: SubscriberKind): number {
    return this[kind].length;
  }

  /** The subscribers of a kind at this moment; the caller must not keep the list. */
  list(kind: SubscriberKind): readonly Subscription[] {
    return this[kind];
  }

  get empty(): boolean {
    return this.response.length === 0 && this.stream.length === 0 && this.ws.length === 0;
  }

  private get head(): number {
    return this.base + this.pending.length;
  }

  /** Number of items that somebody may still miss. */
  get backlog(): number {
    return this.pending.length;
  }

  add(subscription: Subscription): void {
    const { kind } = subscription.subscriber;
    const list = this[kind];
    subscription.index = list.length;
    subscription.cursor = this.head;
    // A literal has room for one and no more.
    if (list === NO_SUBSCRIPTIONS) this[kind] = [subscription];
    else list.push(subscription);
  }

  remove(subscription: Subscription): void {
    const { index } = subscription;
    if (index < 0) return;
    const { kind } = subscription.subscriber;
    const list = this[kind];
    // The last one moves into the gap. A pass counts down, so what moves has been visited already.
    const last = list.pop() as Subscription;
    if (last !== subscription) {
      list[index] = last;
      last.index = index;
    }
    if (list.length === 0) this[kind] = NO_SUBSCRIPTIONS;
    subscription.index = -1;
  }

  /** Appends an item; everyone subscribed now will get it. Returns true when the channel was clean before. */
  append(publication: Publication): boolean {
    if (this.pending === NOTHING_PENDING) this.pending = [publication];
    else this.pending.push(publication);
    publication.tally?.begin();
    if (this.dirty) return false;
    this.dirty = true;
    this.startPass();
    return true;
  }

  /**
   * Brings up to `budget` subscribers up to date. Returns what is left of the budget; the channel is clean
   * (`dirty` false) when everybody has everything.
   * @param meter - told of the items that everybody has; undefined: nobody measures
   */
  flush(budget: number, meter?: WriteMeter): number {
    let left = budget;
    while (this.dirty && left > 0) {
      const list = this[SUBSCRIBER_KINDS[this.kindAt] as SubscriberKind];
      if (this.indexAt >= list.length) this.indexAt = list.length - 1;
      if (this.indexAt < 0) {
        this.nextList(meter);
        continue;
      }
      const subscription = list[this.indexAt] as Subscription;
      this.indexAt -= 1;
      if (subscription.cursor < this.head) {
        this.catchUp(subscription);
        left -= 1;
      }
    }
    return left;
  }

  /** Gives one subscriber what it misses now, before it ends by itself or is moved. */
  catchUp(subscription: Subscription): void {
    const from = subscription.cursor;
    const { head } = this;
    if (from >= head || subscription.index < 0) return;
    subscription.cursor = head;
    const { subscriber } = subscription;
    const { encoding } = subscriber;
    if (encoding === undefined || !subscription.plain) {
      // Delivering may publish, subscribe and unsubscribe: what is missed is fixed before the first of it.
      for (const publication of this.pending.slice(from - this.base, head - this.base)) {
        if (subscription.index < 0) return;
        subscriber.deliver(publication, subscription);
      }
      return;
    }
    if (head - from === 1) {
      deliverOne(subscription, this.pending[from - this.base] as Publication);
      return;
    }
    for (const step of this.stepsFor(encoding, from, head)) {
      if (subscription.index < 0) return;
      if ('bytes' in step) subscriber.write(step.bytes, step.count);
      else deliverOne(subscription, step.publication);
    }
  }

  private startPass(): void {
    this.kindAt = 0;
    this.indexAt = this.response.length - 1;
    this.passHead = this.head;
  }

  private nextList(meter: WriteMeter | undefined): void {
    this.kindAt += 1;
    if (this.kindAt < SUBSCRIBER_KINDS.length) {
      this.indexAt = this[SUBSCRIBER_KINDS[this.kindAt] as SubscriberKind].length - 1;
      return;
    }
    // The pass is over: everybody has at least what there was when it started.
    if (this.passHead === this.head) {
      const done = this.pending;
      this.base += done.length;
      this.pending = NOTHING_PENDING;
      this.dirty = false;
      this.steps = NO_STEPS;
      this.stepsEncoding = undefined;
      endTallies(done);
      meter?.written(done);
      return;
    }
    const done = this.pending.splice(0, this.passHead - this.base);
    this.base = this.passHead;
    this.startPass();
    endTallies(done);
    meter?.written(done);
  }

  private stepsFor(encoding: Encoding, from: number, head: number): readonly Step[] {
    if (this.stepsEncoding === encoding && this.stepsFrom === from && this.stepsHead === head) return this.steps;
    const steps: Step[] = [];
    let run: Buffer[] = [];
    const endRun = (): void => {
      if (run.length === 0) return;
      steps.push({ bytes: joinedBytes(run), count: run.length });
      run = [];
    };
    for (let at = from; at < head; at += 1) {
      const publication = this.pending[at - this.base] as Publication;
      // One whose outcome somebody wants to know goes by itself.
      const bytes = publication.tally === undefined ? publication.encoded(encoding) : undefined;
      if (bytes === undefined) {
        endRun();
        steps.push({ publication });
      } else if (bytes.length > 0) {
        run.push(bytes);
      }
    }
    endRun();
    this.stepsEncoding = encoding;
    this.stepsFrom = from;
    this.stepsHead = head;
    this.steps = steps;
    return steps;
  }
}

function endTallies(publications: readonly Publication[]): void {
  for (const { tally } of publications) tally?.end();
}

/**
 * The items of one hold on their way through its filters, one after the other: what comes while a filter asks an HTTP
 * endpoint, or while the hold cannot take items, waits behind it (specification 4.8, 5; 4.10; 6.3).
 *
 *     open ──an item's filter has to ask──► asking ──its answer──► open (what waits follows)
 *     open, asking ──stop(), stopAt()──► stopped ──go()──► open (what waits follows)
 *     any ──close()──► closed
 *
 * An item whose filter is asked when the hold stops goes back to the head of what waits, and is looked at anew.
 */
import type { Publication } from '../hub/publication.js';
import type { SubscriberKind, Subscription } from '../hub/subscriber.js';
import type { DeliveryDrop } from '../hub/tally.js';
import type { FilterVerdict } from '../protocol/filters/message-filters.js';
import type { FilterAsker } from './filter-asker.js';
import type { HoldParts } from './hold-parts.js';
import { type FilterQuestion, type FilterRun, filterItem } from './item-filter.js';

export interface QueuedItem {
  readonly publication: Publication;
  readonly subscription: Subscription;
}

/** Why filters kept an item back. */
export type Refusal = Exclude<FilterVerdict, { kind: 'send' }>;

/** The hold whose items these are. */
export interface ItemTaker {
  readonly kind: SubscriberKind;
  /** The client's URI, or that of the last link it followed; filters are asked relative to it. */
  readonly currentUri: string;
  /** Whoever asks HTTP filters; undefined: there is nobody, and an item that needs one is dropped. */
  readonly asker: FilterAsker | undefined;
  /** The item's turn has come: what its filters are to see. Undefined: it ends here, and has been counted. */
  examine(item: QueuedItem): FilterRun | undefined;
  /** The filters let it through with this content; whatever is done is counted in its tally. */
  take(item: QueuedItem, content: Buffer): void;
  /** The filters kept it back, or failed, which has been counted. What failed was not seen: the next item shows the gap. */
  refuse(item: QueuedItem, verdict: Refusal): void;
}

type State =
  | { readonly kind: 'open' | 'stopped' | 'closed' }
  | { readonly kind: 'asking'; readonly item: QueuedItem; readonly cancel: () => void };

const OPEN: State = { kind: 'open' };
const STOPPED: State = { kind: 'stopped' };
const CLOSED: State = { kind: 'closed' };

export class ItemQueue {
  private state: State = OPEN;
  private waiting: QueuedItem[] = [];

  constructor(
    private readonly parts: HoldParts,
    private readonly taker: ItemTaker,
  ) {}

  /** True while something waits, or a filter is asked. */
  get busy(): boolean {
    return this.waiting.length > 0 || this.state.kind === 'asking';
  }

  offer(publication: Publication, subscription: Subscription): void {
    if (this.state.kind === 'closed') return;
    const item = { publication, subscription };
    if (this.state.kind === 'open' && this.waiting.length === 0) this.run(item);
    else if (this.waiting.length < this.parts.limits.maxWaitingItems) this.wait(item);
    else {
      this.parts.counters.dropped['queue-full'] += 1;
      publication.tally?.count(this.taker.kind, 'queue-full');
      this.parts.warnings.warn('queue-full', 'publish queue at max, dropping');
    }
  }

  /** Lets items wait from now on. */
  stop(): void {
    if (this.state.kind === 'closed') return;
    const { state } = this;
    this.state = STOPPED;
    if (state.kind !== 'asking') return;
    state.cancel();
    // Its place in the tally moves along: it waits again.
    this.waiting.unshift(state.item);
  }

  /** Stops at an item whose turn has come: it waits again, before all others. To be called from `examine`. */
  stopAt(item: QueuedItem): void {
    if (this.state.kind === 'closed') return;
    this.stop();
    item.publication.tally?.begin();
    this.waiting.unshift(item);
  }

  /** What waits, in order. */
  get queued(): readonly QueuedItem[] {
    return this.waiting;
  }

  /** Leaves out of what waits the items the client has been given in another way. */
  leaveOut(items: ReadonlySet<QueuedItem>): void {
    this.waiting = this.waiting.filter((item) => !items.has(item));
    this.parts.counters.dropped.gap += items.size;
    for (const { publication } of items) {
      publication.tally?.count(this.taker.kind, 'gap');
      publication.tally?.end();
    }
  }

  /**
   * Goes on with what waits.
   * @param covered - whether an item is known to the client by now; leading items that are, are left out
   */
  go(covered: (item: QueuedItem) => boolean = () => false): void {
    if (this.state.kind !== 'stopped') return;
    let known = 0;
    for (const item of this.waiting) {
      if (!covered(item)) break;
      known += 1;
    }
    for (const { publication } of this.waiting.splice(0, known)) {
      publication.tally?.count(this.taker.kind, 'gap');
      publication.tally?.end();
    }
    this.state = OPEN;
    this.drain();
  }

  /** Leaves out what waits: the origin is asked for it. */
  forget(reason: Extract<DeliveryDrop, 'gap' | 'left'>): void {
    const { waiting } = this;
    this.waiting = [];
    if (reason === 'gap') this.parts.counters.dropped.gap += waiting.length;
    for (const { publication } of waiting) {
      publication.tally?.count(this.taker.kind, reason);
      publication.tally?.end();
    }
  }

  /** The item does not follow what the client has seen: the origin is to be asked for it and for what waits. */
  leaveGap({ publication, subscription }: QueuedItem): void {
    this.parts.counters.dropped.gap += 1;
    publication.tally?.count(this.taker.kind, 'gap');
    this.parts.hub.forgetLastId(subscription.channel.name);
    this.forget('gap');
  }

  /** The hold is over. */
  close(): void {
    const { state } = this;
    if (state.kind === 'closed') return;
    this.state = CLOSED;
    if (state.kind === 'asking') {
      state.cancel();
      state.item.publication.tally?.end();
    }
    this.forget('left');
  }

  private wait(item: QueuedItem): void {
    item.publication.tally?.begin();
    this.waiting.push(item);
  }

  private run(item: QueuedItem): void {
    const filters = this.taker.examine(item);
    if (filters !== undefined) this.decide(item, filterItem(filters));
  }

  private decide(item: QueuedItem, verdict: FilterVerdict | FilterQuestion): void {
    switch (verdict.kind) {
      case 'send':
        this.taker.take(item, verdict.content);
        return;
      case 'ask':
        this.ask(item, verdict);
        return;
      default:
        this.refuse(item, verdict);
    }
  }

  private refuse(item: QueuedItem, verdict: Refusal): void {
    this.parts.counters.dropped.filtered += 1;
    item.publication.tally?.count(this.taker.kind, verdict.kind === 'drop' ? 'filtered' : 'filter-failed');
    this.taker.refuse(item, verdict);
  }

  private ask(item: QueuedItem, { filter, input, resume }: FilterQuestion): void {
    const { asker, currentUri } = this.taker;
    if (asker === undefined) {
      this.refuse(item, { kind: 'error', detail: `filter error: ${filter} cannot be asked here` });
      return;
    }
    const { tally } = item.publication;
    tally?.begin();
    const question = asker.askFilter(filter, input, currentUri, (answer) => {
      this.state = OPEN;
      this.decide(item, resume(answer));
      tally?.end();
      this.drain();
    });
    this.state = { kind: 'asking', item, cancel: () => question.cancel() };
  }

  private drain(): void {
    while (this.state.kind === 'open') {
      const item = this.waiting.shift();
      if (item === undefined) return;
      this.run(item);
      item.publication.tally?.end();
    }
  }
}

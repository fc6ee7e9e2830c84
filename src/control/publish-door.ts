/**
 * The one way from any publisher into the hub: every item is counted, every refusal is logged at a readable rate, and
 * publishers wait where those who have to take their items cannot keep up.
 */
import type { Publishing, PublishOutcome } from '../hub/admission.js';
import type { Counters, PublishWay } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Item } from '../protocol/item.js';
import type { Wheel } from '../time/wheel.js';
import { type ItemReport, publishReported } from './publish-report.js';

/** What stands between publishing and writing, when that is more than a function call. */
export interface Congestion {
  /** So much waits that publishers have to. */
  readonly congested: boolean;
  /** Calls `run` once, when it has been taken. */
  whenClear(run: () => void): void;
}

export interface PublishDoorParts {
  readonly hub: Publishing;
  readonly wheel: Wheel;
  readonly counters: Counters;
  readonly warnings: ReadableRate;
  /** Lets every hold ask its origin again. */
  readonly askAll: () => void;
  readonly onPublish: (item: Item, outcome: PublishOutcome) => void;
  /** Undefined: nothing ever waits. */
  readonly congestion?: Congestion;
}

export class PublishDoor {
  constructor(private readonly parts: PublishDoorParts) {}

  /**
   * @param way - the item came in by
   * @param traceparent - trace context of who publishes
   */
  publish(item: Item, way: PublishWay, traceparent?: string): PublishOutcome {
    this.parts.counters.publishedBy[way] += 1;
    const outcome = this.parts.hub.publish(item, undefined, traceparent);
    this.published(item, way, outcome);
    return outcome;
  }

  /** Whether a publisher should wait for `whenClear` before its next item. */
  get congested(): boolean {
    return this.parts.congestion?.congested === true;
  }

  whenClear(run: () => void): void {
    if (this.parts.congestion === undefined) run();
    else this.parts.congestion.whenClear(run);
  }

  /**
   * Publishes in order what came over HTTP, and reports what became of each item; `done` is called once, possibly before this returns, and
   * not while publishers have to wait.
   * @param timeout - milliseconds after which the report is made with what is known
   * @param traceparent - trace context of who publishes
   */
  publishReported(
    items: readonly Item[],
    timeout: number,
    traceparent: string | undefined,
    done: (reports: ItemReport[]) => void,
  ): void {
    const { hub, wheel, counters } = this.parts;
    counters.publishedBy.http += items.length;
    const onPublished = (item: Item, outcome: PublishOutcome): void => this.published(item, 'http', outcome);
    publishReported(items, { hub, wheel, timeout, traceparent, onPublished }, (reports) =>
      this.whenClear(() => done(reports)),
    );
  }

  /** Published items may have been lost: everybody who is held may ask their origin again (specification 4.12). */
  recover(): void {
    this.parts.hub.forgetLastIds();
    this.parts.askAll();
  }

  private published(item: Item, way: PublishWay, outcome: PublishOutcome): void {
    if (outcome.kind === 'sent' && outcome.receivers === 0) this.parts.counters.unheard[way] += 1;
    this.parts.onPublish(item, outcome);
  }

  /** @param text - the whole log line */
  refused(kind: string, text: string): void {
    this.parts.counters.dropped['invalid-item'] += 1;
    this.parts.warnings.warn(kind, text);
  }
}

/** The one way from any publisher into the hub: every item is counted, every refusal is logged at a readable rate. */
import type { Publishing, PublishOutcome } from '../hub/admission.js';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Item } from '../protocol/item.js';
import type { Wheel } from '../time/wheel.js';
import { type ItemReport, publishReported } from './publish-report.js';

export class PublishDoor {
  constructor(
    private readonly hub: Publishing,
    private readonly wheel: Wheel,
    private readonly counters: Counters,
    private readonly warnings: ReadableRate,
    /** Lets every hold ask its origin again. */
    private readonly askAll: () => void,
    private readonly onPublish: (item: Item, outcome: PublishOutcome) => void,
  ) {}

  publish(item: Item): PublishOutcome {
    const outcome = this.hub.publish(item);
    this.onPublish(item, outcome);
    return outcome;
  }

  /**
   * Publishes in order and reports what became of each item; `done` is called once, possibly before this returns.
   * @param timeout - milliseconds after which the report is made with what is known
   */
  publishReported(items: readonly Item[], timeout: number, done: (reports: ItemReport[]) => void): void {
    const { hub, wheel, onPublish } = this;
    publishReported(items, { hub, wheel, timeout, onPublished: onPublish }, done);
  }

  /** Published items may have been lost: everybody who is held may ask their origin again (specification 4.12). */
  recover(): void {
    this.hub.forgetLastIds();
    this.askAll();
  }

  /** @param text - the whole log line */
  refused(kind: string, text: string): void {
    this.counters.dropped['invalid-item'] += 1;
    this.warnings.warn(kind, text);
  }
}

/** The one way from any publisher into the hub: every item is counted, every refusal is logged at a readable rate. */
import type { Hub, PublishOutcome } from '../hub/hub.js';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Item } from '../protocol/item.js';

export class PublishDoor {
  constructor(
    private readonly hub: Hub,
    private readonly counters: Counters,
    private readonly warnings: ReadableRate,
    private readonly onPublish: (item: Item, outcome: PublishOutcome) => void,
  ) {}

  publish(item: Item): PublishOutcome {
    const outcome = this.hub.publish(item);
    this.onPublish(item, outcome);
    return outcome;
  }

  /** Published items may have been lost: everybody who is held may ask their origin again (specification 4.12). */
  recover(): void {
    this.hub.recover();
  }

  /** @param text - the whole log line */
  refused(kind: string, text: string): void {
    this.counters.dropped['invalid-item'] += 1;
    this.warnings.warn(kind, text);
  }
}

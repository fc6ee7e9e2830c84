/**
 * Publishing with a report: what became of each item at each hold, answered when nothing more can happen to any of them
 * or the time is up. None of the originals has it.
 */
import type { Publishing, PublishOutcome } from '../hub/admission.js';
import { Tally } from '../hub/tally.js';
import type { Item } from '../protocol/item.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** One item of a report, in the form of the control port's JSON. */
export interface ItemReport {
  readonly channel: string;
  readonly id?: string;
  /**
   * `sent`: to whoever was subscribed. `waiting`: for the item its `prev-id` names. Otherwise the item went nowhere:
   * `duplicate`, `sequencer-full` (too many items wait), `abandoned` (the last subscriber left while it waited).
   */
  readonly result: 'sent' | 'waiting' | 'duplicate' | 'sequencer-full' | 'abandoned';
  /** Holds it was written to, by the format they take. */
  readonly reached: { readonly 'http-response': number; readonly 'http-stream': number; readonly 'ws-message': number };
  /** Holds whose filters kept it back. */
  readonly filtered: number;
  /** Holds it did not reach for another reason, by reason; see {@link DeliveryDrop}. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Holds whose outcome was not known when the time was up. */
  readonly pending: number;
}

export interface ReportOptions {
  readonly hub: Publishing;
  readonly wheel: Wheel;
  /** Milliseconds after which the report is made with what is known. */
  readonly timeout: number;
  /** Trace context of who publishes. */
  readonly traceparent?: string | undefined;
  /** Told of each item's way into the hub. */
  readonly onPublished: (item: Item, outcome: PublishOutcome) => void;
}

interface Reported {
  readonly item: Item;
  readonly tally: Tally;
  outcome: PublishOutcome | undefined;
}

/** One publish whose reports are collected. */
class Collection extends Timed {
  private readonly entries: Reported[] = [];
  private open = 1;
  private over = false;

  constructor(
    private readonly options: ReportOptions,
    private readonly done: (reports: ItemReport[]) => void,
  ) {
    super();
  }

  publish(items: readonly Item[]): void {
    const { hub, wheel, timeout, traceparent, onPublished } = this.options;
    for (const item of items) {
      this.open += 1;
      const entry: Reported = { item, tally: new Tally(() => this.settled()), outcome: undefined };
      this.entries.push(entry);
      entry.outcome = hub.publish(item, entry.tally, traceparent);
      onPublished(item, entry.outcome);
    }
    wheel.start(this, timeout);
    this.settled();
  }

  onTime(): void {
    this.finish();
  }

  private settled(): void {
    this.open -= 1;
    if (this.open === 0) this.finish();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.options.wheel.stop(this);
    this.done(this.entries.map(reportOf));
  }
}

/** Publishes the items in order; `done` is called once, possibly before this returns. */
export function publishReported(
  items: readonly Item[],
  options: ReportOptions,
  done: (reports: ItemReport[]) => void,
): void {
  new Collection(options, done).publish(items);
}

function reportOf({ item, tally, outcome }: Reported): ItemReport {
  const { response, stream, ws } = tally.reached;
  return {
    channel: item.channel,
    ...(item.id === undefined ? {} : { id: item.id }),
    result: resultOf(tally, outcome),
    reached: { 'http-response': response, 'http-stream': stream, 'ws-message': ws },
    filtered: tally.filtered,
    dropped: Object.fromEntries(tally.dropped),
    pending: tally.pending,
  };
}

function resultOf(tally: Tally, outcome: PublishOutcome | undefined): ItemReport['result'] {
  if (outcome?.kind === 'dropped') return outcome.reason;
  if (tally.abandoned) return 'abandoned';
  return outcome?.kind === 'waiting' && !tally.released ? 'waiting' : 'sent';
}

/**
 * The way of an item into its channel: it is counted, de-duplicated and put in order, once for all who will get it
 * (specification 5.6, 1 and 2). Whoever has the subscribers is an {@link Outlet}: the hub of this process, or the
 * workers of several.
 */
import type { Counters } from '../observe/counters.js';
import { type Logger, logRecord } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { PublishStep } from '../observe/steps.js';
import type { Item } from '../protocol/item.js';
import { Timed, type Wheel } from '../time/wheel.js';
import { Deduplication } from './deduplication.js';
import { beginPublish, endPublish, type HubWatch } from './hub-watch.js';
import { Publication } from './publication.js';
import { type OrderedChannel, Sequencer } from './sequencer.js';
import type { Tally } from './tally.js';

/** Milliseconds between two looks at what expires. */
const EXPIRY_INTERVAL = 1_000;

export interface AdmissionSettings {
  /** Seconds. */
  readonly idCacheTtl: number;
  /** Milliseconds. */
  readonly messageWait: number;
  readonly maxBufferedPerChannel: number;
}

export interface AdmissionParts {
  readonly settings: AdmissionSettings;
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  /** Undefined: the stats socket is off. */
  readonly watch?: HubWatch | undefined;
}

/** Where items go once their place is decided. */
export interface Outlet<Channel extends OrderedChannel> {
  /** Undefined when nobody has it open: items to it go nowhere. */
  channel(name: string): Channel | undefined;
  /** Holds that would get the item if it went out now. */
  receivers(channel: Channel, item: Item): number;
  /**
   * Lets an item out to whoever is subscribed now, and begins and ends its tally as it sees fit.
   * @param receivers - how many that are
   */
  release(channel: Channel, publication: Publication, receivers: number): void;
}

/** What became of a published item. `receivers` counts the holds it will reach. */
export type PublishOutcome =
  | { readonly kind: 'sent'; readonly receivers: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'dropped'; readonly reason: 'duplicate' | 'sequencer-full' };

/** What publishers need of the system. */
export interface Publishing {
  /**
   * Publishes to the item's own channel. Never throws.
   * @param tally - counts what becomes of the item at each hold; settled when nothing more can happen to it
   * @param traceparent - trace context of who publishes
   */
  publish(item: Item, tally?: Tally, traceparent?: string): PublishOutcome;
  /** Forgets every last id: published items may have been lost on their way to us. */
  forgetLastIds(): void;
}

/** The timer it is started with is that of what expires. */
export class Admission<Channel extends OrderedChannel> extends Timed {
  private readonly deduplication: Deduplication;
  private readonly sequencer: Sequencer<Channel>;

  constructor(
    private readonly parts: AdmissionParts,
    private readonly outlet: Outlet<Channel>,
  ) {
    super();
    const { settings } = parts;
    this.deduplication = new Deduplication(settings.idCacheTtl * 1_000);
    this.sequencer = new Sequencer(settings.messageWait, settings.maxBufferedPerChannel, (channel, publication) => {
      this.release(channel, publication);
    });
  }

  /** See {@link Publishing.publish}. */
  publish(item: Item, tally: Tally | undefined, traceparent?: string): PublishOutcome {
    const step = beginPublish(item, traceparent);
    tally?.begin();
    const outcome = this.admit(item, tally, step);
    tally?.end();
    if (step !== undefined) endPublish(step, outcome.kind === 'sent' ? outcome.receivers : undefined);
    return outcome;
  }

  /** Drops what waits in a channel that is closed; returns how many items. */
  forget(channel: Channel): number {
    return this.sequencer.forget(channel);
  }

  onTime(): void {
    const now = this.parts.wheel.clock.now();
    this.deduplication.expire(now);
    this.sequencer.expire(now);
    if (this.deduplication.size > 0 || this.sequencer.busy) this.expectExpiry();
  }

  /** Lets nothing expire any more. */
  close(): void {
    this.parts.wheel.stop(this);
  }

  private admit(item: Item, tally: Tally | undefined, step: PublishStep | undefined): PublishOutcome {
    const { counters, wheel, warnings } = this.parts;
    const now = wheel.clock.now();
    counters.published += 1;
    if (item.id !== undefined && this.deduplication.isDuplicate(item.channel, item.id, now)) {
      counters.dropped.duplicate += 1;
      return { kind: 'dropped', reason: 'duplicate' };
    }
    if (this.parts.watch?.awake === true) this.parts.watch.admitted(item);
    if (this.deduplication.size > 0) this.expectExpiry();
    const channel = this.outlet.channel(item.channel);
    if (channel === undefined) {
      this.logPublish(item.channel, 0);
      return { kind: 'sent', receivers: 0 };
    }
    const publication = new Publication(item, tally, now, step);
    if (item.noSeq) return { kind: 'sent', receivers: this.release(channel, publication) };
    const receivers = this.outlet.receivers(channel, item);
    const result = this.sequencer.publish(channel, publication, now);
    if (result === 'sent') return { kind: 'sent', receivers };
    if (result === 'waiting') {
      this.expectExpiry();
      return { kind: 'waiting' };
    }
    counters.dropped['sequencer-full'] += 1;
    warnings.warn('sequencer-full', `channel ${item.channel}: too many items out of order, dropping one`);
    return { kind: 'dropped', reason: 'sequencer-full' };
  }

  private release(channel: Channel, publication: Publication): number {
    const receivers = this.outlet.receivers(channel, publication.item);
    this.logPublish(channel.name, receivers);
    this.outlet.release(channel, publication, receivers);
    return receivers;
  }

  private logPublish(channel: string, receivers: number): void {
    const { log } = this.parts;
    if (log.enabled('info')) logRecord(log, { kind: 'publish', channel, receivers });
  }

  private expectExpiry(): void {
    if (this.due === 0) this.parts.wheel.start(this, EXPIRY_INTERVAL);
  }
}

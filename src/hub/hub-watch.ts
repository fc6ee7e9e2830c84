/** What the stats socket hears of channels and items (specification 8.4). Nobody pays for it while it is off. */
import { type HoldStep, type PublishStep, publishesAreFollowed, steps } from '../observe/steps.js';
import type { Item } from '../protocol/item.js';
import { blocksOf } from './rate-limiter.js';
import { formatOf, SUBSCRIBER_KINDS, type SubscriberKind, type Subscription } from './subscriber.js';

export interface HubWatch {
  /** Somebody listens: it is told of nothing before. */
  readonly awake: boolean;
  /** A channel has so many subscribers of a kind now. */
  counted(channel: string, kind: SubscriberKind, subscribers: number): void;
  /** An item has come in that is none twice. */
  admitted(item: Item): void;
  /** An item goes out to so many subscribers of each kind that has a format in it. */
  released(item: Item, receivers: Readonly<Record<SubscriberKind, number>>): void;
}

/** Told of each delivery where deliveries count by their size (`publish.message_block_size`). */
export interface BlockWatch {
  readonly awake: boolean;
  /** @param route - explicit id of the subscriber's route, or empty */
  blocksSent(route: string, blocks: number): void;
}

/** What a hub has to do with watching. */
export interface Watching {
  readonly watch?: HubWatch | undefined;
  readonly blocks?: BlockWatch | undefined;
  readonly settings: { readonly messageBlockSize: number };
}

/** Everybody on a channel. */
interface Audience {
  list(kind: SubscriberKind): readonly Subscription[];
}

/** The step of an item that comes in; undefined: nobody listens. */
export function beginPublish(item: Item, traceparent: string | undefined): PublishStep | undefined {
  if (!publishesAreFollowed()) return undefined;
  const publish: PublishStep = { channel: item.channel, id: item.id, traceparent };
  if (steps['publish:start'].hasSubscribers) steps['publish:start'].publish({ publish });
  return publish;
}

/** The step of an item that another process has taken in; undefined: nobody listens. @param traceparent - or empty */
export function receivedStep({ channel, id }: Item, traceparent: string): PublishStep | undefined {
  if (!steps['publish:deliver'].hasSubscribers) return undefined;
  return { channel, id, traceparent: traceparent === '' ? undefined : traceparent };
}

/** @param receivers - undefined: it waits, or is dropped */
export function endPublish(publish: PublishStep, receivers: number | undefined): void {
  if (steps['publish:end'].hasSubscribers) steps['publish:end'].publish({ publish, receivers });
}

/** Announces to which holds an item goes out. */
export function announceDelivery(publish: PublishStep, channel: Audience, item: Item): void {
  if (!steps['publish:deliver'].hasSubscribers) return;
  const holds: HoldStep[] = [];
  for (const subscriptions of receiversOf(channel, item)) {
    for (const { subscriber } of subscriptions) {
      const hold = subscriber.visit?.hold;
      if (hold !== undefined) holds.push(hold);
    }
  }
  steps['publish:deliver'].publish({ publish, holds });
}

/** Tells who watches that an item goes out to everybody on a channel who has a format in it. */
export function tellRelease({ watch, blocks, settings }: Watching, channel: Audience, item: Item): void {
  if (watch?.awake === true) {
    const countOf = (kind: SubscriberKind): number =>
      formatOf(item.formats, kind) === undefined ? 0 : channel.list(kind).length;
    watch.released(item, { response: countOf('response'), stream: countOf('stream'), ws: countOf('ws') });
  }
  if (blocks?.awake !== true) return;
  for (const subscriptions of receiversOf(channel, item)) {
    for (const { subscriber } of subscriptions) {
      blocks.blocksSent(subscriber.rateBucket, blocksOf(item, subscriber.kind, settings.messageBlockSize));
    }
  }
}

/** Subscribers that an item has a format for. */
function* receiversOf(channel: Audience, { formats }: Item): Iterable<readonly Subscription[]> {
  for (const kind of SUBSCRIBER_KINDS) if (formatOf(formats, kind) !== undefined) yield channel.list(kind);
}

/** What the stats socket hears of channels and items (specification 8.4). Nobody pays for it while it is off. */
import { type HoldStep, type PublishStep, publishesAreFollowed, steps } from '../observe/steps.js';
import type { Item } from '../protocol/item.js';
import type { SubscriberKind, Subscription } from './subscriber.js';

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
export function announceDelivery(publish: PublishStep, receivers: Iterable<readonly Subscription[]>): void {
  if (!steps['publish:deliver'].hasSubscribers) return;
  const holds: HoldStep[] = [];
  for (const subscriptions of receivers) {
    for (const { subscriber } of subscriptions) {
      const hold = subscriber.visit?.hold;
      if (hold !== undefined) holds.push(hold);
    }
  }
  steps['publish:deliver'].publish({ publish, holds });
}

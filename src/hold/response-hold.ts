/**
 * A client that is held until the first item is published, or its time is up (specification 4.6).
 *
 *     holding ──► answered    an item with a response format: its answer; time up: the instruct's own
 *        │──────► retrying    hint, or its turn to ask: the client's request goes to the origin again
 *        └──────► gone        the client went
 */
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { applyBodyPatch } from '../protocol/body-patch.js';
import { type HeaderList, hasHeader, withoutPrefix } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { PatchOperation } from '../protocol/item.js';
import { Timed } from '../time/wheel.js';
import type { ClientExchange } from './client-connection.js';
import type { HoldParts } from './hold-parts.js';
import type { Updatable } from './update-queue.js';

/** Long-polls are asked for in one group: what they ask is a request of their own each. */
const UPDATE_GROUP = '';

export class ResponseHold extends Timed implements Subscriber, Updatable {
  readonly kind = 'response';
  readonly encoding = undefined;
  private subscriptions: Subscription[] = [];
  private ended = false;

  /**
   * @param response - what the client gets when nothing is published in time
   * @param timeout - seconds
   * @param retry - sends the client's request to the origin again; the exchange is then its again
   */
  constructor(
    private readonly parts: HoldParts,
    private readonly exchange: ClientExchange,
    readonly rateBucket: string,
    private readonly response: CompleteResponse,
    timeout: number,
    private readonly retry: () => void,
  ) {
    super();
    exchange.onGone = () => this.leave();
    parts.open.add(this);
    parts.counters.holds.response += 1;
    parts.wheel.start(this, timeout * 1_000);
  }

  /** Subscribes to channels, prefixed already. */
  subscribe(channels: Iterable<string>): void {
    for (const channel of channels) {
      if (this.ended) return;
      this.subscriptions.push(this.parts.hub.subscribe(channel, this, false));
    }
  }

  /** Never called: a response hold takes no shared bytes. */
  write(): void {}

  deliver({ item }: Publication): void {
    const format = item.formats.response;
    if (format === undefined || this.ended) return;
    switch (format.action) {
      case 'send': {
        if (format.contentFilters !== undefined && format.contentFilters.length > 0) {
          this.parts.counters.dropped.undeliverable += 1;
          return;
        }
        this.leave();
        this.parts.counters.delivered += 1;
        this.exchange.answer({
          code: format.code,
          reason: format.reason,
          headers: mergeHeaders(this.response.headers, format.headers),
          body: format.body ?? this.patched(format.patch ?? []),
        });
        return;
      }
      case 'hint':
        this.update();
        return;
      case 'close':
      case 'refresh':
        return;
    }
  }

  askAgain(): void {
    if (!this.ended) this.parts.updates.add(UPDATE_GROUP, this);
  }

  update(): void {
    if (this.ended) return;
    this.leave();
    this.retry();
  }

  /** Answers with the instruct's own response, unless an item is on its way already. */
  onTime(): void {
    for (const subscription of this.subscriptions) this.parts.hub.settle(subscription);
    if (this.ended) return;
    this.leave();
    this.exchange.answer(this.response);
  }

  shutDown(): void {
    this.onTime();
  }

  /** The held body after a patch; empty when that cannot be applied. */
  private patched(operations: readonly PatchOperation[]): Buffer {
    const result = applyBodyPatch(this.response.body, operations);
    if (result.kind === 'patched') return result.body;
    this.parts.log.debug(`failed to apply JSON patch: ${result.reason}`);
    return Buffer.alloc(0);
  }

  private leave(): void {
    if (this.ended) return;
    this.ended = true;
    this.parts.wheel.stop(this);
    this.parts.updates.remove(UPDATE_GROUP, this);
    this.exchange.onGone = undefined;
    for (const subscription of this.subscriptions) this.parts.hub.unsubscribe(subscription);
    this.subscriptions = [];
    this.parts.open.delete(this);
    this.parts.counters.holds.response -= 1;
  }
}

/** The held headers, less those that the item names too, then the item's (specification 4.6, 4). */
function mergeHeaders(held: HeaderList, published: HeaderList): HeaderList {
  const added = withoutPrefix(published, 'grip-');
  const kept = held.filter(([name]) => !hasHeader(added, name));
  return [...kept, ...added];
}

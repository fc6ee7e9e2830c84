/**
 * The items of one held WebSocket that are more to it than bytes for everybody: on their way through filters, in the
 * order of their ids where the origin asked for that, and actions (specification 11.6). Made when the first one comes.
 */
import type { Subscription } from '../hub/subscriber.js';
import type { Tally } from '../hub/tally.js';
import type { Item, WebSocketFormat, WebSocketMessageType } from '../protocol/item.js';
import type { FilterAsker } from './filter-asker.js';
import type { HoldParts } from './hold-parts.js';
import { type FilterRun, filteredContent } from './item-filter.js';
import { ItemQueue, type ItemTaker, type QueuedItem, type Refusal } from './item-queue.js';
import type { WebSocketChannels } from './websocket-channels.js';

type CloseFormat = Extract<WebSocketFormat, { action: 'close' }>;

/** The WebSocket as its items see it. */
export interface ItemClient {
  /** False: the client reads too slowly. */
  sendItem(type: WebSocketMessageType, content: Buffer): boolean;
  closeByItem(format: CloseFormat): void;
  /** Lets the origin be asked now. */
  refresh(): void;
  /** A filter failed. */
  filterFailed(detail: string): void;
  /** The item is done with, whatever became of it. */
  itemDone(): void;
}

export interface ItemOptions {
  /** The client's URI. */
  readonly uri: string;
  /** Asks the HTTP filters. */
  readonly links?: FilterAsker | undefined;
}

export class WebSocketItems implements ItemTaker {
  readonly kind = 'ws';
  readonly queue: ItemQueue;

  constructor(
    parts: HoldParts,
    private readonly channels: WebSocketChannels,
    private readonly client: ItemClient,
    private readonly options: ItemOptions,
  ) {
    this.queue = new ItemQueue(parts, this);
  }

  get currentUri(): string {
    return this.options.uri;
  }

  get asker(): FilterAsker | undefined {
    return this.options.links;
  }

  examine(queued: QueuedItem): FilterRun | undefined {
    const run = this.runOf(queued);
    if (run === undefined) this.client.itemDone();
    return run;
  }

  take({ publication: { item, tally }, subscription }: QueuedItem, content: Buffer): void {
    const format = item.formats.websocket;
    if (format !== undefined && subscription.active) {
      this.channels.see(subscription, item);
      this.act(format, content, tally);
    }
    this.client.itemDone();
  }

  /** In debug mode a filter that fails ends the connection (specification 6.1). */
  refuse({ publication: { item }, subscription }: QueuedItem, verdict: Refusal): void {
    if (verdict.kind === 'drop') this.see(subscription, item);
    else this.client.filterFailed(verdict.detail);
    this.client.itemDone();
  }

  private runOf(queued: QueuedItem): FilterRun | undefined {
    const { publication, subscription } = queued;
    const { item } = publication;
    const format = item.formats.websocket;
    if (format === undefined || !subscription.active || !this.channels.admits(queued)) return undefined;
    const stack = this.channels.filtersOf(subscription);
    return { stack, ...filteredContent(format), context: () => this.channels.contextOf(item) };
  }

  private see(subscription: Subscription, item: Item): void {
    if (subscription.active) this.channels.see(subscription, item);
  }

  private act(format: WebSocketFormat, content: Buffer, tally: Tally | undefined): void {
    if (format.action === 'send') {
      const written = this.client.sendItem(format.type, content);
      tally?.count(this.kind, written ? 'delivered' : 'outbox-full');
      return;
    }
    tally?.count(this.kind, 'delivered');
    if (format.action === 'close') this.client.closeByItem(format);
    else if (format.action === 'refresh') this.client.refresh();
  }
}

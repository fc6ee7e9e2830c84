/**
 * A client that is held until the first item is published, or its time is up (specification 4.6).
 *
 *     holding ──► answered    an item with a response format: its answer; time up: the instruct's own
 *        │──────► retrying    hint, gap in the ids, its turn to ask: the client's request goes to the origin again
 *        └──────► gone        the client went
 */
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import type { HoldEnd } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import { applyBodyPatch } from '../protocol/body-patch.js';
import { type HeaderList, hasHeader, splitHeaderLists, withoutHeaders, withoutPrefix } from '../protocol/headers.js';
import type { CompleteResponse, Instruct } from '../protocol/instruct.js';
import type { PatchOperation } from '../protocol/item.js';
import { reasonOf } from '../protocol/status-reasons.js';
import { Timed } from '../time/wheel.js';
import type { ClientExchange } from './client-connection.js';
import type { FilterAsker } from './filter-asker.js';
import type { HoldParts } from './hold-parts.js';
import type { FilterRun } from './item-filter.js';
import { ItemQueue, type ItemTaker, type QueuedItem, type Refusal } from './item-queue.js';
import { type ChannelNames, forgetConflicts, lastIdsOf, TrackedChannels } from './tracked-channels.js';
import type { Updatable } from './update-queue.js';

const NOTHING = Buffer.alloc(0);

/** Long-polls are asked for in one group: what they ask is a request of their own each. */
const UPDATE_GROUP = '';

export interface ResponseHoldOptions {
  /** Bucket of the rate limiter: the explicit id of the route, or empty. */
  readonly rateBucket: string;
  readonly names: ChannelNames;
  /** For log lines: the client's URI. */
  readonly uri: string;
  /** A filter that fails is told to the client. */
  readonly debug: boolean;
  /** Sends the client's request to the origin again, with these last ids; the exchange is then its again. */
  readonly retry: (lastIds: ReadonlyMap<string, string>) => void;
  /** Asks the HTTP filters of its channels; undefined when there are none. */
  readonly asker?: FilterAsker;
  /** Called once, when the hold is over for whatever reason; before `retry`. */
  readonly onOver?: () => void;
  /** Undefined: nobody watches. */
  readonly visit?: Visit | undefined;
}

export class ResponseHold extends Timed implements Subscriber, Updatable, ItemTaker {
  readonly kind = 'response';
  readonly encoding = undefined;
  readonly rateBucket: string;
  private readonly channels: TrackedChannels;
  private readonly items: ItemQueue;
  private ended = false;

  constructor(
    private readonly parts: HoldParts,
    private readonly exchange: ClientExchange,
    private readonly instruct: Instruct,
    private readonly options: ResponseHoldOptions,
  ) {
    super();
    this.rateBucket = options.rateBucket;
    this.channels = new TrackedChannels(parts.hub, this, options.names);
    this.items = new ItemQueue(parts, this);
    exchange.onGone = () => this.leave('gone');
    parts.open.add(this);
    parts.counters.holds.response += 1;
    options.visit?.holds('response');
  }

  /** Subscribes and waits; or asks again at once, when something was published that the origin did not know of. */
  start(): void {
    const { instruct, options } = this;
    if (forgetConflicts(this.parts.hub, instruct, options.names)) {
      this.leave('asked-again');
      options.retry(lastIdsOf(instruct, options.names));
      return;
    }
    this.channels.replace(instruct);
    this.parts.wheel.start(this, instruct.timeout * 1_000);
  }

  get visit(): Visit | undefined {
    return this.options.visit;
  }

  get connectionId(): string | undefined {
    return this.visit?.id;
  }

  /** Never called: a response hold takes no shared bytes. */
  write(): boolean {
    return false;
  }

  deliver(publication: Publication, subscription: Subscription): void {
    this.items.offer(publication, subscription);
  }

  get currentUri(): string {
    return this.options.uri;
  }

  get asker(): FilterAsker | undefined {
    return this.options.asker;
  }

  examine(queued: QueuedItem): FilterRun | undefined {
    const { subscription } = queued;
    const { item } = queued.publication;
    const format = item.formats.response;
    const channel = this.channels.of(subscription);
    if (format === undefined || channel === undefined) return undefined;
    if (TrackedChannels.isGap(channel, item)) {
      this.items.leaveGap(queued);
      this.askAgain();
      return undefined;
    }
    const { filters: stack } = channel;
    const context = () => this.channels.contextOf(item, this.instruct.meta);
    if (format.action !== 'send') return { stack, context, content: NOTHING, asserted: undefined };
    const content = format.body ?? this.patched(format.patch ?? []);
    return { stack, context, content, asserted: format.contentFilters };
  }

  take({ publication: { item, tally }, subscription }: QueuedItem, content: Buffer): void {
    const format = item.formats.response;
    if (format === undefined || !this.channels.see(subscription, item)) return;
    tally?.count(this.kind, 'delivered');
    if (format.action === 'send') this.answer({ ...format, body: content });
    else if (format.action === 'hint') this.update();
  }

  /** In debug mode a filter that fails is the answer. */
  refuse({ publication: { item }, subscription }: QueuedItem, verdict: Refusal): void {
    if (verdict.kind === 'drop') {
      this.channels.see(subscription, item);
      return;
    }
    this.parts.log.debug(`${this.options.uri}: ${verdict.detail}`);
    if (!this.options.debug) return;
    this.leave('failed');
    this.exchange.answer({
      code: 502,
      reason: reasonOf(502),
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from(`${verdict.detail}\n`),
    });
  }

  askAgain(): void {
    if (!this.ended) this.parts.updates.add(UPDATE_GROUP, this);
  }

  update(): void {
    if (this.ended) return;
    const lastIds = this.channels.lastIds();
    this.leave('asked-again');
    this.options.retry(lastIds);
  }

  /** Answers with the instruct's own response, unless an item is on its way already. */
  onTime(how: HoldEnd = 'timed-out'): void {
    this.channels.settle();
    if (this.ended) return;
    this.leave(how);
    this.exchange.answer(this.instruct.response);
  }

  shutDown(): void {
    this.onTime('shut-down');
  }

  private answer({ code, reason, headers, body }: CompleteResponse): void {
    const { visit } = this.options;
    if (visit !== undefined) {
      visit.sent(1);
      visit.traffic.httpResponseSent += 1;
    }
    this.leave('answered');
    this.parts.counters.delivered += 1;
    this.exchange.answer({ code, reason, headers: mergeHeaders(this.instruct.response.headers, headers), body });
  }

  /** The held body after a patch; empty when that cannot be applied. */
  private patched(operations: readonly PatchOperation[]): Buffer {
    const result = applyBodyPatch(this.instruct.response.body, operations);
    if (result.kind === 'patched') return result.body;
    this.parts.log.debug(`failed to apply JSON patch: ${result.reason}`);
    return NOTHING;
  }

  private leave(how: HoldEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.parts.wheel.stop(this);
    this.parts.updates.remove(UPDATE_GROUP, this);
    this.exchange.onGone = undefined;
    this.items.close();
    this.channels.clear();
    this.parts.open.delete(this);
    this.parts.counters.holds.response -= 1;
    this.options.visit?.holdEnds(how);
    this.options.onOver?.();
  }
}

/**
 * The held headers, less those that the item names too, then the item's (specification 4.6, 4). Headers that the item
 * lists in `Grip-Expose-Headers` are left out, odd as that is: backends rely on what the original does.
 */
function mergeHeaders(held: HeaderList, published: HeaderList): HeaderList {
  const added = withoutPrefix(published, 'grip-');
  const merged = [...held.filter(([name]) => !hasHeader(added, name)), ...added];
  const hidden = splitHeaderLists(published, 'grip-expose-headers');
  return hidden.length === 0 ? merged : withoutHeaders(merged, new Set(hidden.map((name) => name.toLowerCase())));
}

/**
 * A stream that takes its items one by one: because its channels have filters, or because its origin can be asked again
 * by a next link, page by page or to make good a gap in the ids (specification 4.7 to 4.11). Streams that need none of
 * this are `StreamHold`s.
 *
 *     holding ──gap, first conflict, refresh──► queued ──its turn──► fetching
 *        ▲  └──hint─────────────────────────────────────────────────►  │
 *        │                                                             ├─ends, hold──► holding (queued items follow)
 *        │                                                             ├─ends, page──► fetching the next link
 *        │                                                             ├─ends, no more──► over
 *        └────────────────────── retrying ◄──failed, nothing forwarded─┘
 *     any ──client gone, close action, error──► over
 *
 * Items wait from the moment a link is fetched until its answer is through.
 */
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { countSent } from '../hub/tally.js';
import type { HoldEnd } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import { parseFilters } from '../protocol/filters/filters.js';
import type { Rendering } from '../protocol/filters/id-format.js';
import { type ResponseContentFilter, responseContentFilter } from '../protocol/filters/response-content.js';
import type { Instruct, KeepAlive } from '../protocol/instruct.js';
import { Timed } from '../time/wheel.js';
import { BackOff } from './back-off.js';
import type { ClientExchange } from './client-connection.js';
import type { FilterAsker } from './filter-asker.js';
import { type HoldParts, keepAliveDelay } from './hold-parts.js';
import { type FilterRun, filteredContent } from './item-filter.js';
import { ItemQueue, type ItemTaker, type QueuedItem, type Refusal } from './item-queue.js';
import type { LinkCall, LinkReceiver, LinkSource } from './next-link.js';
import { outboxVerdict } from './outbox.js';
import type { Refreshable } from './refresh-groups.js';
import { type ChannelNames, forgetConflicts, TrackedChannels } from './tracked-channels.js';
import type { Updatable } from './update-queue.js';

type State = 'holding' | 'queued' | 'fetching' | 'retrying' | 'over';

export interface TrackedStreamOptions {
  readonly rateBucket: string;
  readonly names: ChannelNames;
  /** The client's URI; links are relative to it at first. */
  readonly uri: string;
  /** Errors are written into the body. */
  readonly debug: boolean;
  readonly links: LinkSource;
  /** Called once, when the hold is over for whatever reason. */
  readonly onOver?: () => void;
  /** Undefined: nobody watches. */
  readonly visit?: Visit | undefined;
}

const NO_IDS: ReadonlyMap<string, string> = new Map();

/** The link a stream may be asked to fetch. */
interface NextLink {
  /** Absolute. */
  readonly uri: string;
  /** Seconds without items after which it is fetched again. */
  readonly timeout: number;
}

export class TrackedStream extends Timed implements Subscriber, Updatable, Refreshable, LinkReceiver, ItemTaker {
  readonly kind = 'stream';
  readonly encoding = undefined;
  readonly rateBucket: string;
  private state: State = 'holding';
  private readonly channels: TrackedChannels;
  private readonly items: ItemQueue;
  private keepAlive: KeepAlive | undefined = undefined;
  private meta: ReadonlyMap<string, string> = new Map();
  private next: NextLink | undefined = undefined;
  /** The link whose group of refreshes this stream is in. */
  private refreshed: NextLink | undefined = undefined;
  /** URI that relative links refer to. */
  private base: string;
  private fetching: string | undefined = undefined;
  private call: LinkCall | undefined = undefined;
  private held = true;
  private forwarded = false;
  /** Keep-alives go on meanwhile. */
  private backOff: BackOff | undefined = undefined;
  /** What the link was first asked with; an answer that broke off may have changed the ids since. */
  private askedWith: ReadonlyMap<string, string> = NO_IDS;
  /** An update was asked for while one was under way. */
  private again = false;
  private pendingLink: NextLink | undefined = undefined;
  /** Filter of the page that is fetched, when its channels have one for it. */
  private pageFilter: ResponseContentFilter | undefined = undefined;

  constructor(
    private readonly parts: HoldParts,
    private readonly exchange: ClientExchange,
    private readonly options: TrackedStreamOptions,
  ) {
    super();
    this.rateBucket = options.rateBucket;
    this.base = options.uri;
    this.channels = new TrackedChannels(parts.hub, this, options.names);
    this.items = new ItemQueue(parts, this);
    exchange.onGone = () => this.leave('gone');
    parts.open.add(this);
    parts.counters.holds.stream += 1;
    options.visit?.holds('stream');
  }

  /** Takes up what the first answer said; its head and body are written already. */
  start(instruct: Instruct): void {
    this.adopt(instruct);
    this.next = this.resolved(instruct, this.base);
    if (!this.checkNumbered()) return;
    if (!this.held) this.fetchOrEnd();
    else {
      this.startKeepAlive();
      this.joinRefreshes();
      if (forgetConflicts(this.parts.hub, instruct, this.options.names)) this.ask();
    }
  }

  get visit(): Visit | undefined {
    return this.options.visit;
  }

  get connectionId(): string | undefined {
    return this.visit?.id;
  }

  /** Never called: a tracked stream takes no shared bytes. */
  write(): boolean {
    return false;
  }

  deliver(publication: Publication, subscription: Subscription): void {
    this.items.offer(publication, subscription);
  }

  get currentUri(): string {
    return this.base;
  }

  get asker(): FilterAsker {
    return this.options.links;
  }

  examine(queued: QueuedItem): FilterRun | undefined {
    const { subscription } = queued;
    const { item } = queued.publication;
    const channel = this.channels.of(subscription);
    const format = item.formats.stream;
    if (channel === undefined || format === undefined) return undefined;
    if (TrackedChannels.isGap(channel, item)) {
      this.items.leaveGap(queued);
      this.ask();
      return undefined;
    }
    return {
      stack: channel.filters,
      ...filteredContent(format),
      context: () => this.channels.contextOf(item, this.meta),
    };
  }

  take({ publication: { item, tally }, subscription }: QueuedItem, content: Buffer): void {
    const format = item.formats.stream;
    if (format === undefined || !this.channels.see(subscription, item)) return;
    if (format.action === 'send') {
      countSent(tally, this.kind, this.send(content, 1));
      if (this.keepAlive?.mode === 'idle' && !this.isOver) this.startKeepAlive();
      return;
    }
    tally?.count(this.kind, 'delivered');
    if (format.action === 'close') {
      this.leave('closed');
      this.exchange.end();
    } else if (format.action === 'hint') {
      this.items.forget('gap');
      if (this.next !== undefined) this.fetchOrEnd();
    }
  }

  /** In debug mode a filter that fails ends the stream. */
  refuse({ publication: { item }, subscription }: QueuedItem, verdict: Refusal): void {
    if (verdict.kind === 'drop') this.channels.see(subscription, item);
    else if (this.options.debug) this.fail(verdict.detail);
    else this.parts.log.debug(`${this.options.uri}: ${verdict.detail}`);
  }

  askAgain(): void {
    this.ask();
  }

  tookItems(): boolean {
    return this.channels.tookItems();
  }

  update(): void {
    if (this.state === 'queued') this.fetchOrEnd();
  }

  opened(instruct: Instruct): void {
    if (instruct.hold === 'response') {
      this.fail('Next link returned non-stream hold.');
      return;
    }
    this.adopt(instruct);
    this.pageFilter = responseContentFilter(
      instruct.channels.map(({ filters }) => parseFilters(filters)),
      instruct.meta,
    );
    this.pendingLink = this.resolved(instruct, this.fetching ?? this.base);
  }

  refused(detail: string): void {
    this.fail(detail);
  }

  data(chunk: Buffer): boolean {
    if (this.state !== 'fetching') return true;
    if (chunk.length > 0) this.parts.wheel.stop(this);
    this.forwarded = true;
    return this.pass(
      this.pageFilter === undefined ? { kind: 'rendered', content: chunk } : this.pageFilter.update(chunk),
    );
  }

  ended(): void {
    if (this.state !== 'fetching') return;
    if (this.pageFilter !== undefined) this.pass(this.pageFilter.finish());
    if (this.isOver) return;
    this.backOff?.reset();
    this.call = undefined;
    this.exchange.onDrain = undefined;
    this.base = this.fetching ?? this.base;
    this.next = this.pendingLink;
    this.state = 'holding';
    if (!this.held) {
      this.fetchOrEnd();
      return;
    }
    if (!this.checkNumbered()) return;
    this.startKeepAlive();
    this.joinRefreshes();
    this.items.go(({ publication, subscription }) => {
      const channel = this.channels.of(subscription);
      return channel === undefined || TrackedChannels.isGap(channel, publication.item);
    });
    if (this.again) this.ask();
  }

  failed(): void {
    if (this.state !== 'fetching') return;
    this.call = undefined;
    this.exchange.onDrain = undefined;
    this.backOff ??= new BackOff(this.parts, () => this.fetchOrEnd());
    if (this.forwarded || !this.backOff.wait()) {
      this.fail('Failed to retrieve next link.');
      return;
    }
    this.state = 'retrying';
  }

  onTime(): void {
    const { keepAlive } = this;
    if (keepAlive === undefined || this.state === 'over') return;
    if (this.send(keepAlive.content, 0)) this.visit?.keptAlive();
    if (!this.isOver) this.startKeepAlive();
  }

  shutDown(): void {
    if (this.state === 'over') return;
    this.channels.settle();
    if (this.isOver) return;
    this.leave('shut-down');
    this.exchange.end();
  }

  /** Writes a piece of a page; false: no more for now. */
  private pass(rendered: Rendering): boolean {
    if (rendered.kind === 'rendered') return this.exchange.write(rendered.content);
    this.fail(`filter error: ${rendered.detail}`);
    return true;
  }

  private get isOver(): boolean {
    return this.state === 'over';
  }

  private adopt(instruct: Instruct): void {
    this.held = instruct.hold === 'stream';
    this.keepAlive = instruct.keepAlive;
    this.meta = instruct.meta;
    // A page that holds nobody leaves the channels of the hold as they are.
    if (this.held) this.channels.replace(instruct);
  }

  private resolved({ nextLink }: Instruct, base: string): NextLink | undefined {
    if (nextLink === undefined) return undefined;
    const uri = this.options.links.resolve(nextLink.uri, base);
    return uri === undefined ? undefined : { uri, timeout: nextLink.timeout };
  }

  /** Numbered channels make sense only when there is somebody to ask; false: the stream has ended. */
  private checkNumbered(): boolean {
    const numbered = this.channels.firstNumbered();
    if (!this.held || numbered === undefined || this.next !== undefined) return true;
    this.fail(`channel '${numbered.name}' specifies prev-id, but no next link found`);
    return false;
  }

  /** Asks the origin again when it is this client's turn. */
  private ask(): void {
    if (this.next === undefined || this.state === 'over') return;
    if (this.state !== 'holding') {
      this.again = this.state === 'fetching';
      return;
    }
    this.again = false;
    this.state = 'queued';
    this.parts.updates.add(this.next.uri, this);
  }

  private fetchOrEnd(): void {
    if (this.state === 'over') return;
    const { next } = this;
    if (next === undefined) {
      this.leave('closed');
      this.exchange.end();
      return;
    }
    if (this.state === 'queued') this.parts.updates.remove(next.uri, this);
    this.leaveRefreshes();
    this.items.stop();
    this.state = 'fetching';
    this.fetching = next.uri;
    this.forwarded = false;
    this.exchange.onDrain = () => this.call?.resume();
    if (this.backOff === undefined || this.backOff.retries === 0) this.askedWith = this.channels.lastIds();
    this.call = this.options.links.open(next.uri, this.askedWith, this);
  }

  private joinRefreshes(): void {
    const { next } = this;
    if (next === undefined) return;
    this.refreshed = next;
    this.parts.refreshes.join(withoutQuery(next.uri), next.timeout, this);
  }

  private leaveRefreshes(): void {
    const { refreshed } = this;
    if (refreshed === undefined) return;
    this.refreshed = undefined;
    this.parts.refreshes.leave(withoutQuery(refreshed.uri), refreshed.timeout, this);
  }

  /** False: the client reads too slowly. */
  private send(content: Buffer, count: number): boolean {
    switch (outboxVerdict(this.parts, this.exchange.queuedBytes, content.length, count)) {
      case 'write':
        this.exchange.write(content);
        this.parts.counters.delivered += count;
        this.visit?.sent(count);
        return true;
      case 'drop':
        return false;
      case 'close':
        this.leave('refused');
        this.exchange.abort();
        return false;
    }
  }

  private startKeepAlive(): void {
    if (this.keepAlive === undefined) this.parts.wheel.stop(this);
    else this.parts.wheel.start(this, keepAliveDelay(this.parts, this.keepAlive.timeout));
  }

  /** Ends the stream because of an error (specification 4.11). */
  private fail(text: string): void {
    if (this.state === 'over') return;
    this.parts.log.debug(`${this.options.uri}: ${text}`);
    this.leave('failed');
    if (this.options.debug) this.exchange.write(Buffer.from(`\n\n${text}\n`));
    this.exchange.end();
  }

  private leave(how: HoldEnd): void {
    if (this.state === 'over') return;
    if (this.state === 'queued' && this.next !== undefined) {
      this.parts.updates.remove(this.next.uri, this);
    }
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.backOff?.reset();
    this.exchange.onGone = undefined;
    this.exchange.onDrain = undefined;
    this.call?.cancel();
    this.call = undefined;
    this.leaveRefreshes();
    this.items.close();
    this.channels.clear();
    this.parts.open.delete(this);
    this.parts.counters.holds.stream -= 1;
    this.visit?.holdEnds(how);
    this.options.onOver?.();
  }
}

function withoutQuery(uri: string): string {
  const mark = uri.indexOf('?');
  return mark < 0 ? uri : uri.slice(0, mark);
}

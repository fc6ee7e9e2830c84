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
 */
import type { Publication } from '../hub/publication.js';
import type { Subscriber, Subscription } from '../hub/subscriber.js';
import { parseFilters } from '../protocol/filters/filters.js';
import type { Rendering } from '../protocol/filters/id-format.js';
import type { FilterVerdict } from '../protocol/filters/message-filters.js';
import { type ResponseContentFilter, responseContentFilter } from '../protocol/filters/response-content.js';
import type { Instruct, KeepAlive } from '../protocol/instruct.js';
import { Timed } from '../time/wheel.js';
import type { ClientExchange } from './client-connection.js';
import { type HoldParts, keepAliveDelay } from './hold-parts.js';
import { filteredContent, filterItem } from './item-filter.js';
import type { LinkCall, LinkReceiver, LinkSource } from './next-link.js';
import { outboxVerdict } from './outbox.js';
import { type ChannelNames, TrackedChannels } from './tracked-channels.js';
import type { Updatable } from './update-queue.js';

/** Tries after a link that could not be fetched, and the milliseconds before the first of them. */
const MAX_RETRIES = 5;
const RETRY_BASE = 1_000;
/** Items that may wait while a link is fetched. */
const MAX_WAITING = 100;

type State = 'holding' | 'queued' | 'fetching' | 'retrying' | 'over';

export interface TrackedStreamOptions {
  readonly rateBucket: string;
  readonly names: ChannelNames;
  /** The client's URI; links are relative to it at first. */
  readonly uri: string;
  /** Errors are written into the body. */
  readonly debug: boolean;
  readonly links: LinkSource;
  /** Called for each channel that is subscribed to. */
  readonly onSubscribed: (channel: string) => void;
}

interface Waiting {
  readonly publication: Publication;
  readonly subscription: Subscription;
}

export class TrackedStream extends Timed implements Subscriber, Updatable, LinkReceiver {
  readonly kind = 'stream';
  readonly encoding = undefined;
  readonly rateBucket: string;
  private state: State = 'holding';
  private readonly channels: TrackedChannels;
  private keepAlive: KeepAlive | undefined = undefined;
  private meta: ReadonlyMap<string, string> = new Map();
  /** Absolute URI of the next link. */
  private next: string | undefined = undefined;
  /** URI that relative links refer to. */
  private base: string;
  private fetching: string | undefined = undefined;
  private call: LinkCall | undefined = undefined;
  private held = true;
  private forwarded = false;
  private retries = 0;
  /** An update was asked for while one was under way. */
  private again = false;
  private waiting: Waiting[] = [];
  private pendingLink: string | undefined = undefined;
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
    exchange.onGone = () => this.leave();
    parts.open.add(this);
    parts.counters.holds.stream += 1;
  }

  /** Takes up what the first answer said; its head and body are written already. */
  start(instruct: Instruct): void {
    this.adopt(instruct);
    this.next = this.resolved(instruct);
    if (!this.checkNumbered()) return;
    if (!this.held) this.fetchOrEnd();
    else {
      this.startKeepAlive();
      if (this.channels.forgetConflicts()) this.ask();
    }
  }

  /** Never called: a tracked stream takes no shared bytes. */
  write(): void {}

  deliver(publication: Publication, subscription: Subscription): void {
    if (this.state === 'over') return;
    if (this.state === 'holding' || this.state === 'queued') this.process(publication, subscription);
    else if (this.waiting.length < MAX_WAITING) this.waiting.push({ publication, subscription });
    else {
      this.parts.counters.dropped['outbox-full'] += 1;
      this.parts.warnings.warn('queue-full', 'publish queue at max, dropping');
    }
  }

  askAgain(): void {
    this.ask();
  }

  update(): void {
    if (this.state === 'queued') this.fetchOrEnd();
  }

  opened(instruct: Instruct): void {
    if (instruct.hold === 'response') {
      this.fail('Next link returned non-stream hold.');
      return;
    }
    this.retries = 0;
    this.adopt(instruct);
    this.pageFilter = responseContentFilter(
      instruct.channels.map(({ filters }) => parseFilters(filters)),
      instruct.meta,
    );
    const base = this.fetching ?? this.base;
    this.pendingLink =
      instruct.nextLink === undefined ? undefined : this.options.links.resolve(instruct.nextLink.uri, base);
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
    this.resumeWaiting();
    if (this.again) this.ask();
  }

  failed(): void {
    if (this.state !== 'fetching') return;
    this.call = undefined;
    this.exchange.onDrain = undefined;
    if (this.forwarded || this.retries >= MAX_RETRIES) {
      this.fail('Failed to retrieve next link.');
      return;
    }
    const delay = RETRY_BASE * 2 ** this.retries + Math.floor(this.parts.random() * RETRY_BASE);
    this.retries += 1;
    this.state = 'retrying';
    this.parts.wheel.start(this, delay);
  }

  onTime(): void {
    if (this.state === 'retrying') {
      this.fetchOrEnd();
      return;
    }
    const { keepAlive } = this;
    if (keepAlive === undefined || this.state === 'over') return;
    this.send(keepAlive.content, 0);
    if (!this.isOver) this.startKeepAlive();
  }

  shutDown(): void {
    if (this.state === 'over') return;
    this.channels.settle();
    if (this.isOver) return;
    this.leave();
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
    for (const channel of this.channels.replace(instruct)) this.options.onSubscribed(channel);
  }

  private resolved({ nextLink }: Instruct): string | undefined {
    return nextLink === undefined ? undefined : this.options.links.resolve(nextLink.uri, this.base);
  }

  /** Numbered channels make sense only when there is somebody to ask; false: the stream has ended. */
  private checkNumbered(): boolean {
    const numbered = this.channels.firstNumbered();
    if (!this.held || numbered === undefined || this.next !== undefined) return true;
    this.fail(`channel '${numbered.name}' specifies prev-id, but no next link found`);
    return false;
  }

  private process({ item }: Publication, subscription: Subscription): void {
    const channel = this.channels.of(subscription);
    const format = item.formats.stream;
    if (channel === undefined || format === undefined) return;
    if (TrackedChannels.isGap(channel, item)) {
      this.parts.hub.forgetLastId(subscription.channel.name);
      this.waiting = [];
      this.ask();
      return;
    }
    const verdict = filterItem(channel.filters, filteredContent(format), () =>
      this.channels.contextOf(item, this.meta),
    );
    TrackedChannels.seen(channel, item);
    if (verdict.kind !== 'send') {
      this.filtered(verdict);
      return;
    }
    switch (format.action) {
      case 'send':
        this.send(verdict.content, 1);
        if (this.keepAlive?.mode === 'idle' && !this.isOver) this.startKeepAlive();
        return;
      case 'close':
        this.leave();
        this.exchange.end();
        return;
      case 'hint':
        this.waiting = [];
        if (this.next !== undefined) this.fetchOrEnd();
        return;
      case 'refresh':
        return;
    }
  }

  /** An item that a filter keeps back; in debug mode a filter that fails ends the stream. */
  private filtered(verdict: Exclude<FilterVerdict, { kind: 'send' }>): void {
    this.parts.counters.dropped.filtered += 1;
    if (verdict.kind === 'drop') return;
    this.parts.log.debug(`${this.options.uri}: ${verdict.detail}`);
    if (this.options.debug) this.fail(verdict.detail);
  }

  /** Items that came while a link was fetched: those that the answer covers are left out, the rest follows. */
  private resumeWaiting(): void {
    const { waiting } = this;
    this.waiting = [];
    let covered = true;
    for (const { publication, subscription } of waiting) {
      const channel = this.channels.of(subscription);
      if (covered && (channel === undefined || TrackedChannels.isGap(channel, publication.item))) continue;
      covered = false;
      this.deliver(publication, subscription);
    }
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
    this.parts.updates.add(withoutQuery(this.next), this);
  }

  private fetchOrEnd(): void {
    if (this.state === 'over') return;
    const { next } = this;
    if (next === undefined) {
      this.leave();
      this.exchange.end();
      return;
    }
    if (this.state === 'queued') this.parts.updates.remove(withoutQuery(next), this);
    this.state = 'fetching';
    this.fetching = next;
    this.forwarded = false;
    this.exchange.onDrain = () => this.call?.resume();
    this.call = this.options.links.open(next, this.channels.lastIds(), this);
  }

  private send(content: Buffer, count: number): void {
    switch (outboxVerdict(this.parts, this.exchange.queuedBytes, content.length, count)) {
      case 'write':
        this.exchange.write(content);
        this.parts.counters.delivered += count;
        return;
      case 'drop':
        return;
      case 'close':
        this.leave();
        this.exchange.abort();
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
    this.leave();
    if (this.options.debug) this.exchange.write(Buffer.from(`\n\n${text}\n`));
    this.exchange.end();
  }

  private leave(): void {
    if (this.state === 'over') return;
    if (this.state === 'queued' && this.next !== undefined) {
      this.parts.updates.remove(withoutQuery(this.next), this);
    }
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.exchange.onGone = undefined;
    this.exchange.onDrain = undefined;
    this.call?.cancel();
    this.call = undefined;
    this.waiting = [];
    this.channels.clear();
    this.parts.open.delete(this);
    this.parts.counters.holds.stream -= 1;
  }
}

function withoutQuery(uri: string): string {
  const mark = uri.indexOf('?');
  return mark < 0 ? uri : uri.slice(0, mark);
}

/**
 * One WebSocket of a client, turned into HTTP requests to its origin, at most one at a time (specification 10).
 *
 *     opening ──OPEN──► open ──client's close: CLOSE until the origin has taken it──────► over
 *        │               │──origin's or a publish's close──► closing ──last CLOSE──► over
 *        └─rejected      └──connection lost without a close──► over, and a DISCONNECT
 *
 * However it ends, the origin hears of it once: by a CLOSE it has taken, or else by a DISCONNECT. The session does not
 * know how requests travel: any `HttpBackend` will do.
 */
import type { WebSocketClient, WebSocketOrigin } from '../../hold/websocket-origin.js';
import type { HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { encodeEvents, type WebSocketEvent } from '../../protocol/websocket-events.js';
import { Timed } from '../../time/wheel.js';
import type { WebSocketVerdict } from '../websocket-verdict.js';
import type { WholeResult } from '../whole-answer.js';
import { ClientQueue, type Offer } from './client-queue.js';
import { Exchange, type ExchangeLimits, type ExchangeParts, MAX_RETRIES, sendDisconnect } from './exchange.js';
import { channelsIn, deliverEvents, mayHaveOpened, NOT_OPENED, readEvents } from './origin-events.js';
import {
  acceptedBytes,
  gripOf,
  isEventsResponse,
  keepAliveInterval,
  openingHeaders,
  storeMeta,
} from './response-headers.js';

/** Shared by all sessions. */
export interface SessionLimits extends ExchangeLimits {
  /** Bytes of client messages that may wait. */
  readonly maxBufferedBytes: number;
  readonly maxRejectBytes: number;
}

export interface SessionParts extends ExchangeParts {
  readonly limits: SessionLimits;
}

const NO_META: ReadonlyMap<string, string> = new Map();

type State = 'opening' | 'open' | 'closing' | 'over';

/** The timer it is started with is that of the keep-alives. */
export class WebSocketOverHttp extends Timed implements WebSocketOrigin {
  private state: State = 'opening';
  /** Undefined before the 101 and after the connection has gone. */
  private client: WebSocketClient | undefined = undefined;
  private readonly queue = new ClientQueue();
  /** Made when the origin sets some. */
  private meta: Map<string, string> | undefined = undefined;
  /** The request under way, retries included. */
  private exchange: Exchange | undefined = undefined;
  /** A DISCONNECT is due when the request under way has ended. */
  private disconnectDue = false;
  /** The origin has taken our CLOSE. */
  private told = false;
  /** Something happened that the origin has not been told. */
  private news = false;
  private paused = false;
  /** Seconds between requests without news; 0 is off. */
  private interval = 0;
  /** Events that came with the accepting response. */
  private early: readonly WebSocketEvent[] | undefined = undefined;

  /** @param verdict - called once, and let go of then: whoever waits for it has the client's whole handshake on its hands */
  constructor(
    private readonly parts: SessionParts,
    private verdict: ((verdict: WebSocketVerdict) => void) | undefined,
  ) {
    super();
  }

  get connectionId(): string {
    return this.parts.requests.connectionId;
  }

  /** Sends the first request; the verdict follows. */
  open(): void {
    this.send([{ type: 'OPEN', content: undefined }], undefined);
  }

  /** The client went before there was a verdict. */
  abandon(): void {
    if (this.state !== 'opening') return;
    this.finish();
    this.disconnect();
  }

  attached(client: WebSocketClient): void {
    this.client = client;
    const { early = [] } = this;
    this.early = undefined;
    this.receive(early);
    this.goOn();
  }

  message(type: 'text' | 'binary', content: Buffer): void {
    this.say(type === 'text' ? 'TEXT' : 'BINARY', content);
  }

  ping(content: Buffer): void {
    this.say('PING', content);
  }

  pong(content: Buffer): void {
    this.say('PONG', content);
  }

  closed(code: number | undefined, reason: string): void {
    if (this.state === 'over') return;
    this.queue.addClose(code, reason);
    this.pumpSoon();
  }

  closedByPublish(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.closed(undefined, '');
  }

  refresh(): void {
    this.news = true;
    this.pump();
  }

  gone(): void {
    if (this.state === 'over') return;
    this.client = undefined;
    this.pump();
    // A client that said goodbye and hung up has been heard to its end: the CLOSE on its way tells the origin.
    if (this.queue.closing && this.exchange !== undefined) return;
    this.finish();
    this.disconnect();
  }

  /** The keep-alive is due. */
  onTime(): void {
    this.refresh();
  }

  private say(type: 'TEXT' | 'BINARY' | 'PING' | 'PONG', content: Buffer): void {
    if (this.state !== 'open') return;
    this.queue.add(type, content);
    if (this.queue.weight > this.parts.limits.maxBufferedBytes && !this.paused) {
      this.paused = true;
      this.client?.pause();
    }
    this.pumpSoon();
  }

  /** What came in one read goes out in one request. */
  private pumpSoon(): void {
    if (!this.news) queueMicrotask(() => this.pump());
    this.news = true;
  }

  /** Makes a request when there is a reason to, and none is under way. */
  private pump(): void {
    if (this.exchange !== undefined || !this.news || this.state === 'over') return;
    this.news = false;
    // The origin has closed: it hears once more of this client, when that has answered.
    if (this.state === 'closing' && !this.queue.closing) return;
    if (this.state === 'opening') {
      this.open();
      return;
    }
    const offer = this.queue.offer(this.parts.target.options.oneEvent ? 1 : Number.POSITIVE_INFINITY);
    this.send(offer.events, offer);
  }

  private send(events: readonly WebSocketEvent[], offer: Offer | undefined): void {
    this.parts.wheel.stop(this);
    const { parts, meta = NO_META } = this;
    // While opening, the next target is tried instead.
    const maxRetries = this.state === 'opening' ? 0 : MAX_RETRIES;
    const content = { body: encodeEvents(events), replayed: offer?.replayed ?? 0, meta, maxRetries };
    this.exchange = new Exchange(parts, content, (result) => this.ended(result, offer));
    this.exchange.start();
  }

  private ended(result: WholeResult, offer: Offer | undefined): void {
    this.exchange = undefined;
    if (this.state === 'over') {
      if (this.disconnectDue && (offer !== undefined || mayHaveOpened(result)))
        sendDisconnect(this.parts, this.meta ?? NO_META);
    } else if (result.kind === 'response') {
      this.answered(result.response, offer);
    } else if (this.state === 'opening') {
      this.refuse(result);
    } else {
      this.fail();
    }
  }

  private answered(response: CompleteResponse, offer: Offer | undefined): void {
    if (this.state === 'closing' && offer?.includesClose === true) {
      // Both sides have closed: whatever the answer is, nobody needs it.
      this.finish();
      return;
    }
    const { body, headers } = response;
    const promised = isEventsResponse(response);
    const events = promised ? readEvents(body) : undefined;
    if (events === undefined) {
      // Whatever it answers, it has read the request.
      if (offer?.includesClose === true) this.told = true;
      if (this.state !== 'opening') this.fail();
      else if (promised) this.refuse(NOT_OPENED);
      else
        this.refuse({
          kind: 'reject',
          response: { ...response, body: body.subarray(0, this.parts.limits.maxRejectBytes) },
        });
      return;
    }
    this.interval = keepAliveInterval(headers) ?? this.interval;
    this.meta = storeMeta(headers, this.meta);
    if (this.state === 'opening') {
      this.opened(headers, events);
      return;
    }
    if (offer !== undefined && !this.settle(offer, acceptedBytes(headers))) {
      this.fail();
      return;
    }
    this.receive(events);
    this.goOn();
  }

  private opened(headers: HeaderList, events: readonly WebSocketEvent[]): void {
    const [first, ...rest] = events;
    if (first === undefined && this.interval > 0) {
      // The origin takes its time: the client waits for the answer to a later request.
      this.parts.wheel.start(this, this.interval * 1_000);
      return;
    }
    if (first?.type !== 'OPEN') {
      this.refuse(NOT_OPENED);
      return;
    }
    this.state = 'open';
    this.early = rest;
    const accepted = { reason: 'Switching Protocols', headers: openingHeaders(headers), grip: gripOf(headers) };
    this.give({ kind: 'accept', ...accepted, origin: this, channels: () => channelsIn(rest) });
  }

  private give(verdict: WebSocketVerdict): void {
    const { verdict: decide } = this;
    this.verdict = undefined;
    decide?.(verdict);
  }

  /** It does not come to a WebSocket. */
  private refuse(verdict: WebSocketVerdict): void {
    this.finish();
    this.give(verdict);
  }

  /** Removes what the origin has taken of an offer; false when the connection cannot go on after that. */
  private settle(offer: Offer, accepted: number | undefined): boolean {
    const { queue } = this;
    const progress = accepted !== 0 || offer.bytes === 0;
    if (offer.leftOut && !progress) return false;
    if (queue.accept(offer, accepted) !== 'ok') return false;
    if (offer.includesClose && !queue.closing) this.told = true;
    if (this.paused && queue.weight <= this.parts.limits.maxBufferedBytes) {
      this.paused = false;
      this.client?.resume();
    }
    if (this.news || queue.empty) return true;
    // What is left waits for news (10.5), unless the client cannot bring any, or it was never offered.
    if (!offer.leftOut && !queue.closing && !this.paused) return true;
    this.news = progress;
    return progress || (this.interval > 0 && this.client !== undefined);
  }

  private receive(events: readonly WebSocketEvent[]): void {
    const { client } = this;
    if (client === undefined || this.state !== 'open') return;
    const ending = deliverEvents(events, client);
    // Delivering may have ended the connection already.
    if (ending === undefined || this.state !== 'open') return;
    if (ending.kind === 'disconnect') {
      this.finish();
      client.drop();
    } else {
      this.state = 'closing';
      client.close(ending.code, ending.reason);
    }
  }

  /** After an answer: what is next? */
  private goOn(): void {
    if (this.state === 'over') return;
    if (this.told && (this.state === 'closing' || this.client === undefined || this.interval === 0)) {
      // Nothing is left to say; a client whose close the origin did not answer is dropped.
      const { client, state } = this;
      this.finish();
      if (state === 'open') client?.drop();
      return;
    }
    if (this.news) this.pump();
    else if (this.interval > 0 && this.state === 'open') this.parts.wheel.start(this, this.interval * 1_000);
  }

  private finish(): void {
    this.state = 'over';
    this.parts.wheel.stop(this);
  }

  /** The connection cannot go on: the client is dropped, the origin told. */
  private fail(): void {
    this.finish();
    this.client?.drop();
    this.disconnect();
  }

  /** Tells the origin that the client has gone, after what is under way. */
  private disconnect(): void {
    if (this.told) return;
    if (this.exchange === undefined || this.exchange.giveUp()) sendDisconnect(this.parts, this.meta ?? NO_META);
    else this.disconnectDue = true;
  }
}

/**
 * One client WebSocket turned into HTTP requests to its origin, at most one at a time (specification 10).
 *
 *     opening ──OPEN──► open ──client's close──► open, close queued ──CLOSE──► over
 *        │               │──origin's CLOSE──► closing ──client's answer──► over (last request: CLOSE)
 *        └─rejected      └──connection lost──► over (last request: DISCONNECT)
 *
 * The session does not know how requests travel: any `HttpBackend` will do.
 */

import { HoldfastError } from '../../errors/holdfast-error.js';
import type { WebSocketClient, WebSocketOrigin } from '../../hold/websocket-origin.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import {
  decodeCloseContent,
  decodeEvents,
  encodeEvents,
  type WebSocketEvent,
} from '../../protocol/websocket-events.js';
import type { Target } from '../../routes/route.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import type { Failure, HttpBackend, OriginRequest } from '../verdict.js';
import type { WebSocketVerdict } from '../websocket-verdict.js';
import { ClientQueue, type Offer } from './client-queue.js';
import {
  acceptedBytes,
  gripOf,
  isEventsResponse,
  keepAliveInterval,
  openingHeaders,
  storeMeta,
} from './response-headers.js';
import { WholeAnswer } from './whole-answer.js';

/** Tries after a request that could not be connected, and the milliseconds before the first of them. */
const MAX_RETRIES = 5;
const RETRY_BASE = 1_000;

export interface SessionParts {
  readonly backend: HttpBackend;
  readonly target: Target;
  readonly wheel: Wheel;
  readonly random: () => number;
  /** Bytes of client messages that may wait. */
  readonly maxBufferedBytes: number;
  readonly maxResponseBytes: number;
  readonly maxRejectBytes: number;
  /** Makes the request for these events: line, headers with fresh signature, body (specification 10.2). */
  readonly request: (body: Buffer, replayed: number, meta: ReadonlyMap<string, string>) => Promise<OriginRequest>;
  /** Called once. */
  readonly verdict: (verdict: WebSocketVerdict) => void;
}

type State = 'opening' | 'open' | 'closing' | 'over';

export class WebSocketOverHttp extends Timed implements WebSocketOrigin {
  private state: State = 'opening';
  private client: WebSocketClient | undefined = undefined;
  private readonly queue = new ClientQueue();
  private readonly meta = new Map<string, string>();
  /** True from the making of a request until its answer is there, retries included. */
  private busy = false;
  /** What has to be said to the origin when the request under way has ended. */
  private lastWords: (() => void) | undefined = undefined;
  /** Something happened that the origin has not been told. */
  private news = false;
  private paused = false;
  /** Seconds between requests without news; 0 is off. */
  private interval = 0;
  private retries = 0;
  /** Events that came with the accepting response. */
  private early: readonly WebSocketEvent[] = [];
  /** What the timer is for. */
  private waitingFor: 'keep-alive' | 'retry' = 'keep-alive';
  private repeat: (() => void) | undefined = undefined;

  constructor(private readonly parts: SessionParts) {
    super();
  }

  /** Sends the first request; the verdict follows. */
  open(): void {
    this.send([{ type: 'OPEN', content: undefined }], undefined);
  }

  /** The client went before there was a verdict. */
  abandon(): void {
    if (this.state !== 'opening') return;
    const wasSent = this.busy;
    this.state = 'over';
    this.parts.wheel.stop(this);
    if (wasSent) this.farewell();
  }

  attached(client: WebSocketClient): void {
    this.client = client;
    const { early } = this;
    this.early = [];
    this.receive(early);
    this.settle();
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
    this.news = true;
    this.pump();
  }

  closedByPublish(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.queue.addClose(undefined, '');
    this.news = true;
    this.pump();
  }

  refresh(): void {
    if (this.state !== 'open') return;
    this.news = true;
    this.pump();
  }

  gone(): void {
    if (this.state === 'over') return;
    const { state } = this;
    this.state = 'over';
    this.parts.wheel.stop(this);
    // A client that vanishes while it answers a close has been closed already, as far as the origin knows.
    if (state === 'open' || !this.queue.closing) this.farewell();
  }

  onTime(): void {
    if (this.waitingFor === 'retry') {
      const { repeat } = this;
      this.repeat = undefined;
      repeat?.();
      return;
    }
    this.news = true;
    this.pump();
  }

  private say(type: 'TEXT' | 'BINARY' | 'PING' | 'PONG', content: Buffer): void {
    if (this.state !== 'open') return;
    this.queue.add(type, content);
    this.news = true;
    if (this.queue.bytes > this.parts.maxBufferedBytes && !this.paused) {
      this.paused = true;
      this.client?.pause();
    }
    this.pump();
  }

  /** Makes a request when there is a reason to, and none is under way. */
  private pump(): void {
    if (this.busy || !this.news || this.state === 'over') return;
    this.news = false;
    if (this.state === 'opening') {
      this.open();
      return;
    }
    const offer = this.queue.offer(this.parts.target.options.oneEvent ? 1 : Number.POSITIVE_INFINITY);
    this.send(offer.events, offer);
  }

  private send(events: readonly WebSocketEvent[], offer: Offer | undefined): void {
    this.busy = true;
    this.parts.wheel.stop(this);
    const body = encodeEvents(events);
    const attempt = (): void => {
      void this.parts.request(body, offer?.replayed ?? 0, this.meta).then((request) => {
        if (this.state === 'over') {
          this.idle();
          return;
        }
        const answer = new WholeAnswer(this.parts.maxResponseBytes, (result) => {
          if (this.state === 'over') this.idle();
          else if (result.kind === 'failed') this.failed(result.failure, attempt);
          else this.answered(result.response, offer);
        });
        answer.attach(this.parts.backend.send(request, this.parts.target, answer));
      });
    };
    attempt();
  }

  /** The request under way has ended, and nobody waits for its answer any more. */
  private idle(): void {
    this.busy = false;
    const { lastWords } = this;
    this.lastWords = undefined;
    lastWords?.();
  }

  private failed(failure: Failure, again: () => void): void {
    if (this.state === 'opening') {
      this.busy = false;
      this.state = 'over';
      this.parts.verdict({ kind: 'failed', failure });
      return;
    }
    if (failure.kind !== 'connect' || this.retries >= MAX_RETRIES) {
      this.fail();
      return;
    }
    const delay = RETRY_BASE * 2 ** this.retries + Math.floor(this.parts.random() * RETRY_BASE);
    this.retries += 1;
    this.waitingFor = 'retry';
    this.repeat = again;
    this.parts.wheel.start(this, delay);
  }

  private answered(response: CompleteResponse, offer: Offer | undefined): void {
    this.busy = false;
    this.retries = 0;
    if (!isEventsResponse(response)) {
      if (this.state === 'opening') this.reject(response);
      else this.fail();
      return;
    }
    const events = readEvents(response.body);
    if (events === undefined) {
      this.broken();
      return;
    }
    this.interval = keepAliveInterval(response.headers) ?? this.interval;
    storeMeta(response.headers, this.meta);
    if (this.state === 'opening') {
      this.opened(response, events);
      return;
    }
    if (offer !== undefined && !this.settleOffer(offer, acceptedBytes(response.headers))) return;
    this.receive(events);
    this.settle(offer?.includesClose === true);
  }

  private opened(response: CompleteResponse, events: readonly WebSocketEvent[]): void {
    const [first, ...rest] = events;
    if (first === undefined && this.interval > 0) {
      // The origin takes its time: the client waits for the answer to a later request.
      this.startKeepAlive();
      return;
    }
    if (first?.type !== 'OPEN') {
      this.broken();
      return;
    }
    this.state = 'open';
    this.early = rest;
    const headers = openingHeaders(response.headers);
    this.parts.verdict({
      kind: 'accept',
      reason: 'Switching Protocols',
      headers,
      grip: gripOf(response.headers),
      origin: this,
    });
  }

  private reject(response: CompleteResponse): void {
    this.state = 'over';
    const body = response.body.subarray(0, this.parts.maxRejectBytes);
    this.parts.verdict({ kind: 'reject', response: { ...response, body } });
  }

  /** Removes what was accepted; false when that made no sense and the connection is over. */
  private settleOffer(offer: Offer, accepted: number | undefined): boolean {
    const stuck = accepted === 0 && offer.bytes > 0 && offer.events.length < this.queue.length;
    if (this.queue.accept(offer, accepted) !== 'ok' || stuck) {
      this.fail();
      return false;
    }
    if (this.paused && this.queue.bytes <= this.parts.maxBufferedBytes) {
      this.paused = false;
      this.client?.resume();
    }
    return true;
  }

  private receive(events: readonly WebSocketEvent[]): void {
    const { client } = this;
    for (const { type, content = Buffer.alloc(0) } of events) {
      if (client === undefined || this.state !== 'open') return;
      switch (type) {
        case 'TEXT':
          client.fromOrigin('text', content);
          break;
        case 'BINARY':
          client.fromOrigin('binary', content);
          break;
        case 'PING':
          client.fromOrigin('ping', content);
          break;
        case 'PONG':
          client.fromOrigin('pong', content);
          break;
        case 'CLOSE': {
          const { code, reason } = decodeCloseContent(content);
          this.state = 'closing';
          client.close(code, reason);
          return;
        }
        case 'OPEN':
        case 'DISCONNECT':
          this.state = 'over';
          this.parts.wheel.stop(this);
          client.drop();
          return;
        default:
          break;
      }
    }
  }

  /** After an answer: what is next? `sentClose`: the origin has been told of the client's close. */
  private settle(sentClose = false): void {
    if (this.state === 'closing' && sentClose) {
      // Both sides have said it: nothing is left to tell.
      this.state = 'over';
      return;
    }
    if (this.state === 'open' && sentClose && this.interval === 0) {
      // The origin heard of the close and did not answer it, and will not be asked again.
      this.state = 'over';
      this.client?.drop();
      return;
    }
    if (this.state === 'over') return;
    if (this.news) this.pump();
    else if (this.interval > 0) this.startKeepAlive();
  }

  private startKeepAlive(): void {
    this.waitingFor = 'keep-alive';
    this.parts.wheel.start(this, this.interval * 1_000);
  }

  /** What the origin sent is not what it promised. */
  private broken(): void {
    if (this.state !== 'opening') {
      this.fail();
      return;
    }
    this.state = 'over';
    this.parts.verdict({
      kind: 'failed',
      failure: { kind: 'other', detail: 'the origin did not answer with an OPEN event' },
    });
  }

  /** The connection cannot go on: the client is dropped, the origin told. */
  private fail(): void {
    this.busy = false;
    this.state = 'over';
    this.parts.wheel.stop(this);
    this.client?.drop();
    this.farewell();
  }

  /** Tells the origin that the client has gone, after what is under way. */
  private farewell(): void {
    const body = encodeEvents([{ type: 'DISCONNECT', content: undefined }]);
    let tries = 0;
    const attempt = (): void => {
      void this.parts.request(body, 0, this.meta).then((request) => {
        const answer = new WholeAnswer(this.parts.maxResponseBytes, (result) => {
          if (result.kind !== 'failed' || result.failure.kind !== 'connect' || tries >= MAX_RETRIES) return;
          this.waitingFor = 'retry';
          this.repeat = attempt;
          this.parts.wheel.start(this, RETRY_BASE * 2 ** tries);
          tries += 1;
        });
        answer.attach(this.parts.backend.send(request, this.parts.target, answer));
      });
    };
    if (this.repeat !== undefined) {
      // A request that was waiting for its retry will not be made any more.
      this.repeat = undefined;
      this.busy = false;
    }
    if (this.busy) this.lastWords = attempt;
    else attempt();
  }
}

function readEvents(body: Buffer): WebSocketEvent[] | undefined {
  try {
    return decodeEvents(body);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

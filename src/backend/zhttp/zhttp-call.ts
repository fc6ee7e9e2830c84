/**
 * One HTTP request to a handler that streams (specification 9.4).
 *
 *     gathering ──► asked ──first data packet──► answering ──packet without `more`──► over
 *
 * The answer goes on as it comes. Whoever gets it says when it has had enough; then what comes waits here, the handler gets
 * no credits for it, and so sends no more than a window.
 */

import { reasonOf } from '../../protocol/status-reasons.js';
import type { ZhttpResponsePacket } from '../../protocol/zhttp.js';
import type { Target } from '../../routes/route.js';
import { asError } from '../origin-failure.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from '../verdict.js';
import { type AnswerFrame, answerFrame } from './answer-length.js';
import { type FeedHandler, RequestFeed } from './request-feed.js';
import { type SessionHome, ZhttpSession } from './session.js';
import { lengthHeader, targetFields } from './target-fields.js';
import { WaitingPieces } from './waiting-pieces.js';

const NOTHING = Buffer.alloc(0);

export class ZhttpCall extends ZhttpSession implements AnswerCall, FeedHandler {
  private readonly feed: RequestFeed;
  private frame: AnswerFrame | undefined = undefined;
  /** Bytes of the body that have come. */
  private size = 0;
  /** The receiver wants no more for now. */
  private full = false;
  /** It has called the call off, maybe in the middle of being told something: it is told nothing more. */
  private calledOff = false;
  /** Bytes that it got and may not have taken. */
  private untaken = 0;
  private waiting: WaitingPieces | undefined = undefined;

  constructor(
    home: SessionHome,
    private readonly request: OriginRequest,
    private readonly target: Target & { readonly kind: 'zhttp' },
    private readonly receiver: AnswerReceiver,
  ) {
    super(home, target.spec);
    this.feed = new RequestFeed(request.body, this);
  }

  start(): void {
    if (this.feed.isWhole) {
      this.ask();
      return;
    }
    this.feed.gather().then(
      () => {
        if (!this.isOver) this.ask();
      },
      (error: unknown) => this.bodyFailed(error),
    );
  }

  cancel(): void {
    this.calledOff = true;
    this.feed.stop();
    this.end(true);
  }

  resume(): void {
    this.full = false;
    for (const piece of this.takeWaiting()) {
      if (this.calledOff) return;
      this.give(piece);
    }
    if (this.full || this.isOver) return;
    this.taken(this.untaken);
    this.untaken = 0;
  }

  /** The handler has to be known before anything follows the first packet. */
  get isKnown(): boolean {
    return this.peer !== undefined;
  }

  get room(): number {
    return this.credits;
  }

  sendBody(part: Buffer, more: boolean): void {
    this.credits -= part.length;
    this.say({ ...(part.length > 0 ? { body: part } : {}), more });
  }

  protected took(packet: ZhttpResponsePacket): void {
    // Signs of life and credits are dealt with; all else is no business of a request.
    if (packet.type !== 'data') return;
    const body = packet.body ?? NOTHING;
    if (!this.received(body.length)) return;
    if (this.frame === undefined && !this.begins(packet, body)) return;
    const { frame } = this;
    if (frame === undefined) return;
    this.size += body.length;
    const rest = frame.length === undefined || frame.bodiless ? undefined : frame.length - this.size;
    if (rest !== undefined && (rest < 0 || (rest > 0 && !packet.more))) {
      this.broken('length', `the body has not the ${frame.length} bytes that were announced`);
      return;
    }
    if (frame.bodiless) this.taken(body.length);
    else if (body.length > 0) this.pass(body);
    // The receiver may have called it off.
    if (packet.more || this.isOver) return;
    this.finish();
  }

  protected moved(): void {
    this.feed.moved();
  }

  protected failed(failure: Failure): void {
    this.waiting = undefined;
    // A body that was read from the client cannot be sent to another target.
    const isFinal = failure.kind === 'connect' && !this.feed.isWhole;
    this.receiver.failed(isFinal ? { kind: 'other', detail: 'the body cannot be sent again' } : failure);
    this.feed.stop();
  }

  private ask(): void {
    const { request, target, feed } = this;
    const { method, scheme, authority, path, headers, body } = request;
    const { bytes, more } = feed.first();
    this.begin({
      method,
      uri: `${scheme}://${authority}${path}`,
      headers: [['Host', authority], ...headers, ...lengthHeader(method, body.length)],
      ...(bytes.length > 0 ? { body: bytes } : {}),
      more,
      stream: true,
      ...targetFields(target),
    });
    if (!feed.isWhole || more) feed.run().catch((error: unknown) => this.bodyFailed(error));
  }

  /** The head; false when it is none. */
  private begins({ code, reason, headers = [], more }: ZhttpResponsePacket, body: Buffer): boolean {
    if (code === undefined || code < 200 || code > 999) {
      this.broken('status', code === undefined ? 'an answer without a status' : `an answer with the status ${code}`);
      return false;
    }
    this.frame = answerFrame(this.request.method, code, headers, more ? undefined : body.length);
    this.receiver.head(code, reason ?? reasonOf(code), this.frame.headers);
    return !this.isOver;
  }

  private pass(body: Buffer): void {
    if (!this.full) {
      this.give(body);
    } else {
      this.waiting ??= new WaitingPieces();
      this.waiting.add(body);
    }
  }

  private takeWaiting(): readonly Buffer[] {
    const { waiting } = this;
    this.waiting = undefined;
    return waiting?.take() ?? [];
  }

  private give(piece: Buffer): void {
    this.untaken += piece.length;
    if (!this.receiver.data(piece)) {
      this.full = true;
    } else if (!this.full) {
      this.taken(this.untaken);
      this.untaken = 0;
    }
  }

  private finish(): void {
    // A handler that has said all of its answer may still wait for the rest of the request.
    this.end(!this.feed.isSent);
    for (const piece of this.takeWaiting()) {
      if (this.calledOff) return;
      this.receiver.data(piece);
    }
    if (this.calledOff) return;
    this.receiver.end();
    // Not before: whoever gets the answer may want all of the request's body.
    this.feed.stop();
  }

  private bodyFailed(error: unknown): void {
    if (this.isOver) return;
    this.end(true);
    this.failed({ kind: 'other', detail: asError(error).message });
  }
}

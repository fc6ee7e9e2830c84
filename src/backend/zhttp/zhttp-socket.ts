/**
 * One WebSocket with a handler that gets it as packets (specification 9.5).
 *
 *     opening ──101──► open ──close sent and received──► over
 *        ├─ rejected, error ──► over       └── cancel, error, silence, end() ──► over
 *
 * Messages wait here until the handler has credits for them; a long one goes in as many packets as the credits make of it.
 * Credits are given back at once while the client takes what comes, for parts of a message too; otherwise for nothing until
 * what came before has gone out. A part never waits for the rest of its own message, so that the two sides cannot wait for
 * each other.
 */
import { isUtf8 } from 'node:buffer';
import type { HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import type { WebSocketMessageType } from '../../protocol/item.js';
import { joinedBytes } from '../../protocol/joined-bytes.js';
import { reasonOf } from '../../protocol/status-reasons.js';
import type { ZhttpResponsePacket } from '../../protocol/zhttp.js';
import type { Target } from '../../routes/route.js';
import type { Call, Failure } from '../verdict.js';
import type { OpeningRequest } from '../websocket-origin/opening.js';
import { failureOf } from './conditions.js';
import { OutgoingWords } from './outgoing-words.js';
import { type SessionHome, ZhttpSession } from './session.js';
import { targetFields, withoutFraming } from './target-fields.js';
import { WaitingPieces } from './waiting-pieces.js';

/** Bytes of a ping or pong (RFC 6455 5.5). */
const MAX_CONTROL = 125;
/** Messages of a handler that wait for the client: empty ones need no credits. */
const MAX_UNPAID = 20_000;

/** Close codes for what a handler may not send (RFC 6455 7.4.1). */
const PROTOCOL_ERROR = 1002;
const NO_UTF8 = 1007;
const TOO_LARGE = 1009;

const NOTHING = Buffer.alloc(0);

export type SocketResult =
  | { readonly kind: 'opened'; readonly reason: string; readonly headers: HeaderList; readonly session: ZhttpSocket }
  | { readonly kind: 'refused'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface SocketLimits {
  /** Bytes of one message of the handler. */
  readonly maxMessageBytes: number;
  /** Bytes of a refusal's body; the rest is cut off. */
  readonly maxRejectBytes: number;
}

/** Who hears what the handler says. */
export interface SocketListener {
  onMessage(type: 'text' | 'binary', content: Buffer): void;
  onPing(content: Buffer): void;
  onPong(content: Buffer): void;
  onClose(code: number | undefined, reason: string): void;
  onViolation(code: number): void;
  /** What waited for the handler has gone out. */
  drained(): void;
  /** It is over, without a close. */
  ended(): void;
}

export class ZhttpSocket extends ZhttpSession implements Call {
  /** Set by whoever is told that it is open, at once. */
  listener: SocketListener | undefined = undefined;
  private stage: 'opening' | 'open' = 'opening';
  private readonly words = new OutgoingWords();
  /** Of a message whose end has not come. */
  private parts: WaitingPieces | undefined = undefined;
  private partsType: 'text' | 'binary' = 'text';
  /** The client takes what comes; otherwise no credits are given for it. */
  private reading = false;
  private unpaid = 0;
  private unpaidWords = 0;
  private closeSent = false;
  private closeReceived = false;

  /** @param done - called once, never before this returns */
  constructor(
    home: SessionHome,
    private readonly target: Target & { readonly kind: 'zhttp' },
    private readonly limits: SocketLimits,
    private readonly done: (result: SocketResult) => void,
  ) {
    super(home, target.spec);
  }

  start({ authority, path, headers }: OpeningRequest): void {
    const { target } = this;
    this.begin({
      uri: `${target.options.ssl ? 'wss' : 'ws'}://${authority}${path}`,
      headers: [['Host', authority], ...headers],
      ...targetFields(target),
    });
  }

  cancel(): void {
    this.end(true);
  }

  /** Bytes that wait for the handler, with what each message costs besides. */
  get queuedBytes(): number {
    return this.words.bytes;
  }

  send(type: WebSocketMessageType, content: Buffer): void {
    this.words.add(type, content);
    this.moved();
  }

  sendClose(code: number, reason: string): void {
    this.words.close(code, reason);
    this.moved();
  }

  /** Gives no credits for what comes from now on. */
  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
    const { unpaid } = this;
    this.unpaid = 0;
    this.unpaidWords = 0;
    if (unpaid > 0) this.taken(unpaid);
  }

  /** Ends it, in order if both have said their close. */
  finish(): void {
    // Who has closed takes no more messages: ours would wait for credits that never come.
    if (this.closeReceived) this.words.dropMessages();
    this.moved();
    this.end(!(this.closeSent && this.closeReceived));
  }

  protected took(packet: ZhttpResponsePacket): void {
    if (this.stage === 'opening') {
      this.opens(packet);
      return;
    }
    // What follows a close has no meaning.
    if (this.closeReceived) return;
    const body = packet.body ?? NOTHING;
    switch (packet.type) {
      case 'data':
        if (this.received(body.length)) this.part(packet, body);
        return;
      case 'ping':
      case 'pong':
        if (!this.received(body.length)) return;
        if (body.length > MAX_CONTROL) this.listener?.onViolation(PROTOCOL_ERROR);
        else if (packet.type === 'ping') this.listener?.onPing(body);
        else this.listener?.onPong(body);
        this.payWord(body.length);
        return;
      case 'close':
        this.closeReceived = true;
        this.listener?.onClose(packet.code, body.toString());
        return;
      default:
    }
  }

  protected moved(): void {
    if (this.peer === undefined || this.isOver) return;
    const { words } = this;
    const waited = words.bytes > 0;
    for (let word = words.next(this.credits); word !== undefined; word = words.next(this.credits)) {
      if (word.type === 'close') this.closeSent = true;
      else this.credits -= word.body?.length ?? 0;
      this.say(word);
    }
    if (waited && words.bytes === 0) this.listener?.drained();
  }

  protected failed(failure: Failure): void {
    if (this.stage === 'opening') this.done({ kind: 'failed', failure });
    else this.listener?.ended();
  }

  protected override refused(packet: ZhttpResponsePacket): void {
    const { condition, code = 0, reason, headers = [], body = NOTHING } = packet;
    if (this.stage !== 'opening' || condition !== 'rejected' || code < 200 || code > 999) {
      this.failed(failureOf(condition));
      return;
    }
    const shown = body.subarray(0, this.limits.maxRejectBytes);
    const response = { code, reason: reason ?? reasonOf(code), headers: withoutFraming(headers), body: shown };
    this.done({ kind: 'refused', response });
  }

  private opens({ type, code, reason, headers = [] }: ZhttpResponsePacket): void {
    if (type === 'credit' || type === 'keep-alive') return;
    if (type !== 'data' || code !== 101 || this.peer === undefined) {
      const what = this.peer === undefined ? 'does not say whom it is from' : 'is not the acceptance of a WebSocket';
      this.broken('opening', `a first packet ${what}`);
      return;
    }
    this.stage = 'open';
    this.done({ kind: 'opened', reason: reason ?? reasonOf(code), headers, session: this });
  }

  private part({ more, contentType }: ZhttpResponsePacket, body: Buffer): void {
    const type = this.parts === undefined ? (contentType ?? 'text') : this.partsType;
    if ((this.parts?.size ?? 0) + body.length > this.limits.maxMessageBytes) {
      this.listener?.onViolation(TOO_LARGE);
      return;
    }
    if (more) {
      this.parts ??= new WaitingPieces();
      this.parts.add(body);
      this.partsType = type;
      this.pay(body.length);
      return;
    }
    const { parts } = this;
    this.parts = undefined;
    parts?.add(body);
    const content = parts === undefined ? body : joinedBytes(parts.take());
    if (type === 'text' && !isUtf8(content)) {
      this.listener?.onViolation(NO_UTF8);
      return;
    }
    this.listener?.onMessage(type, content);
    this.payWord(body.length);
  }

  /** Gives credits, now or when the client has room again. */
  private pay(bytes: number): void {
    if (this.reading) this.taken(bytes);
    else this.unpaid += bytes;
  }

  /** The same for the end of a message, which takes room even where it has no bytes. */
  private payWord(bytes: number): void {
    if (this.isOver) return;
    this.pay(bytes);
    if (this.reading) return;
    this.unpaidWords += 1;
    if (this.unpaidWords > MAX_UNPAID) this.broken('unpaid', `more than ${MAX_UNPAID} messages wait for the client`);
  }
}

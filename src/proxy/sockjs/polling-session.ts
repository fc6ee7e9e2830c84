/**
 * One SockJS session over polling: the requests of a client that its origin takes for one WebSocket (specification 13).
 *
 *     opening ──accepted: `o`──► open ──close frame taken, or a poll's client gone──► closed ──5 s──► over
 *        └─refused──► over        └──nobody polls for 5 s, or broken off──► over
 *
 * At most one poll waits at a time. A closed session answers whoever comes with its last frame. One timer is enough:
 * while a poll waits it is for the heartbeat, otherwise for the end.
 */
import type { HoldParts } from '../../hold/hold-parts.js';
import { closeFrame, HEARTBEAT_FRAME, HEARTBEAT_INTERVAL, OPEN_FRAME } from '../../hold/sockjs-frames.js';
import { PollingHold, type PollingTransport } from '../../hold/sockjs-polling-hold.js';
import type { WebSocketHoldOptions } from '../../hold/websocket-hold.js';
import { withoutHeaders } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { Timed } from '../../time/wheel.js';
import type { Acceptance, WebSocketDoor } from '../websocket-door.js';
import type { SockjsSessions } from './sessions.js';
import type { SockjsAnswer } from './sockjs-answer.js';

/** Milliseconds without a poll after which a session is over, and for which a closed one is remembered. */
const LINGER = 5_000;
const STILL_OPEN = closeFrame(2010, 'Another connection still open');
const CLOSED_BY_CLIENT = closeFrame(3000, 'Client already closed connection');
/** What a client hears of a session that has gone. */
export const TERMINATED = 'Session terminated\n';

/** Of an origin's refusal: they belong to the handshake that it refuses. Lower case. */
const HANDSHAKE = new Set(['upgrade', 'sec-websocket-accept', 'sec-websocket-extensions', 'sec-websocket-version']);

type State = 'opening' | 'open' | 'closed' | 'over';

interface EarlySend {
  readonly answer: SockjsAnswer;
  readonly messages: readonly Buffer[];
}

export class PollingSession extends Timed implements WebSocketDoor, PollingTransport {
  onGone: (() => void) | undefined = undefined;
  private state: State = 'opening';
  private poll: SockjsAnswer | undefined;
  private hold: PollingHold | undefined = undefined;
  /** Messages that came before the origin has accepted. */
  private early: EarlySend | undefined = undefined;
  private lastFrame = '';
  private flushing = false;

  /** @param poll - the request that opens the session */
  constructor(
    private readonly parts: HoldParts,
    private readonly sessions: SockjsSessions,
    private readonly id: string,
    poll: SockjsAnswer,
    /** Bytes of one message of the client. */
    private maxMessageBytes: number,
  ) {
    super();
    this.poll = poll;
    sessions.add(id, this);
    poll.exchange.onGone = () => this.leftWhileOpening();
  }

  get gone(): boolean {
    return this.state === 'over';
  }

  accept(acceptance: Acceptance, options: WebSocketHoldOptions) {
    const hold = new PollingHold(this.parts, acceptance.origin, options, this);
    this.hold = hold;
    this.maxMessageBytes = acceptance.maxMessageBytes ?? this.maxMessageBytes;
    this.state = 'open';
    acceptance.pace?.(hold);
    this.answerPoll(OPEN_FRAME);
    return { hold, begin: () => this.sendEarly() };
  }

  reject(response: CompleteResponse): void {
    const { poll } = this;
    this.forget();
    poll?.respond({ ...response, headers: withoutHeaders(response.headers, HANDSHAKE) });
  }

  /** The client asks for what there is to say. */
  ask(answer: SockjsAnswer): void {
    if (this.state === 'closed') {
      answer.frame(this.lastFrame);
      return;
    }
    if (this.poll !== undefined) {
      answer.frame(STILL_OPEN);
      return;
    }
    this.poll = answer;
    if (this.flush()) return;
    answer.exchange.onGone = () => this.leftPoll();
    answer.exchange.release();
    this.parts.wheel.start(this, HEARTBEAT_INTERVAL);
  }

  /** The client says something. */
  send(answer: SockjsAnswer, messages: readonly Buffer[]): void {
    if (this.state === 'closed') answer.frame(this.lastFrame);
    else if (messages.some(({ length }) => length > this.maxMessageBytes)) this.refuse(answer, 'Message too large\n');
    else if (this.hold !== undefined) this.sendOn(this.hold, answer, messages);
    else if (this.early === undefined) this.early = { answer, messages };
    else this.refuse(answer, 'Already sending\n');
  }

  ready(): void {
    if (this.flushing || this.poll === undefined) return;
    this.flushing = true;
    // What comes in one turn goes out in one answer.
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  /** Answers the poll that waits with what there is; false when there is nothing. */
  flush(): boolean {
    if (this.state !== 'open' || this.poll === undefined) return false;
    const frame = this.hold?.nextFrame();
    if (frame === undefined) return false;
    if (frame.kind === 'close') {
      this.state = 'closed';
      this.lastFrame = frame.bytes.toString();
    }
    this.answerPoll(frame.bytes);
    return true;
  }

  broken(): void {
    if (this.state !== 'open') return;
    const { poll } = this;
    this.forget();
    poll?.text(410, TERMINATED);
  }

  /** A poll has waited long, nobody polls any more, or the session has been remembered long enough. */
  onTime(): void {
    if (this.state === 'open' && this.poll !== undefined) {
      this.answerPoll(HEARTBEAT_FRAME);
      return;
    }
    this.forget();
    this.hold?.connectionClosed();
  }

  private answerPoll(frame: Buffer | string): void {
    const { poll } = this;
    this.poll = undefined;
    this.parts.wheel.start(this, LINGER);
    poll?.frame(frame);
  }

  private sendOn(hold: PollingHold, answer: SockjsAnswer, messages: readonly Buffer[]): void {
    const done = (taken: boolean): void => {
      if (taken) answer.taken();
      else answer.text(410, TERMINATED);
    };
    if (!hold.sendAll(messages, done)) this.refuse(answer, 'Already sending\n');
  }

  private refuse(answer: SockjsAnswer, text: string): void {
    this.parts.counters.requestErrors += 1;
    answer.text(400, text);
  }

  private sendEarly(): void {
    const { early, hold } = this;
    this.early = undefined;
    if (early !== undefined && hold !== undefined) this.sendOn(hold, early.answer, early.messages);
  }

  /** The client does not wait for a poll's answer: that is how SockJS says goodbye. */
  private leftPoll(): void {
    this.poll = undefined;
    this.state = 'closed';
    this.lastFrame = CLOSED_BY_CLIENT;
    this.parts.wheel.start(this, LINGER);
    this.hold?.onClose(undefined, '');
  }

  private leftWhileOpening(): void {
    this.forget();
    this.onGone?.();
  }

  private forget(): void {
    const { early } = this;
    this.state = 'over';
    this.poll = undefined;
    this.early = undefined;
    this.parts.wheel.stop(this);
    this.sessions.remove(this.id, this);
    early?.answer.text(410, TERMINATED);
  }
}

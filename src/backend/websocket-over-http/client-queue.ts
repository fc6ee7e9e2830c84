/**
 * What a client has said and its origin has not taken yet (specification 10.5, 10.7). A request offers everything that
 * is there; the origin may accept a part of the bytes, and the rest is offered again.
 *
 *     messages   TEXT "hello"   BINARY 3 bytes   PING ""        close 1000 "bye"
 *     offered    5            + 3              + 0            + 5 (code and reason)      = 13 bytes
 */
import { encodeCloseContent, type WebSocketEvent } from '../../protocol/websocket-events.js';

/** Bytes that a waiting message costs besides its content: empty ones must not be free. */
const MESSAGE_COST = 64;

interface Message {
  readonly type: 'TEXT' | 'BINARY' | 'PING' | 'PONG';
  content: Buffer;
}

/** The events of one request. */
export interface Offer {
  readonly events: readonly WebSocketEvent[];
  /** Content bytes in it. */
  readonly bytes: number;
  /** Content bytes that were offered before and not accepted. */
  readonly replayed: number;
  readonly includesClose: boolean;
  /** Something waited that found no place in it. */
  readonly leftOut: boolean;
}

export type AcceptResult = 'ok' | 'too-much' | 'close-cut';

/** Shared by all that have none. */
const NO_MESSAGES: Message[] = [];

export class ClientQueue {
  private messages = NO_MESSAGES;
  private close: { readonly content: Buffer | undefined } | undefined = undefined;
  /** Bytes at the front that a request has offered already. */
  private offeredBefore = 0;
  private size = 0;

  /** Bytes that wait, with what each message costs besides. */
  get weight(): number {
    return this.size + this.messages.length * MESSAGE_COST;
  }

  /** True when nothing waits, neither messages nor a close. */
  get empty(): boolean {
    return this.messages.length === 0 && this.close === undefined;
  }

  /** True from the client's close until an origin has accepted it. */
  get closing(): boolean {
    return this.close !== undefined;
  }

  add(type: Message['type'], content: Buffer): void {
    if (this.messages === NO_MESSAGES) this.messages = [];
    this.messages.push({ type, content });
    this.size += content.length;
  }

  /** The last thing a client says; `code` undefined for a close without one. */
  addClose(code: number | undefined, reason: string): void {
    this.close ??= { content: encodeCloseContent(code, reason) };
  }

  /**
   * Takes the events for a request.
   * @param minimum - messages are taken until this many content bytes are there; Infinity takes all
   */
  offer(minimum: number): Offer {
    const events: WebSocketEvent[] = [];
    let bytes = 0;
    for (const { type, content } of this.messages) {
      if (bytes >= minimum) break;
      events.push({ type, content });
      bytes += content.length;
    }
    const includesClose = this.close !== undefined && events.length === this.messages.length && bytes < minimum;
    if (this.close !== undefined && includesClose) {
      events.push({ type: 'CLOSE', content: this.close.content });
      bytes += this.close.content?.length ?? 0;
    }
    const leftOut = events.length < this.messages.length || (this.close !== undefined && !includesClose);
    const replayed = Math.min(this.offeredBefore, bytes);
    return { events, bytes, replayed, includesClose, leftOut };
  }

  /** Removes what the origin accepted of an offer; `accepted` undefined is all of it. */
  accept(offer: Offer, accepted: number | undefined): AcceptResult {
    const taken = accepted ?? offer.bytes;
    if (taken > offer.bytes) return 'too-much';
    const messageCount = offer.events.length - (offer.includesClose ? 1 : 0);
    let left = taken;
    let removed = 0;
    while (removed < messageCount) {
      const message = this.messages[removed] as Message;
      // Empty messages go with the one before them; all of them go when all was accepted.
      if (message.content.length > left || (left === 0 && removed === 0 && taken < offer.bytes)) break;
      left -= message.content.length;
      this.size -= message.content.length;
      removed += 1;
    }
    this.messages = removed === this.messages.length ? NO_MESSAGES : this.messages.slice(removed);
    const first = this.messages[0];
    if (removed < messageCount && first !== undefined && left > 0) {
      first.content = first.content.subarray(left);
      this.size -= left;
      left = 0;
    }
    this.offeredBefore = offer.bytes - taken;
    if (!offer.includesClose || removed < messageCount) return 'ok';
    const closeBytes = this.close?.content?.length ?? 0;
    if (left < closeBytes) return 'close-cut';
    this.close = undefined;
    this.offeredBefore = 0;
    return 'ok';
  }
}

/** What is to be said to a handler's WebSocket, in packets that fit into its credits (specification 9.5). */
import type { WebSocketMessageType } from '../../protocol/item.js';
import type { PacketFields } from './session.js';

/** Bytes that a word counts for beside its content: empty ones must not pile up either. */
const WORD_COST = 10;

interface Word {
  readonly type: WebSocketMessageType;
  readonly content: Buffer;
}

export class OutgoingWords {
  /** Content that waits, with `WORD_COST` for each word. */
  bytes = 0;
  private waiting: Word[] = [];
  /** Bytes of the first word that have gone. */
  private gone = 0;
  private last: PacketFields | undefined = undefined;

  add(type: WebSocketMessageType, content: Buffer): void {
    // Nothing is said behind a close.
    if (this.last !== undefined) return;
    this.waiting.push({ type, content });
    this.bytes += content.length + WORD_COST;
  }

  /** The last word. */
  close(code: number, reason: string): void {
    this.last ??= { type: 'close', code, ...(reason === '' ? {} : { body: Buffer.from(reason) }) };
  }

  /** Leaves out what waits before the close. */
  dropMessages(): void {
    this.waiting = [];
    this.gone = 0;
    this.bytes = 0;
  }

  /** The next packet that `credits` bytes allow; undefined when there is none. A close needs no credits. */
  next(credits: number): PacketFields | undefined {
    const [word] = this.waiting;
    if (word === undefined) {
      const { last } = this;
      // Said once.
      if (last !== undefined) this.last = SAID;
      return last === SAID ? undefined : last;
    }
    const { type, content } = word;
    const left = content.length - this.gone;
    const isControl = type === 'ping' || type === 'pong';
    if (left > 0 && credits < (isControl ? left : 1)) return undefined;
    const body = content.subarray(this.gone, this.gone + Math.min(left, credits));
    const more = body.length < left;
    this.gone += body.length;
    this.bytes -= body.length;
    if (!more) {
      this.waiting.shift();
      this.gone = 0;
      this.bytes -= WORD_COST;
    }
    const fields = body.length > 0 ? { body } : {};
    return isControl ? { type, ...fields } : { contentType: type === 'binary' ? 'binary' : 'text', ...fields, more };
  }
}

const SAID: PacketFields = {};

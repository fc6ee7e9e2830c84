/**
 * What an origin says, on its way to a client that may read more slowly (specification 11.1). Where it is known how much
 * waits for the client, no more is handed over than its window takes, so that the limit on a client's outbox, which is
 * there for what is published, is never reached by the origin's messages; the rest waits here, and the origin is not read
 * meanwhile. What waits is therefore never more than what had been read when the window was full.
 */
import type { WebSocketClient } from '../../hold/websocket-origin.js';
import type { WebSocketMessageType } from '../../protocol/item.js';
import type { ClientFlow } from '../websocket-verdict.js';

/** Bytes that a frame has besides its content, at most. */
const FRAME_HEAD = 10;

type Word =
  | { readonly kind: 'message'; readonly type: WebSocketMessageType; readonly content: Buffer }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string };

export interface FeedOptions {
  /** Bytes that may wait for the client before the origin has to. */
  readonly window: number;
  /** The origin has to wait. */
  readonly full: () => void;
  /** It may go on. */
  readonly room: () => void;
}

export class ClientFeed {
  private waiting: Word[] = [];
  private stopped = false;

  /** @param flow - undefined where the transport cannot tell what waits: then everything is handed over at once */
  constructor(
    private readonly client: WebSocketClient,
    private readonly flow: ClientFlow | undefined,
    private readonly options: FeedOptions,
  ) {}

  message(type: WebSocketMessageType, content: Buffer): void {
    this.add({ kind: 'message', type, content });
  }

  /** The origin's last word. */
  close(code: number, reason: string): void {
    this.add({ kind: 'close', code, reason });
  }

  /** Nobody is there to be told any more. */
  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  private add(word: Word): void {
    if (this.stopped) return;
    if (this.waiting.length === 0 && this.fits(word)) {
      this.tell(word);
      return;
    }
    this.waiting.push(word);
    if (this.waiting.length > 1) return;
    this.options.full();
    this.flow?.whenSent(this.goOn);
  }

  private fits(word: Word): boolean {
    const { flow } = this;
    if (flow === undefined || word.kind === 'close') return true;
    const { queuedBytes } = flow;
    return queuedBytes === 0 || queuedBytes + word.content.length + FRAME_HEAD <= this.options.window;
  }

  private tell(word: Word): void {
    if (word.kind === 'message') this.client.fromOrigin(word.type, word.content);
    else this.client.close(word.code, word.reason);
  }

  private readonly goOn = (): void => {
    let told = 0;
    // Telling may end the client, and with it what waits.
    for (let word = this.waiting[0]; word !== undefined && this.fits(word); word = this.waiting[told]) {
      told += 1;
      this.tell(word);
    }
    if (this.stopped) return;
    this.waiting.splice(0, told);
    if (this.waiting.length > 0) this.flow?.whenSent(this.goOn);
    else this.options.room();
  };
}

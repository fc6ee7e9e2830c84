/**
 * The body of a request while it comes in. It is decoded as it arrives, so that its end is known, and kept for whoever
 * reads it; what is kept beyond a bound stops the socket.
 *
 *     kept ──prefetch──► prefetching ──limit, or the end──► kept ──rest──► read
 *       └───────────────letGo──────► unwanted ◄──letGo──────┘
 *
 * A reader of `rest` goes on when the exchange lets go; it is cut off when the connection ends.
 */
import { ChunkedDecoder, type ChunkedFault } from '../../protocol/http1/chunked-decoder.js';
import { joinedBytes } from '../../protocol/joined-bytes.js';
import type { Prefetched, RequestBody } from '../client-request.js';
import type { RequestTail } from '../http1-exchange.js';

/** Bytes that are kept before the socket is stopped; a packet that is read already comes on top. */
const MAX_KEPT = 100_000;

/** Pieces that are kept before they are put together. */
const MAX_PIECES = 256;

type Use = 'kept' | 'prefetching' | 'read' | 'unwanted';

/** What a body needs of its connection. */
export interface BodySource {
  /** The body is about to be read for the first time. */
  bodyAwaited(body: EdgeBody): void;
  /** There is room for more. */
  bodyDrained(body: EdgeBody): void;
}

interface Wish {
  readonly limit: number;
  readonly done: (prefetched: Prefetched) => void;
}

export class EdgeBody implements RequestBody, RequestTail {
  complete = false;
  private use: Use = 'kept';
  private lost = false;
  private pieces: Buffer[] = [];
  private kept = 0;
  private missing: number;
  private readonly decoder: ChunkedDecoder | undefined;
  private wish: Wish | undefined = undefined;
  /** Wakes the reader that waits for more. */
  private wake: (() => void) | undefined = undefined;

  /**
   * @param length - bytes; undefined for a chunked body
   * @param maxExtraBytes - bytes of the extensions of all chunks together, and of the trailers
   */
  constructor(
    private readonly source: BodySource,
    readonly length: number | undefined,
    maxExtraBytes: number,
    readonly expectsContinue: boolean,
  ) {
    this.missing = length ?? 0;
    this.decoder = length === undefined ? new ChunkedDecoder(maxExtraBytes) : undefined;
  }

  /** True while no more should be read from the client. */
  get full(): boolean {
    return this.kept >= MAX_KEPT && this.use !== 'prefetching';
  }

  /**
   * Takes bytes of the client, for `deliver` to pass on.
   * @returns how many of them belong to the body, or why it cannot be read on
   */
  take(bytes: Buffer): number | ChunkedFault {
    return this.decoder === undefined ? this.takeCounted(bytes) : this.takeChunks(this.decoder, bytes);
  }

  /** Gives what has come to whoever waits for it. */
  deliver(): void {
    const { wish } = this;
    if (wish === undefined) {
      this.wakeReader();
      return;
    }
    if (!this.complete && this.kept < wish.limit) return;
    this.wish = undefined;
    this.use = 'kept';
    // What is longer than the limit is one that goes by, even if its end has come with it (specification 3.3).
    const complete = this.kept < wish.limit;
    wish.done({ bytes: this.drain(), complete });
  }

  prefetch(limit: number, done: (prefetched: Prefetched) => void): void {
    if (this.use !== 'kept') return;
    this.use = 'prefetching';
    this.wish = { limit, done };
    this.source.bodyAwaited(this);
    this.deliver();
    // It may have filled up while nobody asked for it.
    if (this.wish !== undefined) this.source.bodyDrained(this);
  }

  async *rest(): AsyncIterable<Buffer> {
    this.use = 'read';
    try {
      for (;;) {
        if (this.lost) throw new Error('the client has gone');
        if (this.kept > 0) {
          yield this.drain();
        } else if (this.complete) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
        }
      }
    } finally {
      this.use = 'kept';
      this.letGo();
    }
  }

  letGo(): void {
    if (this.use === 'read') return;
    this.use = 'unwanted';
    this.wish = undefined;
    this.drain();
  }

  /** No more will come. */
  cutOff(): void {
    if (this.complete) return;
    this.lost = true;
    this.wish = undefined;
    this.wakeReader();
  }

  private takeCounted(bytes: Buffer): number {
    const used = Math.min(this.missing, bytes.length);
    this.missing -= used;
    this.keep(used === bytes.length ? bytes : bytes.subarray(0, used));
    this.complete = this.missing === 0;
    return used;
  }

  private takeChunks(decoder: ChunkedDecoder, bytes: Buffer): number | ChunkedFault {
    const result = decoder.read(bytes, 0, (piece) => this.keep(piece));
    if (result !== 'end' && result !== 'more') return result;
    this.complete = result === 'end';
    return decoder.next;
  }

  private keep(piece: Buffer): void {
    if (this.use === 'unwanted' || piece.length === 0) return;
    // Each piece costs a hundred bytes and holds on to its packet, which tiny chunks would make the most of.
    if (this.pieces.length >= MAX_PIECES) this.pieces = [Buffer.concat(this.pieces)];
    this.pieces.push(piece);
    this.kept += piece.length;
  }

  private wakeReader(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }

  private drain(): Buffer {
    const { pieces } = this;
    this.pieces = [];
    this.kept = 0;
    this.source.bodyDrained(this);
    return joinedBytes(pieces);
  }
}

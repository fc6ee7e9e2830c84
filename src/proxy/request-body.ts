/**
 * The body of a client's request on its way to the origin: what was read before anything was sent, the rest as it
 * comes, and a copy of all of it for as long as it is small enough to be sent again (specification 3.1, 3.3).
 *
 *     coming ──its end──► complete          coming ──the origin wants no more, and nobody else──► left
 */
import type { OriginRequest } from '../backend/verdict.js';
import type { Prefetched, RequestBody } from '../front/client-request.js';
import { joinedBytes } from '../protocol/joined-bytes.js';

const EMPTY = Buffer.alloc(0);

export class ForwardedBody {
  /** Everything read so far; undefined once it has grown beyond the limit. */
  private kept: Buffer[] | undefined;
  private size: number;
  private state: 'coming' | 'complete' | 'left';
  /** What the request to the origin reads, and `complete` when that is broken off. */
  private rest: AsyncIterator<Buffer> | undefined = undefined;
  /** Who waits for the whole of it. */
  private wanted: ((body: Buffer | undefined) => void) | undefined = undefined;

  /** @param maxKept - bytes that are kept for another try */
  constructor(
    private readonly prefetched: Prefetched,
    private readonly source: RequestBody | undefined,
    private readonly maxKept: number,
  ) {
    this.kept = prefetched.bytes.length <= maxKept ? [prefetched.bytes] : undefined;
    this.size = prefetched.bytes.length;
    this.state = prefetched.complete ? 'complete' : 'coming';
  }

  /** A request without a body. */
  static none(): ForwardedBody {
    return new ForwardedBody({ bytes: EMPTY, complete: true }, undefined, 0);
  }

  /** The whole body, when it has been read to its end and is small enough. */
  whole(): Buffer | undefined {
    if (this.state !== 'complete' || this.kept === undefined) return undefined;
    return joinedBytes(this.kept);
  }

  /**
   * Gives the whole body as soon as it has come to its end, which the origin need not have waited for; undefined as soon
   * as it is too large. Not called when the client goes first.
   */
  complete(done: (body: Buffer | undefined) => void): void {
    if (this.state !== 'coming' || this.kept === undefined || (this.source?.length ?? 0) > this.maxKept) {
      done(this.whole());
      return;
    }
    this.wanted = done;
    // It fails when the client goes, which the exchange tells.
    this.readOn().catch(() => {});
  }

  /** The body for a request to an origin. */
  toSend(): OriginRequest['body'] {
    if (this.prefetched.complete) return this.prefetched.bytes;
    return { parts: this.parts(), length: this.source?.length };
  }

  private async *parts(): AsyncIterable<Buffer> {
    yield this.prefetched.bytes;
    try {
      for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) yield chunk;
    } finally {
      if (this.wanted === undefined) this.leave();
    }
  }

  private async readOn(): Promise<void> {
    while (this.kept !== undefined && (await this.next()) !== undefined);
    this.leave();
  }

  /** May be called again before it resolves: the chunks go round in order. */
  private async next(): Promise<Buffer | undefined> {
    this.rest ??= this.source?.rest()[Symbol.asyncIterator]();
    let step: IteratorResult<Buffer> | undefined;
    try {
      step = await this.rest?.next();
    } catch (error) {
      this.state = 'left';
      this.wanted = undefined;
      throw error;
    }
    if (step === undefined || step.done === true) {
      if (this.state === 'coming') this.state = 'complete';
      this.give();
      return undefined;
    }
    this.size += step.value.length;
    if (this.size <= this.maxKept) {
      this.kept?.push(step.value);
    } else {
      this.kept = undefined;
      this.give();
    }
    return step.value;
  }

  private give(): void {
    const { wanted } = this;
    this.wanted = undefined;
    wanted?.(this.whole());
  }

  /** Nobody reads on: what still comes must not stand in the way of what follows. */
  private leave(): void {
    if (this.state === 'coming') this.state = 'left';
    this.rest?.return?.().catch(() => {});
  }
}

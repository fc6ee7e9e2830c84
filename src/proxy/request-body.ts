/**
 * The body of a client's request on its way to the origin: what was read before anything was sent, the rest as it
 * comes, and a copy of all of it for as long as it is small enough to be sent again (specification 3.1, 3.3).
 */
import type { OriginRequest } from '../backend/verdict.js';
import type { Prefetched, RequestBody } from '../front/client-request.js';

const EMPTY = Buffer.alloc(0);

export class ForwardedBody {
  /** Everything read so far; undefined once it has grown beyond the limit. */
  private kept: Buffer[] | undefined;
  private size: number;
  private complete: boolean;

  /** @param maxKept - bytes that are kept for another try */
  constructor(
    private readonly prefetched: Prefetched,
    private readonly source: RequestBody | undefined,
    private readonly maxKept: number,
  ) {
    this.kept = prefetched.bytes.length <= maxKept ? [prefetched.bytes] : undefined;
    this.size = prefetched.bytes.length;
    this.complete = prefetched.complete;
  }

  /** A request without a body. */
  static none(): ForwardedBody {
    return new ForwardedBody({ bytes: EMPTY, complete: true }, undefined, 0);
  }

  /** The whole body, when it has been read to its end and is small enough. */
  whole(): Buffer | undefined {
    if (!this.complete || this.kept === undefined) return undefined;
    return this.kept.length === 1 ? this.kept[0] : Buffer.concat(this.kept);
  }

  /** The body for a request to an origin. */
  toSend(): OriginRequest['body'] {
    if (this.prefetched.complete) return this.prefetched.bytes;
    return { parts: this.parts(), length: this.source?.length };
  }

  private async *parts(): AsyncIterable<Buffer> {
    yield this.prefetched.bytes;
    for await (const chunk of this.source?.rest() ?? []) {
      this.size += chunk.length;
      if (this.size <= this.maxKept) this.kept?.push(chunk);
      else this.kept = undefined;
      yield chunk;
    }
    this.complete = true;
  }
}

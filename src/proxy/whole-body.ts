/** A body that is there already: it came in a query, or with a request that another process has read. */
import type { Prefetched, RequestBody } from '../front/client-request.js';

export class WholeBody implements RequestBody {
  readonly length: number;

  constructor(private readonly bytes: Buffer) {
    this.length = bytes.length;
  }

  prefetch(_limit: number, done: (prefetched: Prefetched) => void): void {
    done({ bytes: this.bytes, complete: true });
  }

  async *rest(): AsyncIterable<Buffer> {}
}

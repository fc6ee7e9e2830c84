/** The body of an HTTP/1.1 request, read from `node:http`'s message. */
import type { IncomingMessage } from 'node:http';
import { joinedBytes } from '../protocol/joined-bytes.js';
import type { Prefetched, RequestBody } from './client-request.js';

export class Http1Body implements RequestBody {
  /** @param announce - tells a client that waits for `100 Continue` to go on; called before the first read */
  constructor(
    private readonly message: IncomingMessage,
    readonly length: number | undefined,
    private readonly announce: () => void,
  ) {}

  prefetch(limit: number, done: (prefetched: Prefetched) => void): void {
    const { message } = this;
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (complete: boolean): void => {
      message.off('data', onBytes);
      message.off('end', onEnd);
      done({ bytes: joinedBytes(chunks), complete });
    };
    const onEnd = (): void => finish(true);
    const onBytes = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < limit) return;
      message.pause();
      finish(false);
    };
    message.on('data', onBytes);
    message.on('end', onEnd);
    this.announce();
  }

  async *rest(): AsyncIterable<Buffer> {
    const { message } = this;
    try {
      // By default an iteration that is left early destroys the message and with it the connection, answer and all.
      for await (const chunk of message.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    } finally {
      // What nobody wants any more must not stand in the way of what follows.
      message.resume();
    }
  }
}

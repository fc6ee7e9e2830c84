/**
 * Writes a request whose body comes in parts, as fast as the origin takes them. The head leaves with the first part, or at
 * the end of a body that had none.
 */
import type { Socket } from 'node:net';
import type { OriginRequest } from '../verdict.js';
import { CHUNKED_LINE, lengthLine } from './request-head.js';

const LAST_CHUNK = '0\r\n\r\n';

export type StreamedBody = Exclude<OriginRequest['body'], Buffer>;

export class BodyFeed {
  /** Whether the origin has not taken what was written. */
  blocked = false;
  private written = 0;
  private stopped = false;
  private onDrain: (() => void) | undefined = undefined;

  /**
   * @param head - without framing header and empty line
   * @param moved - called when the origin is at fault from now on for what does not move, and no longer the client
   */
  constructor(
    private readonly socket: Socket,
    private readonly head: string,
    private readonly method: string,
    private readonly body: StreamedBody,
    private readonly moved: () => void,
  ) {}

  /**
   * Resolves when all is written, or nothing more is to be.
   *
   * @throws Error when the body breaks off, or is not as long as it was said to be
   */
  async run(): Promise<void> {
    const { parts, length } = this.body;
    for await (const part of parts) {
      if (this.stopped) return;
      if (part.length === 0) continue;
      if (length !== undefined && this.written + part.length > length) throw lengthMismatch();
      if (!this.write(part)) await this.drained();
      if (this.stopped) return;
    }
    this.finish();
  }

  /** The origin has taken what was written. */
  drain(): void {
    const { onDrain } = this;
    this.blocked = false;
    this.onDrain = undefined;
    onDrain?.();
  }

  /** Nothing more is written, and no more parts are asked for. */
  stop(): void {
    this.stopped = true;
    this.drain();
  }

  private write(part: Buffer): boolean {
    const { socket } = this;
    const { length } = this.body;
    socket.cork();
    if (this.written === 0) socket.write(this.headFor(length), 'latin1');
    if (length === undefined) socket.write(`${part.length.toString(16)}\r\n`, 'latin1');
    let room = socket.write(part);
    if (length === undefined) room = socket.write('\r\n', 'latin1');
    socket.uncork();
    this.written += part.length;
    return room;
  }

  private headFor(length: number | undefined): string {
    return this.head + (length === undefined ? CHUNKED_LINE : lengthLine(this.method, length));
  }

  private async drained(): Promise<void> {
    this.blocked = true;
    this.moved();
    await new Promise<void>((resolve) => {
      this.onDrain = resolve;
    });
  }

  private finish(): void {
    const { length } = this.body;
    if (this.written === 0) this.socket.write(this.headFor(length ?? 0), 'latin1');
    else if (length === undefined) this.socket.write(LAST_CHUNK, 'latin1');
    if (length !== undefined && this.written !== length) throw lengthMismatch();
    this.moved();
  }
}

function lengthMismatch(): Error {
  return new Error('the body of the request is not as long as it was said to be');
}

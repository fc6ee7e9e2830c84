/**
 * The body of a request on its way to a handler: what is there at first goes with the first packet, the rest as the handler
 * gives credits for it (specification 9.4).
 *
 *     first ──► waiting for credits ⇄ sending ──► done          any ──stop()──► stopped
 */
import { joinedBytes } from '../../protocol/joined-bytes.js';
import type { OriginRequest } from '../verdict.js';
import { WINDOW } from './packet-link.js';

const NOTHING = Buffer.alloc(0);

export interface FeedHandler {
  /** Whether there is one: not before it has spoken, and not while it hands the session over. */
  readonly isKnown: boolean;
  /** Bytes that may be sent now. */
  readonly room: number;
  /** Sends a part. @param more - others follow */
  sendBody(part: Buffer, more: boolean): void;
}

/** What the first packet takes. */
export interface FirstPart {
  readonly bytes: Buffer;
  readonly more: boolean;
}

export class RequestFeed {
  private readonly parts: AsyncIterator<Buffer> | undefined;
  private readonly length: number | undefined;
  /** Bytes that have been read. */
  private read = 0;
  /** A step under way that did not end in time for the first packet. */
  private step: Promise<IteratorResult<Buffer>> | undefined = undefined;
  private rest: Buffer[] = [];
  private ended = false;
  private lastIsSent = false;
  private stopped = false;
  private onRoom: (() => void) | undefined = undefined;

  constructor(
    body: OriginRequest['body'],
    private readonly handler: FeedHandler,
  ) {
    if (Buffer.isBuffer(body)) {
      this.parts = undefined;
      this.length = body.length;
      this.read = body.length;
      this.ended = true;
      if (body.length > 0) this.rest.push(body);
    } else {
      this.parts = body.parts[Symbol.asyncIterator]();
      this.length = body.length;
    }
  }

  /** Whether there is nothing to wait for; such a body can be sent again. */
  get isWhole(): boolean {
    return this.parts === undefined;
  }

  /** Whether nothing is left to send. */
  get isSent(): boolean {
    return this.lastIsSent;
  }

  /**
   * Reads what is there by the end of this turn: a handler that gets all of a body at once has less to do.
   * @throws Error when the body breaks off, or is not as long as it was said to be
   */
  async gather(): Promise<void> {
    const turn = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
    while (!this.ended && this.waiting < WINDOW && !this.stopped) {
      const step = this.next();
      const came = await Promise.race([step, turn]);
      if (came === undefined) return;
      this.step = undefined;
      this.add(came);
    }
  }

  /** What goes with the first packet. */
  first(): FirstPart {
    const bytes = joinedBytes(this.rest);
    const inlined = bytes.subarray(0, WINDOW);
    this.rest = inlined.length < bytes.length ? [bytes.subarray(WINDOW)] : [];
    this.lastIsSent = this.rest.length === 0 && this.isAllRead;
    return { bytes: inlined, more: !this.lastIsSent };
  }

  /**
   * Sends what is left; resolves when all is sent, or nothing more is to be.
   * @throws Error as `gather` does
   */
  async run(): Promise<void> {
    while (!this.stopped) {
      for (let part = this.rest.shift(); part !== undefined; part = this.rest.shift()) await this.send(part);
      if (this.ended || this.stopped) return;
      const step = await this.next();
      this.step = undefined;
      this.add(step);
      if (this.ended && this.rest.length === 0 && !this.lastIsSent) await this.send(NOTHING);
    }
  }

  /** There may be room for more. */
  moved(): void {
    const { onRoom } = this;
    this.onRoom = undefined;
    onRoom?.();
  }

  /** Nothing more is sent, and no more parts are asked for. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.rest = [];
    this.moved();
    // A step under way ends when it ends: nobody waits for it any more.
    this.step?.catch(() => {});
    this.parts?.return?.().catch(() => {});
  }

  /** Of a body whose length is known the last part is known before its end is. */
  private get isAllRead(): boolean {
    return this.ended || this.read === this.length;
  }

  private get waiting(): number {
    let bytes = 0;
    for (const part of this.rest) bytes += part.length;
    return bytes;
  }

  private next(): Promise<IteratorResult<Buffer>> {
    this.step ??= this.parts?.next() ?? Promise.resolve({ done: true, value: undefined });
    return this.step;
  }

  private add(step: IteratorResult<Buffer>): void {
    const { length } = this;
    if (step.done === true) {
      this.ended = true;
      if (length !== undefined && this.read !== length) throw lengthMismatch();
      return;
    }
    if (step.value.length === 0) return;
    this.read += step.value.length;
    if (length !== undefined && this.read > length) throw lengthMismatch();
    this.rest.push(step.value);
  }

  /** Sends a part in as many packets as the credits make of it; an empty one needs none, but somebody who gets it. */
  private async send(part: Buffer): Promise<void> {
    let left = part;
    do {
      while (!this.stopped && !this.takes(left)) await this.room();
      if (this.stopped) return;
      const now = left.subarray(0, this.handler.room);
      left = left.subarray(now.length);
      this.lastIsSent = left.length === 0 && this.rest.length === 0 && this.isAllRead;
      this.handler.sendBody(now, !this.lastIsSent);
    } while (left.length > 0);
  }

  private takes({ length }: Buffer): boolean {
    const { isKnown, room } = this.handler;
    return isKnown && (length === 0 || room > 0);
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.onRoom = resolve;
    });
  }
}

function lengthMismatch(): Error {
  return new Error('the body of the request is not as long as it was said to be');
}

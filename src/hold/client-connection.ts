/**
 * What a hold needs of the client's connection. `front` implements it over HTTP/1.1; a hold knows nothing else of how
 * the client came in.
 */

import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';

/** How the bytes of a body of unknown length are framed for this client. */
export type BodyFraming =
  /** HTTP/1.1: chunked coding. */
  | 'chunked'
  /** HTTP/1.0: until the connection closes. */
  | 'until-close'
  /** HEAD, and a status without a body once the answer has begun. */
  | 'none';

export interface ResponseHead {
  readonly code: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

/** A client that waits for an answer; exactly one answer is given, whole or in parts. */
export interface ClientExchange {
  readonly framing: BodyFraming;
  /** True once the client has gone; every further call is without effect. */
  readonly gone: boolean;
  /** Called once when the client goes before its answer has ended. */
  onGone: (() => void) | undefined;
  /** Called when the outbox has been written out after `write` returned false. */
  onDrain: (() => void) | undefined;
  /** Bytes taken by `write` that the client has not taken yet. */
  readonly queuedBytes: number;

  /** Answers with a whole response; framing headers are made here. */
  answer(response: CompleteResponse): void;
  /** Begins an answer. `length` is the body's length in bytes when it is known. */
  begin(head: ResponseHead, length: number | undefined): void;
  /** Adds body bytes, framed here. False: stop until `onDrain`. */
  write(bytes: Buffer): boolean;
  /** Adds bytes that are framed already for this client's `framing`. False: stop until `onDrain`. */
  writeFramed(bytes: Buffer): boolean;
  /** Ends the body cleanly. */
  end(): void;
  /** Breaks the connection off: the client must not take the answer for complete. */
  abort(): void;
  /**
   * Lets go of everything that belonged to the request: from here on the connection is only written to. Call it
   * when the answer may take long.
   */
  release(): void;
}

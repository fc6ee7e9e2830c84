/**
 * What every way to get an answer gives: an origin over HTTP, a ZeroMQ handler, a built-in. Nothing behind a verdict
 * knows which of them it was.
 */
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse, Instruct } from '../protocol/instruct.js';
import type { Target } from '../routes/route.js';

/** Takes a body as it comes. */
export interface BodySink {
  /** False: stop until the source's `resume` is called. */
  write(chunk: Buffer): boolean;
  end(): void;
  /** The origin broke off in the middle. */
  fail(): void;
}

/** A body that is still coming. `pipe` is called once, at once; the first bytes may come before it returns. */
export interface BodySource {
  pipe(sink: BodySink): void;
  resume(): void;
}

/** Why nobody could be connected to, as far as it is known. */
export type ConnectTrouble = 'refused' | 'timed-out' | 'tls';

/** Why there is no answer (specification 3.2, 3.8). */
export type Failure =
  /** Nothing was received and nobody could be connected to: the next target may be tried. */
  | { readonly kind: 'connect'; readonly detail?: ConnectTrouble }
  | { readonly kind: 'blocked' }
  /** `timedOut`: somebody has the request, and was silent for too long. */
  | { readonly kind: 'unreachable'; readonly timedOut?: boolean }
  | { readonly kind: 'length-required' }
  | { readonly kind: 'instruct-too-large' }
  | { readonly kind: 'instruct-invalid'; readonly detail: string }
  /**
   * Everything else; `detail` is for our log, never for the client. `disconnected`: the other side broke off;
   * `timedOut`: it was silent for too long.
   */
  | { readonly kind: 'other'; readonly detail: string; readonly disconnected?: boolean; readonly timedOut?: boolean };

export type Verdict =
  /** Not a GRIP answer: it goes through as it is. `length` in bytes when the origin announced it. */
  | {
      readonly kind: 'relay';
      readonly code: number;
      readonly reason: string;
      readonly headers: HeaderList;
      readonly length: number | undefined;
      readonly body: BodySource;
    }
  /** Not a GRIP answer, and there as a whole. */
  | { readonly kind: 'answer'; readonly response: CompleteResponse }
  /** A GRIP answer, read whole: a plain response, or a hold. */
  | { readonly kind: 'instruct'; readonly instruct: Instruct }
  /** A stream hold whose first body is too long to be read whole: it goes through, then the hold begins. */
  | { readonly kind: 'long-instruct'; readonly instruct: Instruct; readonly body: BodySource }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** A request on its way to a backend; rewriting and headers (specification 3.3, 3.4) are done. */
export interface OriginRequest {
  readonly method: string;
  /** `http` or `https` as the origin is addressed. */
  readonly scheme: 'http' | 'https';
  /** Value of the Host header: `host[:port]`. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  /** Without Host and framing headers. */
  readonly headers: HeaderList;
  /** The body, whole, or in parts with its length when that is known. */
  readonly body: Buffer | { readonly parts: AsyncIterable<Buffer>; readonly length: number | undefined };
}

/** A call under way. */
export interface Call {
  /** Calls it off; no verdict comes any more. */
  cancel(): void;
}

/** The raw answer of an origin, as it arrives. */
export interface AnswerReceiver {
  head(code: number, reason: string, headers: HeaderList): void;
  /** False: stop until the call's `resume`. */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(failure: Failure): void;
}

/** A call whose answer can be slowed down. */
export interface AnswerCall extends Call {
  resume(): void;
}

/** Something that HTTP requests can be sent to. */
export interface HttpBackend {
  /** Sends a request; the receiver hears of it later, never before this returns. */
  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall;
}

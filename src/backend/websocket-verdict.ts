/** The WebSocket side of the verdict. */
import type { WebSocketOrigin } from '../hold/websocket-origin.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { Failure } from './verdict.js';

/** GRIP over WebSocket is on; messages from the origin carry this prefix (specification 11.2). */
export interface WebSocketGrip {
  readonly prefix: string;
}

export type WebSocketVerdict =
  | {
      readonly kind: 'accept';
      readonly reason: string;
      readonly headers: HeaderList;
      readonly grip: WebSocketGrip | undefined;
      readonly origin: WebSocketOrigin;
    }
  | { readonly kind: 'reject'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

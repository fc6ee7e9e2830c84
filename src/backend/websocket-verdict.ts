/** The WebSocket side of the verdict. */
import type { Socket } from 'node:net';
import type { ConnectionTerms } from '../hold/connection-terms.js';
import type { WebSocketOrigin } from '../hold/websocket-origin.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { Failure } from './verdict.js';

/** GRIP over WebSocket is on; messages from the origin carry this prefix (specification 11.2). */
export interface WebSocketGrip {
  readonly prefix: string;
}

/** How fast a client reads, where its transport can tell. */
export interface ClientFlow {
  /** Bytes that wait for the client. */
  readonly queuedBytes: number;
  /** Calls `run` when what waits now has gone out; never when the client goes first. */
  whenSent(run: () => void): void;
}

export type WebSocketVerdict =
  | {
      readonly kind: 'accept';
      readonly reason: string;
      readonly headers: HeaderList;
      readonly grip: WebSocketGrip | undefined;
      readonly origin: WebSocketOrigin;
      /** Channels, as the origin names them, that it subscribes the client to at once. */
      readonly channels?: () => readonly string[];
      /** For origins that can be made to wait for a slow client: called before the origin is attached to it. */
      readonly pace?: (flow: ClientFlow) => void;
      /** Channels, named in full, that the client is subscribed to for as long as the connection lasts. */
      readonly subscriptions?: readonly string[];
      /** What its connection is held to; undefined: what holds for all. */
      readonly terms?: ConnectionTerms;
      /** Bytes of one message of the client, where this origin takes others than all do. */
      readonly maxMessageBytes?: number;
    }
  /** Accepted, and not ours to look into: the bytes of both sides go through as they are. */
  | {
      readonly kind: 'tunnel';
      readonly reason: string;
      readonly headers: HeaderList;
      readonly socket: Socket;
      /** What the origin said right behind its 101. */
      readonly first: Buffer;
    }
  | { readonly kind: 'reject'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The two sides of an accepted WebSocket: the client that is held here, and the origin that speaks to it. */
import type { WebSocketMessageType } from '../protocol/item.js';

/** The client as its origin sees it. */
export interface WebSocketClient {
  /** A message of the origin: GRIP prefix and control messages are looked at. */
  fromOrigin(type: WebSocketMessageType, content: Buffer): void;
  /** Closes with the handshake; `code` undefined sends none. */
  close(code: number | undefined, reason: string): void;
  /** Breaks the connection off without a close frame. */
  drop(): void;
  /** Stops and goes on reading what the client sends. */
  pause(): void;
  resume(): void;
}

/** The origin as a held WebSocket sees it. */
export interface WebSocketOrigin {
  /** How the origin knows the connection, where it has a name for it. */
  readonly connectionId?: string | undefined;
  /** The 101 is on its way; from now on the client may be written to. */
  attached(client: WebSocketClient): void;
  /** Whole messages, in order. */
  message(type: 'text' | 'binary', content: Buffer): void;
  ping(content: Buffer): void;
  pong(content: Buffer): void;
  /** The client closed, or answered our close; `code` undefined when its frame had none. */
  closed(code: number | undefined, reason: string): void;
  /** The connection broke, or was broken off, without a closing handshake. */
  gone(): void;
  /** A publish closes the client: the origin is told, without a code. */
  closedByPublish(): void;
  /** Asked by a publish or a command to make a request now. */
  refresh(): void;
}

/** Stands for an origin that has left its client to what is published (`detach`). */
export class DetachedOrigin implements WebSocketOrigin {
  /** @param connectionId - by which the connection is still known */
  constructor(readonly connectionId: string | undefined) {}

  attached(): void {}
  message(): void {}
  ping(): void {}
  pong(): void {}
  closed(): void {}
  gone(): void {}
  closedByPublish(): void {}
  refresh(): void {}
}

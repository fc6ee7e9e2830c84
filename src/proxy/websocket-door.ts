/** Where a client that wants a WebSocket stands until its origin has spoken, whatever its transport. */
import type { Socket } from 'node:net';
import { EXTENSIONS } from '../backend/websocket-origin/opening.js';
import type { ClientFlow } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import type { WebSocketUpgrade } from '../front/websocket-upgrade.js';
import type { Compression } from '../hold/compression.js';
import type { HoldParts } from '../hold/hold-parts.js';
import { type SocketDeflate, SocketHold } from '../hold/socket-hold.js';
import type { WebSocketHold, WebSocketHoldOptions } from '../hold/websocket-hold.js';
import type { WebSocketOrigin } from '../hold/websocket-origin.js';
import { agreeOnDeflate } from '../protocol/deflate-offer.js';
import { getHeaders, type HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { letGo } from '../sockets/socket-events.js';
import { errorAnswer } from './error-answers.js';
import type { RawEnd } from './raw-websocket.js';

/** What the origin accepted with. */
export interface Acceptance {
  readonly reason: string;
  readonly headers: HeaderList;
  readonly origin: WebSocketOrigin;
  /** An element of `Sec-WebSocket-Extensions` that is the client's business. */
  readonly extension?: string | undefined;
  /** Makes the origin wait for a slow client; a transport that can tell how slow it is calls it. */
  readonly pace?: (flow: ClientFlow) => void;
  /** Bytes of one message of the client, where this origin takes others than all do. */
  readonly maxMessageBytes?: number;
}

export interface WebSocketDoor {
  /** Called when the client goes before it is answered. */
  onGone: (() => void) | undefined;
  readonly gone: boolean;
  /** Answers yes, and makes the hold. What the client has said already is looked at only when `begin` is called. */
  accept(acceptance: Acceptance, options: WebSocketHoldOptions): { readonly hold: WebSocketHold; begin(): void };
  /**
   * Answers yes with the origin's extensions, and hands the connection over as it is: what follows is between the client
   * and the origin. Undefined where the transport is no WebSocket of its own.
   */
  handOver?(reason: string, headers: HeaderList): RawEnd;
  /** Answers with an ordinary response. */
  reject(response: CompleteResponse): void;
}

/** What was agreed with a client on compression. */
interface AgreedDeflate extends SocketDeflate {
  /** Value of `Sec-WebSocket-Extensions`. */
  readonly header: string;
}

/**
 * The door of a client with a WebSocket of its own.
 * @param compression - undefined: clients' offers are passed over
 * @returns undefined when its extensions cannot be read: it is answered 400 then (RFC 6455, 9.1)
 */
export function socketDoor(
  parts: HoldParts,
  request: ClientRequest,
  upgrade: WebSocketUpgrade,
  maxMessageBytes: number,
  compression: Compression | undefined,
): SocketDoor | undefined {
  if (compression === undefined) return new SocketDoor(parts, upgrade, maxMessageBytes, undefined);
  const agreement = agreeOnDeflate(getHeaders(request.headers, 'sec-websocket-extensions').join(', '));
  switch (agreement.kind) {
    case 'malformed':
      parts.counters.badRequests += 1;
      upgrade.reject(errorAnswer(400, 'Failed to process request: invalid Sec-WebSocket-Extensions.'));
      return undefined;
    case 'none':
      return new SocketDoor(parts, upgrade, maxMessageBytes, undefined);
    case 'agreed':
      return new SocketDoor(parts, upgrade, maxMessageBytes, { ...agreement, compression });
  }
}

/** The door of a client that came with a handshake. */
export abstract class UpgradeDoor implements WebSocketDoor {
  /** @param maxMessageBytes - bytes of one message of the client */
  constructor(
    protected readonly parts: HoldParts,
    protected readonly upgrade: WebSocketUpgrade,
    protected readonly maxMessageBytes: number,
  ) {}

  abstract accept(
    acceptance: Acceptance,
    options: WebSocketHoldOptions,
  ): { readonly hold: WebSocketHold; begin(): void };

  get onGone(): (() => void) | undefined {
    return this.upgrade.onGone;
  }

  set onGone(run: (() => void) | undefined) {
    this.upgrade.onGone = run;
  }

  get gone(): boolean {
    return this.upgrade.gone;
  }

  reject(response: CompleteResponse): void {
    this.upgrade.reject(response);
  }
}

/** The door of a client with a WebSocket of its own. */
export class SocketDoor extends UpgradeDoor {
  constructor(
    parts: HoldParts,
    upgrade: WebSocketUpgrade,
    maxMessageBytes: number,
    private readonly deflate: AgreedDeflate | undefined,
  ) {
    super(parts, upgrade, maxMessageBytes);
  }

  accept(acceptance: Acceptance, options: WebSocketHoldOptions) {
    const { reason, headers, origin, extension, pace, maxMessageBytes = this.maxMessageBytes } = acceptance;
    const { parts, upgrade, deflate } = this;
    const extensions = [deflate?.header, extension].filter((one) => one !== undefined);
    const socket = upgrade.accept(reason, headers, extensions.length === 0 ? undefined : extensions.join(', '));
    pace?.(flowOf(socket));
    const hold = new SocketHold(parts, socket, origin, options, maxMessageBytes, deflate);
    return { hold, begin: () => hold.first(upgrade.first) };
  }

  handOver(reason: string, headers: HeaderList): RawEnd {
    const extensions = getHeaders(headers, EXTENSIONS).join(', ');
    const socket = this.upgrade.accept(reason, headers, extensions === '' ? undefined : extensions);
    letGo(socket);
    return { socket, first: this.upgrade.first };
  }
}

/** How fast a client with a socket of its own reads. */
export function flowOf(socket: Socket): ClientFlow {
  return {
    get queuedBytes() {
      return socket.writableLength;
    },
    whenSent(run) {
      if (!socket.writable) return;
      // Behind everything else; `drain` is not told of by a socket that holds little.
      socket.write('', (error) => {
        if (error === undefined || error === null) run();
      });
    },
  };
}

/** Origins that speak WebSocket themselves: a connection for each client, all of them known until they have ended. */
import type { Socket } from 'node:net';
import type { OriginMeter } from '../../observe/origin-meter.js';
import type { Target } from '../../routes/route.js';
import { identityFor, originServer } from '../origin-server.js';
import type { Call } from '../verdict.js';
import { Handshake, type OpeningResult } from './handshake.js';
import type { OpeningRequest } from './opening.js';

export interface WebSocketOriginsOptions {
  /** Seconds. */
  readonly connectTimeout: number;
  /** Seconds without traffic after which a connection is given up. */
  readonly idleTimeout: number;
  readonly maxHeadBytes: number;
  /** Counts the handshakes; undefined: nobody does. */
  readonly meter?: OriginMeter;
}

export class WebSocketOrigins {
  private readonly sockets = new Set<Socket>();
  private onEmpty: (() => void) | undefined = undefined;

  constructor(private readonly options: WebSocketOriginsOptions) {}

  /** Connections there are, those with a handshake under way among them. */
  get connections(): number {
    return this.sockets.size;
  }

  /**
   * Asks a target for a WebSocket.
   *
   * @param maxRejectBytes - bytes of the body of a refusal
   * @param done - called once, never before this returns; with an open connection its owner has to listen at once
   */
  open(
    target: Target & { readonly kind: 'origin' },
    request: OpeningRequest,
    maxRejectBytes: number,
    done: (result: OpeningResult) => void,
  ): Call {
    const { connectTimeout, idleTimeout, maxHeadBytes, meter } = this.options;
    const server = originServer(target, identityFor(target, request.authority), connectTimeout * 1_000);
    const { connected } = this;
    const options = { idleTimeout: idleTimeout * 1_000, maxHeadBytes, maxRejectBytes, connected, meter };
    const handshake = new Handshake(server, request, options, done);
    handshake.start();
    return handshake;
  }

  /** Waits for what is about to end, `grace` milliseconds at most; then breaks off what is left. */
  async close(grace: number): Promise<void> {
    if (this.sockets.size === 0) return;
    const timer = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, grace);
    await new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
    clearTimeout(timer);
  }

  private readonly connected = (socket: Socket): void => {
    this.sockets.add(socket);
    // Errors end the connection, and its end is what everybody listens for.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.onEmpty?.();
    });
  };
}

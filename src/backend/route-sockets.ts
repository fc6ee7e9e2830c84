/**
 * What is bound for the targets of routes, by address: it stays while a route in force has the address, and a while longer.
 *
 *     wanted ◄──a new table has it again── unwanted ──two seconds, and nothing goes through it──► closed
 *        └────────no route has it any more────►┘
 *
 * Requests by the old table may be on their way when the new one is prepared, in other processes too.
 */
import type { Logger } from '../observe/logger.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds that an address stays bound at least, and between two looks whether it is in use. */
const STAY = 2_000;
const LOOK_INTERVAL = 1_000;

/** Bytes of one message of a handler; libzmq ends the connection of who sends more. */
export const MAX_MESSAGE = 4 * 1024 * 1024;

export interface RouteSocket {
  /** What goes through it. */
  readonly size: number;
  close(): void;
}

export interface RouteSocketsParts {
  readonly wheel: Wheel;
  readonly log: Logger;
  /** Addresses that no route had any more have been closed. */
  readonly onClosed?: () => void;
}

export class RouteSockets<Socket extends RouteSocket> extends Timed {
  private readonly bound = new Map<string, Socket>();
  /** Clock milliseconds at which each may be closed. */
  private readonly unwanted = new Map<string, number>();

  /** @param kind - of the targets, for the log */
  constructor(
    private readonly parts: RouteSocketsParts,
    private readonly kind: 'zhttp' | 'zhttpreq',
  ) {
    super();
  }

  get(spec: string): Socket | undefined {
    return this.bound.get(spec);
  }

  /** There are addresses that no route has any more, still bound. */
  get leaving(): boolean {
    return this.unwanted.size > 0;
  }

  all(): Iterable<Socket> {
    return this.bound.values();
  }

  add(spec: string, socket: Socket): void {
    this.bound.set(spec, socket);
  }

  /** The routes have these addresses from now on, and no others. */
  retain(specs: ReadonlySet<string>): void {
    const { wheel } = this.parts;
    for (const spec of this.bound.keys()) {
      if (specs.has(spec)) this.unwanted.delete(spec);
      else if (!this.unwanted.has(spec)) this.unwanted.set(spec, wheel.clock.now() + STAY);
    }
    if (this.unwanted.size > 0 && this.due === 0) wheel.start(this, STAY);
  }

  onTime(): void {
    const { wheel, log, onClosed } = this.parts;
    const before = this.unwanted.size;
    for (const [spec, socket] of this.bound) {
      const from = this.unwanted.get(spec);
      if (from === undefined || socket.size > 0 || wheel.clock.now() < from) continue;
      this.unwanted.delete(spec);
      this.bound.delete(spec);
      socket.close();
      if (log.enabled('info')) log.info(`${this.kind}/${spec}: no route has it any more, closed`);
    }
    if (this.unwanted.size > 0) wheel.start(this, LOOK_INTERVAL);
    if (this.unwanted.size < before) onClosed?.();
  }

  close(): void {
    this.parts.wheel.stop(this);
    for (const socket of this.bound.values()) socket.close();
    this.bound.clear();
    this.unwanted.clear();
  }
}

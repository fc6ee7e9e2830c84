/**
 * The way to handlers by their names: a ROUTER socket that says at once when there is nobody of that name.
 *
 *     unknown ──► tried again and again ──taken──► reached ──nobody there──► lost
 *                        └── still nobody after a second ──────────────────► lost
 *
 * A handler that has just started is heard before its ROUTER is connected; that is why one that was never reached gets time.
 * What is sent to it meanwhile waits, so that the order stays.
 */
import type { Router } from 'zeromq';
import { Timed, type Wheel } from '../../time/wheel.js';

/** Milliseconds between two tries, and for all of them. */
const TRY_INTERVAL = 50;
const GRACE = 1_000;
/** Packets that wait for one handler. */
const MAX_WAITING = 1_000;
/** Names remembered of handlers that were reached; the names are what handlers claim, so this is only a guard. */
const MAX_REACHED = 10_000;

const EMPTY = Buffer.alloc(0);

export class HandlerPost {
  private readonly reached = new Set<string>();
  private readonly waiting = new Map<string, FirstWords>();

  /**
   * @param lost - called when nobody of that name can be reached (any more)
   * @param dropped - called with packets that are not sent, because too many waited for one handler; `lost` follows
   */
  constructor(
    private readonly router: Router,
    private readonly wheel: Wheel,
    private readonly lost: (peer: string) => void,
    private readonly dropped: (packets: number) => void,
  ) {}

  /** @param peer - one character for each byte */
  send(peer: string, packet: Buffer): void {
    if (this.router.closed) return;
    if (this.reached.has(peer)) {
      this.transmit(peer, packet).catch(() => this.fail(peer));
      return;
    }
    const waiting = this.waiting.get(peer);
    if (waiting === undefined) this.start(peer, packet);
    else if (!waiting.add(packet)) {
      this.dropped(waiting.size);
      this.fail(peer);
    }
  }

  close(): void {
    for (const waiting of this.waiting.values()) waiting.giveUp();
    this.waiting.clear();
  }

  private start(peer: string, packet: Buffer): void {
    const waiting = new FirstWords(this.wheel, packet, {
      transmit: (bytes) => this.transmit(peer, bytes),
      taken: (rest) => {
        this.waiting.delete(peer);
        if (this.reached.size >= MAX_REACHED) this.reached.clear();
        this.reached.add(peer);
        for (const bytes of rest) this.send(peer, bytes);
      },
      lost: () => this.fail(peer),
    });
    this.waiting.set(peer, waiting);
    waiting.onTime();
  }

  private transmit(peer: string, packet: Buffer): Promise<void> {
    return this.router.send([Buffer.from(peer, 'latin1'), EMPTY, packet]);
  }

  private fail(peer: string): void {
    const waiting = this.waiting.get(peer);
    waiting?.giveUp();
    const known = this.waiting.delete(peer) || this.reached.delete(peer);
    if (known && !this.router.closed) this.lost(peer);
  }
}

interface WordsOptions {
  readonly transmit: (packet: Buffer) => Promise<void>;
  /** The first one has been taken; these come after it. */
  readonly taken: (rest: readonly Buffer[]) => void;
  readonly lost: () => void;
}

/** Packets for a handler that has not been reached yet. */
class FirstWords extends Timed {
  private readonly rest: Buffer[] = [];
  private readonly end: number;
  private over = false;

  constructor(
    private readonly wheel: Wheel,
    private readonly first: Buffer,
    private readonly options: WordsOptions,
  ) {
    super();
    this.end = wheel.clock.now() + GRACE;
  }

  get size(): number {
    return 1 + this.rest.length;
  }

  /** @returns false when too many wait */
  add(packet: Buffer): boolean {
    this.rest.push(packet);
    return this.rest.length < MAX_WAITING;
  }

  /** Nothing is tried any more; what is being tried may still arrive. */
  giveUp(): void {
    this.over = true;
    this.wheel.stop(this);
  }

  onTime(): void {
    const { transmit, taken, lost } = this.options;
    transmit(this.first).then(
      () => {
        if (!this.over) taken(this.rest);
      },
      () => {
        if (this.over) return;
        if (this.wheel.clock.now() >= this.end) lost();
        else this.wheel.start(this, TRY_INTERVAL);
      },
    );
  }
}

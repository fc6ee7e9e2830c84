/** Opens many holds, some at a time, and counts those that are refused and those that die. */
import { micros } from '../clock.js';
import { fillingOf } from '../payload.js';
import { Hold, type HoldEvents } from './hold.js';
import type { Tally } from './load.js';
import type { Transport } from './messages.js';
import type { Sockets } from './socket.js';

/** Milliseconds without any hold opening after which the rest is given up. */
const PATIENCE = 10_000;

export interface FleetOptions {
  readonly transport: Transport;
  readonly port: number;
  readonly inFlight: number;
  readonly messageBytes: number;
  readonly pathOf: (index: number) => string;
  /** The first ones of all do not read. */
  readonly unread: number;
}

export class Fleet {
  readonly holds: Hold[] = [];
  /** Open now. */
  open = 0;
  private opening = 0;
  private target = 0;
  private wake: (() => void) | undefined = undefined;
  private readonly filling: Buffer;
  private stopped = false;

  /** @param events - of all holds; counting is done here */
  constructor(
    private readonly sockets: Sockets,
    private readonly options: FleetOptions,
    private readonly tally: Tally,
    private readonly events: Pick<HoldEvents, 'message'> & Partial<Pick<HoldEvents, 'opened' | 'closed'>>,
  ) {
    this.filling = fillingOf(options.messageBytes);
  }

  /** Opens `count` more; resolves when they are open, or nothing opens any more. */
  async grow(count: number): Promise<void> {
    this.target += count;
    this.fill();
    for (let before = -1; this.opening > 0; ) {
      const settled = this.holds.length - this.opening;
      if (settled === before) {
        this.tally.add('not opened in time', this.opening);
        return;
      }
      before = settled;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, PATIENCE);
      });
      clearTimeout(timer);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const hold of this.holds) if (hold.state !== 'over') hold.leave();
    this.open = 0;
  }

  private fill(): void {
    const { inFlight } = this.options;
    while (!this.stopped && this.opening < inFlight && this.holds.length < this.target) this.openOne();
    if (this.opening === 0) this.wake?.();
  }

  private openOne(): void {
    const { options, sockets, filling, tally } = this;
    const { transport, port, messageBytes, pathOf } = options;
    const index = this.holds.length;
    const startedAt = micros();
    this.opening += 1;
    const unread = index < options.unread;
    const hold = new Hold(
      index,
      { sockets, port, transport, path: pathOf(index), messageBytes, filling, unread },
      {
        opened: (one) => {
          this.opening -= 1;
          this.open += 1;
          tally.add('opened');
          tally.time('open', micros() - startedAt);
          this.events.opened?.(one);
          this.fill();
        },
        message: (one, number, at) => this.events.message(one, number, at),
        wrong: () => tally.add('wrong bytes'),
        closed: (one, why) => {
          const refused = why.startsWith('not opened');
          if (refused) this.opening -= 1;
          else this.open -= 1;
          tally.add(refused ? 'refused' : unread ? 'slow closed' : 'dead');
          this.events.closed?.(one, why);
          this.fill();
        },
      },
    );
    this.holds.push(hold);
  }
}

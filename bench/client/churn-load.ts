/** Clients of all kinds that come and go, so many visits a second. */
import { HttpPublisher } from './http-publisher.js';
import { type Counts, type Load, Tally } from './load.js';
import type { Change, ChurnSpec, ServerPorts } from './messages.js';
import type { Sockets } from './socket.js';
import { VISITS, type VisitParts } from './visits.js';

/** Milliseconds between two looks at how many visits are due. */
const TICK = 20;
/** Visits that may be under way; a server that falls behind is not buried. */
const MOST = 4_000;
const PUBLISHERS = 8;
/** Milliseconds for visits under way to come to their end. */
const STOP_LIMIT = 20_000;

export class ChurnLoad implements Load {
  readonly tally = new Tally();
  private readonly parts: VisitParts;
  private readonly underway = new Set<Promise<void>>();
  private pace: number;
  private timer: NodeJS.Timeout | undefined = undefined;
  private due = 0;
  private begun = 0;

  constructor(
    { visitsPerSecond, messageBytes }: ChurnSpec,
    ports: ServerPorts,
    sockets: Sockets,
    private readonly index: number,
  ) {
    this.pace = visitsPerSecond;
    const publisher = new HttpPublisher(sockets, ports.control, PUBLISHERS);
    this.parts = { sockets, ports, tally: this.tally, messageBytes, publisher };
  }

  async start(): Promise<void> {
    let last = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      this.due += ((now - last) / 1_000) * this.pace;
      last = now;
      for (; this.due >= 1; this.due -= 1) this.begin();
    }, TICK);
  }

  async change(change: Change): Promise<void> {
    if (change.kind === 'pace') this.pace = change.visitsPerSecond;
  }

  standing(): Counts {
    return { 'under way': this.underway.size };
  }

  /** Begins no more visits, and lets those under way come to their end. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_LIMIT);
    });
    await Promise.race([Promise.all(this.underway), late]);
    clearTimeout(timer);
    this.tally.add('never ended', this.underway.size);
    this.parts.publisher.close();
  }

  private begin(): void {
    if (this.underway.size >= MOST) {
      this.tally.add('left out');
      return;
    }
    const { kind, visit } = VISITS[this.begun % VISITS.length] ?? VISITS[0] ?? { kind: '', visit: async () => {} };
    const id = `churn-${this.index}-${this.begun}`;
    this.begun += 1;
    const ended = visit(this.parts, id).then(
      () => this.tally.add(`visits: ${kind}`),
      (error: unknown) =>
        this.tally.add(`${kind} visits that failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    this.underway.add(ended);
    void ended.then(() => this.underway.delete(ended));
  }
}

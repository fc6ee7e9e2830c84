/**
 * Workers that hang. Each says something every second, so one that has said nothing for ten seconds does not serve, until
 * it speaks again.
 *
 * Silence is counted in looks of this process and not by the clock, which goes on while the process or the whole machine
 * stands still and nobody can be heard. That takes a timer, one for all: where every worker hangs, nothing else tells
 * whether it was they who stood still.
 */
import type { Cancellable, Clock } from '../../time/clock.js';

/** Milliseconds between two looks; a worker that is well has said something in each of them. */
const LOOK_INTERVAL = 2_000;
/** Looks in a row without a word after which a worker hangs: as many as publishers wait for one. */
const HANGS_AFTER = 5;

/** A worker as it is seen here. */
export interface Speaker {
  /** When it has said something last, by the clock. */
  readonly heardAt: number;
}

/** What a look has found. */
interface Finding {
  readonly heardAt: number;
  /** Looks in a row without a word. */
  readonly silent: number;
}

export class SilentWorkers {
  private findings = new Map<Speaker, Finding>();
  private timer: Cancellable | undefined = undefined;

  /** @param workers - those that serve, as far as they have told */
  constructor(
    private readonly clock: Clock,
    private readonly workers: () => readonly Speaker[],
  ) {}

  /** Looks from now on. */
  start(): void {
    this.timer = this.clock.after(LOOK_INTERVAL, () => {
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Seconds without a word of a worker that hangs; undefined: it does not. */
  silenceOf(worker: Speaker): number | undefined {
    const finding = this.findings.get(worker);
    if (finding === undefined || finding.silent < HANGS_AFTER || finding.heardAt !== worker.heardAt) return undefined;
    return Math.floor((this.clock.now() - worker.heardAt) / 1_000);
  }

  private look(): void {
    const { findings } = this;
    this.findings = new Map();
    for (const worker of this.workers()) {
      const { heardAt } = worker;
      const last = findings.get(worker);
      this.findings.set(worker, { heardAt, silent: last?.heardAt === heardAt ? last.silent + 1 : 0 });
    }
  }
}

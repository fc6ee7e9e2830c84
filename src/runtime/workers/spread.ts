/**
 * Spreads new clients over the workers. All accept from the same sockets, and the kernel wakes whom it likes: left alone,
 * one worker gets most of them and refuses when it is full, while others have room. So a worker that is full, or well above
 * the mean, steps aside until that is no longer so.
 *
 *     accepting ──full, or above the mean by SLACK──► aside ──neither, or nobody else has room──► accepting
 *
 * Somebody has to have the listening sockets open: with the last one those clients would go that the kernel has accepted
 * and nobody has taken yet. So a worker steps aside only for one that has told that it listens, and that has proven
 * itself: nobody should depend on one that keeps dying.
 */
import type { Logger } from '../../observe/logger.js';
import type { Clock } from '../../time/clock.js';
import type { ClientLimits } from './client-share.js';

/** Connections above the mean at which a worker steps aside, and the part of the mean, whichever is more. */
const SLACK = 64;
const SLACK_PART = 1 / 8;
/** Milliseconds of silence after which nobody is left to a worker: it tells its counters every second. */
const SILENCE = 3_000;

/** A worker, as far as its clients are concerned. */
export interface Acceptor {
  readonly pid: number | undefined;
  /** Client connections that are open. */
  readonly open: number;
  readonly limits: ClientLimits;
  /** When it has said something, by the clock. */
  readonly heardAt: number;
  /** From when on others may depend on it. */
  readonly provenAt: number;
  /** It listens, as far as it has told. */
  readonly accepting: boolean;
  /** Has it listen, or leave that to others. `accepting` is false from then on, until it has told. */
  accept(on: boolean): void;
}

export class Spread {
  private readonly aside = new Set<Acceptor>();

  /** @param workers - those that serve */
  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly workers: () => readonly Acceptor[],
  ) {}

  /**
   * Decides anew; called when a worker has come, listens again, or has gone, when a number has changed, and with
   * everybody's counters: silence has no event of its own.
   */
  look(): void {
    const { aside, log } = this;
    const workers = this.workers();
    for (const one of aside) if (!workers.includes(one)) aside.delete(one);
    // Decided for all before it is done for any: what one does changes what is enough for it.
    const resting = this.resting(workers);
    for (const one of workers) {
      const rests = resting.includes(one);
      if (rests === aside.has(one)) continue;
      if (rests) aside.add(one);
      else aside.delete(one);
      one.accept(!rests);
      const what = rests ? 'leaves new ones to others' : 'takes new ones again';
      log.debug(`the worker with pid ${one.pid} has ${one.open} clients and ${what}`);
    }
  }

  /** Those who have enough by the first rule by which somebody has not; none when all are full to the brink. */
  private resting(workers: readonly Acceptor[]): readonly Acceptor[] {
    const { aside } = this;
    const mean = workers.reduce((sum, { open }) => sum + open, 0) / workers.length;
    const slack = Math.max(SLACK, mean * SLACK_PART);
    const now = this.clock.now();
    const back = (one: Acceptor): number => (aside.has(one) ? one.limits.step : 0);
    const rules: ((one: Acceptor) => boolean)[] = [
      (one) => one.open >= one.limits.full - back(one) || one.open > mean + (aside.has(one) ? 0 : slack),
      (one) => one.open >= one.limits.brink - back(one),
    ];
    for (const enough of rules) {
      const takers = workers.filter((one) => now - one.heardAt <= SILENCE && !enough(one));
      if (takers.length === 0) continue;
      const ready = takers.some(({ accepting, provenAt }) => accepting && now >= provenAt);
      return workers.filter((one) => enough(one) && (aside.has(one) || (ready && one.accepting)));
    }
    return [];
  }
}

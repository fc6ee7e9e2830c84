/**
 * Workers that publishers wait for. One that takes its time is waited for; one that says nothing any more is stuck, and
 * is ended, so that it does not keep everybody else's items.
 */
import type { Logger } from '../../observe/logger.js';
import type { Clock } from '../../time/clock.js';

/** Milliseconds between two looks; a worker that is well has said something in each of them. */
const LOOK_INTERVAL = 2_000;
/** Looks in a row without a word after which a worker is stuck. */
const STUCK_AFTER = 5;

/** A worker as it is seen here. */
export interface SlowWorker {
  readonly pid: number | undefined;
  readonly queuedBytes: number;
  /** It has said something since this was set to false. */
  heard: boolean;
  kill(): void;
}

export class SlowWorkers {
  private readonly watched = new Set<SlowWorker>();

  /** @param maxQueued - bytes that may wait for a worker without anybody waiting for it */
  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly maxQueued: number,
  ) {}

  /** Somebody waits for this worker now. */
  watch(worker: SlowWorker): void {
    if (this.watched.has(worker)) return;
    this.watched.add(worker);
    worker.heard = false;
    this.lookLater(worker, 0);
  }

  private lookLater(worker: SlowWorker, silent: number): void {
    this.clock.after(LOOK_INTERVAL, () => this.look(worker, worker.heard ? 0 : silent + 1));
  }

  private look(worker: SlowWorker, silent: number): void {
    worker.heard = false;
    if (worker.queuedBytes <= this.maxQueued) {
      this.watched.delete(worker);
    } else if (silent < STUCK_AFTER) {
      this.lookLater(worker, silent);
    } else {
      this.watched.delete(worker);
      const seconds = (LOOK_INTERVAL * STUCK_AFTER) / 1_000;
      this.log.error(
        `the worker with pid ${worker.pid} takes nothing and has said nothing for ${seconds} s: ending it`,
      );
      worker.kill();
    }
  }
}

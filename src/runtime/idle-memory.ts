/**
 * Gives memory back after a busy time. V8 keeps the young generation at the size it had when many clients came, and the
 * pages of what has gone, until it has a reason to look; a proxy that holds clients in silence gives it none. So when the
 * process has been quiet for a moment and much of its heap is unused, it is collected once, as for a debugger that asks.
 *
 *     busy ──quiet for QUIET_LOOKS, enough unused──► collected ──busy again──► busy
 */
import { performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Logger } from '../observe/logger.js';
import type { Cancellable, Clock } from '../time/clock.js';

/** Milliseconds between two looks. */
const INTERVAL = 500;
/** Looks in a row that have to find the process quiet. */
const QUIET_LOOKS = 3;
/** Share of the time between two looks that the event loop may be at work in silence. */
const QUIET = 0.05;
/** Bytes that have to be unused to be worth a pause of some 10 ms for each 1,000 connections. */
const ENOUGH = 24 * 1024 * 1024;
/** Milliseconds between two collections at least. */
const PAUSE = 30_000;

/** What is known of the process, and how its memory is collected. */
export interface ProcessMemory {
  /** Share of the time, 0 to 1, that the event loop was at work since the last call. */
  utilization(): number;
  /** Bytes of the heap that are held and not used, the whole young generation among them. */
  unused(): number;
  /** Collects, and resolves with the milliseconds it took. */
  collect(): Promise<number>;
}

export class IdleMemory {
  private quietLooks = 0;
  private collectedAt = Number.NEGATIVE_INFINITY;
  /** Something has happened since it was collected. */
  private busy = true;
  private timer: Cancellable | undefined = undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly memory: ProcessMemory = processMemory(),
  ) {}

  start(): void {
    this.timer = this.clock.after(INTERVAL, () => {
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  private look(): void {
    const { clock, memory } = this;
    if (memory.utilization() > QUIET) {
      this.busy = true;
      this.quietLooks = 0;
      return;
    }
    this.quietLooks += 1;
    if (!this.busy || this.quietLooks < QUIET_LOOKS || clock.now() - this.collectedAt < PAUSE) return;
    // It is looked for once: what is left of little is no less in a minute.
    this.busy = false;
    const before = memory.unused();
    if (before < ENOUGH) return;
    this.collectedAt = clock.now();
    memory.collect().then(
      (took) => {
        // Its own work is no sign of any other.
        memory.utilization();
        const given = Math.max(0, before - memory.unused());
        this.log.debug(`gave back ${Math.round(given / 1_048_576)} MB of unused memory in ${Math.round(took)} ms`);
      },
      (error: unknown) => this.log.debug(`unused memory could not be given back: ${String(error)}`),
    );
  }
}

/** The memory of this process; loads the inspector when it is collected for the first time. */
export function processMemory(): ProcessMemory {
  let last = performance.eventLoopUtilization();
  return {
    utilization() {
      const { utilization } = performance.eventLoopUtilization(last);
      last = performance.eventLoopUtilization();
      return utilization;
    },
    unused() {
      const { total_heap_size, used_heap_size } = getHeapStatistics();
      // How much of the young generation is in use is known only after a collection, and that empties it: its garbage
      // counts as used until then, which kept it as large as it was in half the cases.
      const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
      return total_heap_size - used_heap_size + (young?.space_used_size ?? 0);
    },
    async collect() {
      const { Session } = await import('node:inspector/promises');
      const session = new Session();
      session.connect();
      const from = performance.now();
      try {
        await session.post('HeapProfiler.collectGarbage');
      } finally {
        session.disconnect();
      }
      return performance.now() - from;
    },
  };
}

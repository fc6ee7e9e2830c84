/** How a process is doing: its time, its memory, and how late its event loop is. Measured only where metrics are on. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cancellable, Clock } from '../time/clock.js';

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 20;
/** Milliseconds after which one of the two measurements begins anew. */
const WINDOW = 15_000;
const NANOSECONDS = 1e9;

export interface VitalValues {
  /** Seconds since the start of the process. */
  readonly cpu: { readonly user: number; readonly system: number };
  /** Bytes. */
  readonly memory: {
    readonly rss: number;
    readonly heapTotal: number;
    readonly heapUsed: number;
    readonly external: number;
    readonly arrayBuffers: number;
  };
  /** Seconds that timers were late in the last 15 to 30 seconds: half of them at most so much, 99 of 100, and all. */
  readonly lag: { readonly median: number; readonly high: number; readonly most: number };
}

/**
 * Two measurements of the event loop that begin anew in turn, so that each answer covers 15 seconds at least, whoever asks
 * how often.
 */
export class Vitals {
  private older: IntervalHistogram;
  private younger: IntervalHistogram;
  private turn: Cancellable;

  constructor(private readonly clock: Clock) {
    this.older = started();
    this.younger = started();
    this.turn = clock.after(WINDOW, this.change);
  }

  read(): VitalValues {
    const { user, system } = process.cpuUsage();
    const { older } = this;
    return {
      cpu: { user: user / 1e6, system: system / 1e6 },
      memory: process.memoryUsage(),
      lag: { median: lateness(older.percentile(50)), high: lateness(older.percentile(99)), most: lateness(older.max) },
    };
  }

  close(): void {
    this.turn.cancel();
    this.older.disable();
    this.younger.disable();
  }

  private readonly change = (): void => {
    const { older, younger } = this;
    older.reset();
    this.older = younger;
    this.younger = older;
    this.turn = this.clock.after(WINDOW, this.change);
  };
}

function started(): IntervalHistogram {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION });
  monitor.enable();
  return monitor;
}

/** What is measured is the time between two looks. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION / 1_000);
}

/** Wall-clock and CPU time of the server over a stretch of the load. */
import { setTimeout as pause } from 'node:timers/promises';
import { micros } from '../clock.js';
import { type CpuSample, cpuBetween, cpuSample } from './cpu-time.js';

export interface Stretch {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of CPU time of the server's processes; undefined where nothing tells. */
  readonly cpu: number | undefined;
  /** Server processes that ended in between. */
  readonly ended: number;
}

/** Called at both ends of each measured stretch. */
export interface MeterObserver {
  begins(): Promise<void>;
  ends(): Promise<void>;
}

/** Milliseconds between two looks at the CPU time while the server warms up. */
const LOOK = 100;
/** How much longer than the CPU time asked for a warm-up may take, on a machine that has other things to do. */
const PATIENCE = 3;

export class Meter {
  constructor(
    private readonly pid: number,
    private readonly observer?: MeterObserver,
  ) {}

  /** Measures while `run` runs. */
  async during(run: () => Promise<void>): Promise<Stretch> {
    await this.observer?.begins();
    const before = cpuSample(this.pid);
    const start = micros();
    await run();
    const wall = (micros() - start) / 1e6;
    const use = this.since(before);
    await this.observer?.ends();
    return { wall, cpu: use?.seconds, ended: use?.ended ?? 0 };
  }

  /**
   * Resolves when the server has used `seconds` of CPU time: how much of it has been compiled depends on what it did, not
   * on the time that went by. At the latest after three times as long; where nothing tells of CPU time, after `seconds`.
   */
  async warmUp(seconds: number): Promise<void> {
    const before = cpuSample(this.pid);
    if (before === undefined) {
      await pause(seconds * 1_000);
      return;
    }
    const deadline = micros() + PATIENCE * seconds * 1e6;
    while (micros() < deadline && (this.since(before)?.seconds ?? 0) < seconds) await pause(LOOK);
  }

  private since(before: CpuSample | undefined) {
    const after = cpuSample(this.pid);
    return before === undefined || after === undefined ? undefined : cpuBetween(before, after);
  }
}

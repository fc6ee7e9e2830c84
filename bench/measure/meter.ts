/** Wall-clock and CPU time of the server over a stretch of the load. */
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

  private since(before: CpuSample | undefined) {
    const after = cpuSample(this.pid);
    return before === undefined || after === undefined ? undefined : cpuBetween(before, after);
  }
}

/** What every kind of load of a client process does, and how it counts. */
import { Histogram } from '../histogram.js';
import type { Change, Report } from './messages.js';

export type Counts = Readonly<Record<string, number>>;

export interface Load {
  readonly tally: Tally;
  /** Resolves when all its connections are there, or it is clear that some will not be. */
  start(): Promise<void>;
  /** Left out by loads that go on as they began. */
  change?(change: Change): Promise<void>;
  /** What is so now, whatever was counted since the mark. */
  standing?(): Counts;
  /** Closes all connections. */
  stop(): Promise<void>;
}

/** Counts and latencies by name since the last mark. */
export class Tally {
  private readonly counts = new Map<string, number>();
  private readonly histograms = new Map<string, Histogram>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  /** @param latency - microseconds */
  time(name: string, latency: number): void {
    let histogram = this.histograms.get(name);
    if (histogram === undefined) {
      histogram = new Histogram();
      this.histograms.set(name, histogram);
    }
    histogram.record(latency);
  }

  clear(): void {
    this.counts.clear();
    for (const histogram of this.histograms.values()) histogram.clear();
  }

  report(more: Counts = {}): Report {
    const latencies = [...this.histograms].map(([name, histogram]) => [name, histogram.entries()] as const);
    return { counts: { ...Object.fromEntries(this.counts), ...more }, latencies: Object.fromEntries(latencies) };
  }
}

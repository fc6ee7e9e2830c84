/** When a soak has failed: memory that goes on growing, descriptors that stay, anything that went wrong. */
import { median } from '../report/measurements.js';

export interface Sample {
  /** Seconds since the load began. */
  readonly at: number;
  /** kB. */
  readonly pss: number;
  /** kB. */
  readonly rss: number;
  /** Bytes in use; undefined when the server has no probe. */
  readonly heap: number | undefined;
  readonly descriptors: number | undefined;
}

/** A state without clients, after collection. */
export interface Rest {
  /** Bytes of objects and buffers. */
  readonly heap: number;
  readonly descriptors: number | undefined;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  /** After warming up, before the load; after the load, when all clients have left. */
  readonly before: Rest;
  readonly after: Rest;
  readonly faults: Readonly<Record<string, number>>;
  readonly visits: number;
}

export interface Limits {
  /** Part by which memory may be larger at the end. */
  readonly growth: number;
  /** Second whose memory the end is compared with, and seconds around it that make the median. */
  readonly from: number;
  readonly window: number;
  /** Bytes by which the heap without clients may be larger than before. */
  readonly heapGrowth: number;
}

/** Those of a soak of `seconds`: from minute 5, or the second third of a shorter one. */
export function limitsFor(seconds: number): Limits {
  return {
    growth: 0.05,
    from: Math.min(300, seconds / 3),
    window: Math.min(120, seconds / 4),
    heapGrowth: 4_000_000,
  };
}

/** @returns what is wrong, in words; nothing when all is well */
export function faultsIn(result: SoakResult, limits: Limits): string[] {
  const { samples, before, after, faults, visits } = result;
  const wrong = Object.entries(faults).map(([name, count]) => `${name}: ${count}`);
  if (visits === 0) wrong.push('no visit came to its end');
  const { from, window, growth } = limits;
  const end = Math.max(0, ...samples.map(({ at }) => at));
  // A run too short for two windows that do not overlap says nothing about growth.
  if (end - window >= from + window) {
    const start = median(samples.filter(({ at }) => at >= from && at <= from + window).map(({ pss }) => pss));
    const last = median(samples.filter(({ at }) => at >= end - window).map(({ pss }) => pss));
    if (start === undefined || last === undefined) wrong.push('there are too few samples of the memory');
    else if (last > start * (1 + growth)) {
      const percent = ((last / start - 1) * 100).toFixed(1);
      wrong.push(
        `memory grew from ${megabytes(start)} MB to ${megabytes(last)} MB (${percent} %, at most ${growth * 100} % may be)`,
      );
    }
  }
  if (after.heap > before.heap + limits.heapGrowth) {
    wrong.push(
      `without clients the heap has ${megabytes(after.heap / 1_024)} MB, before it had ${megabytes(before.heap / 1_024)} MB`,
    );
  }
  if (before.descriptors !== after.descriptors) {
    wrong.push(`${after.descriptors} descriptors are open without clients, before it were ${before.descriptors}`);
  }
  return wrong;
}

/** @param kilobytes - of memory */
function megabytes(kilobytes: number): string {
  return (kilobytes / 1_024).toFixed(1);
}

/** When a soak has failed: memory that goes on growing, descriptors that stay, anything that went wrong. */
import { faultTexts } from '../report/faults.js';
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
  /** Undefined for a run too short to say anything about growth: a process takes minutes to find its size. */
  readonly memory: MemoryLimit | undefined;
  /** Bytes by which the heap without clients may be larger than before. */
  readonly heapGrowth: number;
}

export interface MemoryLimit {
  /** Part by which memory may be larger at the end. */
  readonly growth: number;
  /** Second from which on memory is compared with the end. */
  readonly from: number;
  /** Seconds whose median counts, at both ends. */
  readonly window: number;
}

const FROM = 300;
const WINDOW = 120;
/** Seconds below which the two windows would be too near to each other. */
const SHORTEST = 600;

/** Those of a soak of `seconds`. */
export function limitsFor(seconds: number): Limits {
  return {
    memory: seconds < SHORTEST ? undefined : { growth: 0.05, from: FROM, window: WINDOW },
    heapGrowth: 4_000_000,
  };
}

/** @returns what is wrong, in words; nothing when all is well */
export function faultsIn(result: SoakResult, limits: Limits): string[] {
  const { samples, before, after, faults, visits } = result;
  const wrong = faultTexts(faults);
  if (visits === 0) wrong.push('no visit came to its end');
  if (limits.memory !== undefined) wrong.push(...growthIn(samples, limits.memory));
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

function growthIn(samples: readonly Sample[], { growth, from, window }: MemoryLimit): string[] {
  const end = Math.max(0, ...samples.map(({ at }) => at));
  const pssBetween = (start: number, stop: number): number | undefined =>
    median(samples.filter(({ at }) => at >= start && at <= stop).map(({ pss }) => pss));
  const start = pssBetween(from, from + window);
  const last = pssBetween(end - window, end);
  if (start === undefined || last === undefined) return ['there are too few samples of the memory'];
  if (last <= start * (1 + growth)) return [];
  const percent = ((last / start - 1) * 100).toFixed(1);
  return [
    `memory grew from ${megabytes(start)} MB to ${megabytes(last)} MB (${percent} %, at most ${growth * 100} % may be)`,
  ];
}

/** @param kilobytes - of memory */
function megabytes(kilobytes: number): string {
  return (kilobytes / 1_024).toFixed(1);
}

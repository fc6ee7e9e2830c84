/**
 * CPU time of a process tree: all threads of all processes, from the scheduler's own count in nanoseconds
 * (/proc/PID/task/TID/schedstat). Where the kernel keeps none, the ticks of /proc/PID/stat.
 */
import { readdirSync } from 'node:fs';
import { hasProc, processTree, readProc, statFields } from './process-tree.js';

/** Ticks a second in /proc/PID/stat; the kernel's promise to programs on every architecture Node runs on. */
const TICKS = 100;
/** Seconds by which ticks may run ahead of what was really used. */
const TICK_ERROR = 0.02;

/** Seconds of CPU time by process. */
export type CpuSample = ReadonlyMap<number, number>;

export interface CpuUse {
  /** Seconds. */
  readonly seconds: number;
  /** Processes that ended in between: what they used last is missing in `seconds`. */
  readonly ended: number;
}

/** @returns undefined where there is no /proc */
export function cpuSample(root: number): CpuSample | undefined {
  if (!hasProc()) return undefined;
  const sample = new Map<number, number>();
  for (const pid of processTree(root)) {
    const stat = readProc(`/proc/${pid}/stat`);
    if (stat !== undefined) sample.set(pid, cpuSeconds(stat, threadCounts(pid)));
  }
  return sample;
}

/**
 * Seconds of one process.
 * @param stat - text of /proc/PID/stat
 * @param schedstats - texts of the threads' schedstat: nanoseconds on a CPU, nanoseconds waiting, number of turns
 */
export function cpuSeconds(stat: string, schedstats: readonly string[]): number {
  const fields = statFields(stat);
  const ticks = (Number(fields[11]) + Number(fields[12])) / TICKS;
  let nanoseconds = 0;
  for (const text of schedstats) nanoseconds += Number.parseInt(text, 10) || 0;
  // The ticks know of threads that have ended too, the threads' own counts are finer.
  return Math.max(nanoseconds / 1e9, ticks - TICK_ERROR, 0);
}

/** What was used between two samples; a process that is new counts from its start. */
export function cpuBetween(before: CpuSample, after: CpuSample): CpuUse {
  let seconds = 0;
  for (const [pid, used] of after) seconds += Math.max(0, used - (before.get(pid) ?? 0));
  const ended = [...before.keys()].filter((pid) => !after.has(pid)).length;
  return { seconds, ended };
}

function threadCounts(pid: number): string[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.map((thread) => readProc(`/proc/${pid}/task/${thread}/schedstat`) ?? '');
}

/** Memory and descriptors of a process tree. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { hasProc, processTree, readProc } from './process-tree.js';

export interface MemoryUse {
  /** kB, shared pages divided among those who share them; the resident size where the system has no such figure. */
  readonly pss: number;
  /** kB, shared pages counted for each process. */
  readonly rss: number;
  readonly processes: number;
}

/** Memory of `root` and its descendants; kernel buffers of sockets are not in it. */
export function memoryUse(root: number): MemoryUse {
  if (!hasProc()) {
    const rss = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(root)], { encoding: 'utf8' }).trim());
    return { pss: rss, rss, processes: 1 };
  }
  let pss = 0;
  let rss = 0;
  let processes = 0;
  for (const pid of processTree(root)) {
    const text = readProc(`/proc/${pid}/smaps_rollup`);
    if (text === undefined) continue;
    const own = rollup(text);
    pss += own.pss;
    rss += own.rss;
    processes += 1;
  }
  return { pss, rss, processes };
}

/** @param text - text of /proc/PID/smaps_rollup @returns kB */
export function rollup(text: string): { pss: number; rss: number } {
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { pss: kilobytes('Pss'), rss: kilobytes('Rss') };
}

/** Open descriptors of `root` and its descendants; undefined where there is no /proc. */
export function descriptorCount(root: number): number | undefined {
  if (!hasProc()) return undefined;
  let count = 0;
  for (const pid of processTree(root)) {
    try {
      count += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has ended meanwhile.
    }
  }
  return count;
}

/** Descriptors a process may have; Node raises its own limit to the hard one. Undefined where nothing tells. */
export function descriptorLimit(): number | undefined {
  const text = readProc('/proc/self/limits');
  const limit = Number(/^Max open files\s+(\d+)/m.exec(text ?? '')?.[1]);
  return Number.isNaN(limit) ? undefined : limit;
}

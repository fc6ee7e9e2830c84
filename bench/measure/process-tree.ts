/** Processes and their descendants, as /proc shows them (Linux). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Whether this system has what the figures of processes are read from. */
export function hasProc(): boolean {
  return existsSync('/proc/self/stat');
}

/** The text of a file of /proc; undefined when its process has ended meanwhile. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat behind the program's name, which may itself have spaces and brackets; state first. */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** `root` and everything it started, as far as the parents are still there. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readProc(`/proc/${name}/stat`);
    if (stat === undefined) continue;
    const parent = Number(statFields(stat)[1]);
    const siblings = children.get(parent) ?? [];
    siblings.push(pid);
    children.set(parent, siblings);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

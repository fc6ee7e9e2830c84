/** The machine a figure was measured on. */
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** MB. */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  /** Mean number of running processes over the last minute, at the start. */
  readonly load: number;
}

export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memory: Math.round(totalmem() / 2 ** 20),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

export function describeMachine({ cpu, cores, memory, system, node }: Machine): string {
  return `${cores} cores (${cpu}), ${Math.round(memory / 1_024)} GB, ${system}, Node ${node}`;
}

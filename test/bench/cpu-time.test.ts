/** CPU time and memory from the texts of /proc, and of this very process where there is a /proc. */
import { describe, expect, it } from 'vitest';
import { cpuBetween, cpuSample, cpuSeconds } from '../../bench/measure/cpu-time.js';
import { descriptorCount, memoryUse, rollup } from '../../bench/measure/memory.js';
import { hasProc, processTree, statFields } from '../../bench/measure/process-tree.js';
import { Child } from '../support/child.js';

/** A program may call itself anything. */
const STAT = '4242 (a) b) R 17 4242 4242 0 -1 4194304 1 2 3 4 150 50 7 8 20 0 11 0 999 1000 200';

describe('the text of /proc/PID/stat', () => {
  it('is split behind the name, which may have brackets and spaces', () => {
    expect(statFields(STAT).slice(0, 2)).toEqual(['R', '17']);
  });

  it('gives user and system time where there are no finer counts', () => {
    expect(cpuSeconds(STAT, [])).toBeCloseTo(1.98, 6);
  });

  it('gives way to the sum of the threads where that is more', () => {
    expect(cpuSeconds(STAT, ['1500000000 9 9\n', '1250000000 9 9\n', ''])).toBeCloseTo(2.75, 6);
  });

  it('knows of threads that have ended', () => {
    expect(cpuSeconds(STAT, ['1000000 9 9\n'])).toBeCloseTo(1.98, 6);
  });
});

describe('two samples', () => {
  it('give what was used in between: new processes count from their start, those that ended are told', () => {
    const before = new Map([
      [1, 10],
      [2, 5],
    ]);
    const after = new Map([
      [1, 10.5],
      [3, 0.25],
    ]);
    expect(cpuBetween(before, after)).toEqual({ seconds: 0.75, ended: 1 });
  });
});

describe('the text of smaps_rollup', () => {
  it('gives kilobytes', () => {
    const text = '55-7f ---p 00000000 00:00 0 [rollup]\nRss:    1688 kB\nPss:     329 kB\nPss_Dirty:  116 kB\n';
    expect(rollup(text)).toEqual({ pss: 329, rss: 1_688 });
  });
});

describe.runIf(hasProc())('a process tree', () => {
  it('has the processes that this one started, and their time, memory and descriptors', async () => {
    const code =
      'const end = Date.now() + 150; while (Date.now() < end); console.log("done"); setInterval(() => {}, 1e6)';
    const child = Child.node(['-e', code]);
    try {
      const before = cpuSample(process.pid) ?? new Map();
      await child.says(/done/);
      const tree = processTree(process.pid);
      expect(tree.length).toBeGreaterThan(1);
      const after = cpuSample(process.pid) ?? new Map();
      expect(cpuBetween(before, after).seconds).toBeGreaterThan(0.05);
      const { pss, rss, processes } = memoryUse(process.pid);
      expect(pss).toBeGreaterThan(10_000);
      expect(rss).toBeGreaterThanOrEqual(pss);
      expect(processes).toBeGreaterThan(1);
      expect(descriptorCount(process.pid)).toBeGreaterThan(10);
    } finally {
      await child.stop();
    }
  });
});

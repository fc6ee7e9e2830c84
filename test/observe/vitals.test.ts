import { describe, expect, it } from 'vitest';
import { Vitals } from '../../src/observe/vitals.js';
import { MACHINE_TIME } from '../../src/time/machine-time.js';
import { Child } from '../support/child.js';
import { ManualClock } from '../support/manual-clock.js';

/** Keeps the event loop from turning. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

describe('the vitals of a process', () => {
  it('tell of a blocked event loop for 15 seconds at least, and not for ever', async () => {
    const clock = new ManualClock();
    const vitals = new Vitals(clock);
    await later(60);
    block(150);
    await later(60);
    expect(vitals.read().lag.most).toBeGreaterThan(0.1);
    expect(vitals.read().lag.most).toBeLessThan(10);
    clock.advance(15_000);
    expect(vitals.read().lag.most).toBeGreaterThan(0.1);
    clock.advance(15_000);
    expect(vitals.read().lag.most).toBe(0);
    vitals.close();
    expect(clock.pending).toBe(0);
  });

  it('tell how much time and memory it has used', () => {
    const vitals = new Vitals(new ManualClock());
    const before = vitals.read();
    block(30);
    const { cpu, memory } = vitals.read();
    vitals.close();
    expect(cpu.user + cpu.system).toBeGreaterThan(before.cpu.user + before.cpu.system);
    expect(memory.rss).toBeGreaterThan(memory.heapUsed);
  });
});

describe('the time of the machine', () => {
  it('is the same in another process', async () => {
    const program =
      'console.log("now " + (Number(process.hrtime.bigint()) / 1e6 - performance.now() + performance.now()))';
    const before = performance.now() + MACHINE_TIME;
    const child = Child.node(['-e', program]);
    const [, there] = await child.says(/now ([\d.]+)\n/);
    const after = performance.now() + MACHINE_TIME;
    await child.ended();
    expect(Number(there)).toBeGreaterThan(before);
    expect(Number(there)).toBeLessThan(after);
  });
});

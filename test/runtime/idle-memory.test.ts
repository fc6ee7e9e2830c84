import { getHeapStatistics } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { IdleMemory, type ProcessMemory, processMemory } from '../../src/runtime/idle-memory.js';
import { CollectedLog } from '../support/collected-log.js';
import { ManualClock } from '../support/manual-clock.js';

const MB = 1_048_576;

class SampleMemory implements ProcessMemory {
  load = 0;
  unusedBytes = 100 * MB;
  collections = 0;

  utilization(): number {
    return this.load;
  }

  unused(): number {
    return this.unusedBytes;
  }

  async collect(): Promise<number> {
    this.collections += 1;
    this.unusedBytes = 2 * MB;
    return 12.3;
  }
}

function sample() {
  const clock = new ManualClock();
  const memory = new SampleMemory();
  const log = new CollectedLog();
  const idle = new IdleMemory(clock, log, memory);
  idle.start();
  const seconds = (count: number): void => clock.advance(count * 1_000);
  return { memory, log, idle, seconds };
}

describe('memory that a busy time has left', () => {
  it('is given back when the process has been quiet for a second and a half, once', async () => {
    const { memory, log, seconds } = sample();
    memory.load = 0.5;
    seconds(10);
    memory.load = 0.01;
    seconds(1);
    expect(memory.collections).toBe(0);
    seconds(0.5);
    await Promise.resolve();
    expect(memory.collections).toBe(1);
    memory.unusedBytes = 100 * MB;
    seconds(120);
    expect(memory.collections).toBe(1);
    expect(log.lines).toEqual(['debug gave back 98 MB of unused memory in 12 ms']);
  });

  it('is kept while there is something to do', () => {
    const { memory, seconds } = sample();
    memory.load = 0.06;
    seconds(100);
    expect(memory.collections).toBe(0);
  });

  it('is kept when it is little', () => {
    const { memory, seconds } = sample();
    memory.unusedBytes = 20 * MB;
    seconds(100);
    expect(memory.collections).toBe(0);
  });

  it('is given back twice in half a minute at the most, however often it is quiet', () => {
    const { memory, seconds } = sample();
    for (let at = 0; at < 10; at += 1) {
      memory.load = 0.9;
      memory.unusedBytes = 100 * MB;
      seconds(1);
      memory.load = 0;
      seconds(3);
    }
    expect(memory.collections).toBe(2);
  });

  it('is nobody’s business any more after the end', () => {
    const { memory, idle, seconds } = sample();
    idle.stop();
    seconds(10);
    expect(memory.collections).toBe(0);
  });

  it('includes garbage that no collection has found yet', async () => {
    const memory = processMemory();
    // Little enough to fit into the young generation, which is empty now.
    await memory.collect();
    const before = memory.unused();
    let kept: unknown[] = [];
    for (let at = 0; at < 5_000; at += 1) kept.push({ at, text: `number ${at}` });
    expect(kept.length).toBe(5_000);
    kept = [];
    expect(before - memory.unused()).toBeLessThan(0.4 * MB);
  });

  it('is really given back by the process', async () => {
    const memory = processMemory();
    // More than a collection of the young leaves behind, and none of it needed.
    let kept: unknown[] = [];
    for (let at = 0; at < 600_000; at += 1) kept.push({ at, text: `number ${at}` });
    const held = getHeapStatistics().total_heap_size;
    expect(kept.length).toBe(600_000);
    kept = [];
    expect(await memory.collect()).toBeGreaterThan(0);
    expect(held - getHeapStatistics().total_heap_size).toBeGreaterThan(20 * MB);
  });
});

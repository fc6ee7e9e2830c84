import { describe, expect, it } from 'vitest';
import { SlowWorkers } from '../../../src/runtime/workers/slow-workers.js';
import { CollectedLog } from '../../support/collected-log.js';
import { ManualClock } from '../../support/manual-clock.js';

function watching() {
  const clock = new ManualClock();
  const log = new CollectedLog();
  const worker = {
    pid: 7,
    queuedBytes: 200,
    heard: false,
    killed: 0,
    kill: () => {
      worker.killed += 1;
    },
  };
  return { clock, log, worker, slow: new SlowWorkers(clock, log, 100) };
}

describe('a worker that publishers wait for', () => {
  it('is ended when it says nothing for 10 s, and that is logged', () => {
    const { clock, log, worker, slow } = watching();
    slow.watch(worker);
    slow.watch(worker);
    clock.advance(9_999);
    expect(worker.killed).toBe(0);
    clock.advance(1);
    expect(worker.killed).toBe(1);
    expect(log.lines).toEqual(['error the worker with pid 7 takes nothing and has said nothing for 10 s: ending it']);
    clock.advance(60_000);
    expect([worker.killed, clock.pending]).toEqual([1, 0]);
  });

  it('is waited for as long as it says something', () => {
    const { clock, worker, slow } = watching();
    slow.watch(worker);
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1_000);
      worker.heard = true;
    }
    expect(worker.killed).toBe(0);
  });

  it('is forgotten when it has taken what waited', () => {
    const { clock, worker, slow } = watching();
    slow.watch(worker);
    clock.advance(3_000);
    worker.queuedBytes = 100;
    clock.advance(20_000);
    expect([worker.killed, clock.pending]).toEqual([0, 0]);
    worker.queuedBytes = 200;
    slow.watch(worker);
    clock.advance(10_000);
    expect(worker.killed).toBe(1);
  });

  it('is not taken for stuck because this process was', () => {
    const { clock, worker, slow } = watching();
    slow.watch(worker);
    clock.stall(30_000);
    expect(worker.killed).toBe(0);
  });
});

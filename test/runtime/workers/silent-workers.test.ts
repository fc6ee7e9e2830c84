import { describe, expect, it } from 'vitest';
import { SilentWorkers } from '../../../src/runtime/workers/silent-workers.js';
import { ManualClock } from '../../support/manual-clock.js';

class SampleWorker {
  heardAt: number;

  constructor(private readonly clock: ManualClock) {
    this.heardAt = clock.now();
  }

  speak(): void {
    this.heardAt = this.clock.now();
  }
}

function looking() {
  const clock = new ManualClock();
  const workers = [new SampleWorker(clock), new SampleWorker(clock)] as const;
  const silent = new SilentWorkers(clock, () => workers);
  silent.start();
  const [first, second] = workers;
  /** Seconds in which some of them say something. */
  const live = (seconds: number, ...speaking: readonly SampleWorker[]): void => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      for (const one of speaking) one.speak();
    }
  };
  const found = () => workers.map((one) => silent.silenceOf(one));
  return { clock, silent, first, second, live, found };
}

describe('a worker that says nothing', () => {
  it('hangs after ten seconds, until it speaks again', () => {
    const { first, second, live, found } = looking();
    live(3, first, second);
    live(10, first);
    expect(found()).toEqual([undefined, undefined]);
    live(3, first);
    expect(found()).toEqual([undefined, 13]);
    live(60, first);
    expect(found()).toEqual([undefined, 73]);
    second.speak();
    expect(found()).toEqual([undefined, undefined]);
    live(10, first);
    expect(found()).toEqual([undefined, undefined]);
  });

  it('hangs with all others, too', () => {
    const { live, found } = looking();
    live(14);
    expect(found()).toEqual([14, 14]);
  });

  it('is not taken for one that hangs because this process or the machine stood still', () => {
    const { clock, first, second, live, found } = looking();
    live(5, first, second);
    clock.stall(60_000);
    expect(found()).toEqual([undefined, undefined]);
    // Both have a second to speak.
    live(1);
    expect(found()).toEqual([undefined, undefined]);
    live(30, first, second);
    clock.stall(60_000);
    live(11, first);
    expect(found()).toEqual([undefined, 71]);
  });

  it('is nobody any more when it has gone, and nobody looks after the end', () => {
    const clock = new ManualClock();
    const workers = [new SampleWorker(clock)];
    const silent = new SilentWorkers(clock, () => workers);
    silent.start();
    clock.advance(14_000);
    const [gone] = workers.splice(0) as [SampleWorker];
    expect(silent.silenceOf(gone)).toBe(14);
    clock.advance(2_000);
    expect(silent.silenceOf(gone)).toBe(undefined);
    silent.stop();
    expect(clock.pending).toBe(0);
  });
});

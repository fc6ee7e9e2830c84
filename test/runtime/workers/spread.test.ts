import { describe, expect, it } from 'vitest';
import type { ClientLimits } from '../../../src/runtime/workers/client-share.js';
import { type Acceptor, Spread } from '../../../src/runtime/workers/spread.js';
import { CollectedLog } from '../../support/collected-log.js';
import { ManualClock } from '../../support/manual-clock.js';

/** By the clock. */
const START = 20_000;

class SampleWorker implements Acceptor {
  readonly pid = 7;
  readonly limits: ClientLimits;
  heardAt = START;
  provenAt = 0;
  accepting = true;
  /** What it was told, in order. */
  readonly told: boolean[] = [];

  constructor(
    public open: number,
    full = 10_000,
    brink = full,
  ) {
    this.limits = { full, brink, step: 32 };
  }

  accept(on: boolean): void {
    this.told.push(on);
    this.accepting = false;
  }
}

function spreading(...workers: SampleWorker[]) {
  const clock = new ManualClock(START);
  const log = new CollectedLog();
  const spread = new Spread(clock, log, () => workers);
  return { clock, log, spread, told: () => workers.map(({ told }) => told), workers };
}

describe('the spread of clients over workers', () => {
  it('leaves workers alone that have about as many', () => {
    const { spread, told } = spreading(new SampleWorker(128), new SampleWorker(0));
    spread.look();
    expect(told()).toEqual([[], []]);
  });

  it('has a worker step aside that has 64 more than the mean, until it has no more than that', () => {
    const busy = new SampleWorker(129);
    const idle = new SampleWorker(0);
    const { spread, log } = spreading(busy, idle);
    spread.look();
    idle.open = 128;
    spread.look();
    expect(busy.told).toEqual([false]);
    idle.open = 129;
    spread.look();
    expect([busy.told, idle.told]).toEqual([[false, true], []]);
    expect(log.lines).toEqual([
      'debug the worker with pid 7 has 129 clients and leaves new ones to others',
      'debug the worker with pid 7 has 129 clients and takes new ones again',
    ]);
  });

  it('has it step aside when it has an eighth more than the mean, where that is more', () => {
    const busy = new SampleWorker(4_500);
    const { spread } = spreading(busy, new SampleWorker(3_500));
    spread.look();
    expect(busy.told).toEqual([]);
    busy.open = 4_502;
    spread.look();
    expect(busy.told).toEqual([false]);
  });

  it('has one that is full step aside, and come back when it has fewer by more than a step', () => {
    const small = new SampleWorker(100, 100);
    const { spread } = spreading(small, new SampleWorker(100, 1_000));
    spread.look();
    small.open = 68;
    spread.look();
    expect(small.told).toEqual([false]);
    small.open = 67;
    spread.look();
    expect(small.told).toEqual([false, true]);
  });

  it('leaves nobody to one that has just begun: it may be one that keeps dying', () => {
    const busy = new SampleWorker(500);
    const young = new SampleWorker(0);
    young.provenAt = START + 10_000;
    const { spread, clock } = spreading(busy, young);
    clock.advance(9_999);
    young.heardAt = clock.now();
    spread.look();
    expect(busy.told).toEqual([]);
    clock.advance(1);
    spread.look();
    expect(busy.told).toEqual([false]);
  });

  it('waits until another one really accepts: the listening sockets are always open somewhere', () => {
    const one = new SampleWorker(500);
    const other = new SampleWorker(0);
    const { spread } = spreading(one, other);
    spread.look();
    other.open = 1_000;
    spread.look();
    expect([one.told, other.told]).toEqual([[false, true], []]);
    spread.look();
    expect(other.told).toEqual([]);
    one.accepting = true;
    spread.look();
    expect([one.told, other.told]).toEqual([[false, true], [false]]);
  });

  it('has those step aside that are on the brink when all are full, whatever the others have', () => {
    const workers = [new SampleWorker(1_600, 1_500, 1_600), new SampleWorker(1_599, 1_500, 1_600)];
    const { spread, told } = spreading(...workers);
    spread.look();
    expect(told()).toEqual([[false], []]);
    for (const worker of workers) worker.open = 1_567;
    spread.look();
    expect(told()).toEqual([[false, true], []]);
  });

  it('has all of them accept when all are on the brink: somebody has to refuse', () => {
    const workers = [new SampleWorker(100, 100), new SampleWorker(99, 100)];
    const { spread, told } = spreading(...workers);
    spread.look();
    expect(told()).toEqual([[false], []]);
    for (const worker of workers) worker.open = 100;
    spread.look();
    expect(told()).toEqual([[false, true], []]);
  });

  it('leaves nobody to a worker that says nothing for 3 s', () => {
    const busy = new SampleWorker(500);
    const stuck = new SampleWorker(0);
    const { spread, clock } = spreading(busy, stuck);
    spread.look();
    clock.advance(3_000);
    spread.look();
    expect(busy.told).toEqual([false]);
    clock.advance(1);
    spread.look();
    expect(busy.told).toEqual([false, true]);
    busy.accepting = true;
    stuck.heardAt = clock.now();
    spread.look();
    expect(busy.told).toEqual([false, true, false]);
  });

  it('has the others accept when the one with few clients has gone', () => {
    const busy = new SampleWorker(500);
    const { spread, workers } = spreading(busy, new SampleWorker(0));
    spread.look();
    workers.pop();
    spread.look();
    expect(busy.told).toEqual([false, true]);
  });

  it('forgets a worker that has gone while it was aside', () => {
    const { spread, workers, told } = spreading(new SampleWorker(500), new SampleWorker(0));
    spread.look();
    workers.shift();
    spread.look();
    expect(told()).toEqual([[]]);
  });
});

import { describe, expect, it } from 'vitest';
import { ConnectionSearch } from '../../../src/runtime/workers/connection-search.js';
import type { MainMessage } from '../../../src/runtime/workers/messages.js';
import { Wheel } from '../../../src/time/wheel.js';
import { ManualClock } from '../../support/manual-clock.js';

class SampleWorker {
  readonly sent: MainMessage[] = [];

  send(message: MainMessage): void {
    this.sent.push(message);
  }
}

function searching(count: number) {
  const clock = new ManualClock();
  const wheel = new Wheel(clock);
  const workers = Array.from({ length: count }, () => new SampleWorker());
  const search = new ConnectionSearch(wheel, () => workers);
  const results: unknown[] = [];
  const find = (): void => search.find(['a', 'b'], false, (found) => results.push(found));
  return { clock, wheel, workers, search, results, find };
}

const answer = (id: number, ...ids: string[]) => ({ kind: 'found', id, ids }) as const;

describe('a search for connections', () => {
  it('is over when all workers have answered', () => {
    const { workers, search, results, find, wheel } = searching(2);
    find();
    const [one, other] = workers as [SampleWorker, SampleWorker];
    expect(one.sent).toEqual([{ kind: 'find', id: 1, ids: ['a', 'b'], refresh: false }]);
    expect(other.sent).toEqual(one.sent);
    search.found(other, answer(1, 'b'));
    search.found(other, answer(1, 'b'));
    expect(results).toEqual([]);
    search.found(one, answer(1, 'a'));
    expect(results).toEqual([['b', 'a']]);
    expect(wheel.size).toBe(0);
  });

  it('does not wait for a worker that has gone', () => {
    const { workers, search, results, find } = searching(2);
    find();
    const [one, other] = workers as [SampleWorker, SampleWorker];
    search.found(one, answer(1, 'a'));
    search.gone(other);
    expect(results).toEqual([['a']]);
    search.gone(one);
    expect(results).toHaveLength(1);
  });

  it('has failed when a worker says nothing for ten seconds, and what it says later is nobody’s', () => {
    const { workers, search, results, find, clock } = searching(2);
    find();
    const [one, other] = workers as [SampleWorker, SampleWorker];
    search.found(one, answer(1, 'a'));
    clock.advance(10_200);
    expect(results).toEqual([undefined]);
    search.found(other, answer(1, 'b'));
    expect(results).toHaveLength(1);
  });

  it('finds nothing where nobody serves', () => {
    const { results, find, wheel } = searching(0);
    find();
    expect(results).toEqual([[]]);
    expect(wheel.size).toBe(0);
  });

  it('keeps searches apart', () => {
    const { workers, search, results, find } = searching(1);
    find();
    find();
    const [one] = workers as [SampleWorker];
    search.found(one, answer(2, 'b'));
    search.found(one, answer(1));
    expect(results).toEqual([['b'], []]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionMinutes } from '../../src/observe/connection-minutes.js';
import { ManualClock } from '../support/manual-clock.js';

function sample() {
  const clock = new ManualClock(123_456);
  const counters = { connectionMinutes: 0 };
  const minutes = new ConnectionMinutes(clock, (count) => {
    counters.connectionMinutes += count;
  });
  return { clock, counters, minutes };
}

describe('connection minutes', () => {
  it('count one when a connection opens, and none of its end', () => {
    const { counters, minutes } = sample();
    minutes.closed(minutes.opened());
    expect(counters.connectionMinutes).toBe(1);
  });

  it('count nothing of a connection that has gone', () => {
    const { clock, counters, minutes } = sample();
    const at = minutes.opened();
    clock.advance(59_000);
    minutes.closed(at);
    clock.advance(600_000);
    minutes.count();
    expect(counters.connectionMinutes).toBe(1);
  });

  it('are those of each connection, rounded up, to within a second, whenever they are asked for', () => {
    const life = fc.record({ opens: fc.nat(400), stays: fc.nat(400), asks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(life, { maxLength: 12 }), (lives) => {
        const { clock, counters, minutes } = sample();
        const open = new Map<number, number>();
        let [least, most] = [0, 0];
        for (let second = 0; second <= 800; second += 1) {
          for (const [index, { opens, stays, asks }] of lives.entries()) {
            if (second === opens) open.set(index, minutes.opened());
            if (second !== opens + stays) continue;
            minutes.closed(open.get(index) ?? 0);
            if (asks) minutes.count();
            least += 1 + Math.floor(Math.max(0, stays - 1) / 60);
            most += 1 + Math.floor((stays + 1) / 60);
          }
          clock.advance(1_000);
        }
        minutes.count();
        expect(counters.connectionMinutes).toBeGreaterThanOrEqual(least);
        expect(counters.connectionMinutes).toBeLessThanOrEqual(most);
      }),
      { numRuns: 50 },
    );
  });
});

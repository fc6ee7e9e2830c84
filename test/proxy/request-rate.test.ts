/** How many requests a second may begin to one URL. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestRate } from '../../src/proxy/request-rate.js';
import { Wheel } from '../../src/time/wheel.js';
import { ManualClock } from '../support/manual-clock.js';

function bench(limit: number) {
  const clock = new ManualClock();
  const rate = new RequestRate(new Wheel(clock), limit);
  const started: string[] = [];
  const enter = (url: string, name = url) => rate.enter(url, () => started.push(name));
  return { clock, rate, started, enter };
}

describe('RequestRate', () => {
  it('starts what is within the limit at once, and what is beyond it a second after the first', () => {
    const { clock, started, enter } = bench(3);
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter('/x', name);
    expect(started).toEqual(['a', 'b', 'c']);
    clock.advance(950);
    expect(started).toEqual(['a', 'b', 'c']);
    clock.advance(150);
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('counts each URL by itself', () => {
    const { started, enter } = bench(1);
    for (const url of ['/x', '/y', '/x', '/y?z']) enter(url);
    expect(started).toEqual(['/x', '/y', '/y?z']);
  });

  it('lets nobody past those who wait', () => {
    const { clock, started, enter } = bench(1);
    for (const name of ['a', 'b']) enter('/x', name);
    clock.stall(2_000);
    enter('/x', 'c');
    clock.advance(1_100);
    clock.advance(1_100);
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('forgets what is called off, before its turn and after it', () => {
    const { clock, started, enter } = bench(1);
    enter('/x', 'a').cancel();
    const waiting = enter('/x', 'b');
    enter('/x', 'c');
    waiting.cancel();
    waiting.cancel();
    clock.advance(1_100);
    expect(started).toEqual(['a', 'c']);
  });

  it('forgets a URL that was not asked for a second', () => {
    const { clock, rate, enter } = bench(2);
    for (const url of ['/x', '/x', '/x', '/y']) enter(url);
    expect(rate.size).toBe(2);
    clock.advance(1_100);
    expect(rate.size).toBe(1);
    clock.advance(1_100);
    expect([rate.size, clock.pending]).toEqual([0, 0]);
  });

  it('forgets a URL whose waiting requests were all called off', () => {
    const { clock, rate, enter } = bench(1);
    enter('/x');
    enter('/x').cancel();
    clock.advance(1_100);
    clock.advance(100);
    expect([rate.size, clock.pending]).toEqual([0, 0]);
  });

  it('never starts more than the limit within any second, starts all in the end, and in order', () => {
    const step = fc.record({ pause: fc.integer({ min: 0, max: 700 }), count: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        const clock = new ManualClock();
        const rate = new RequestRate(new Wheel(clock), limit);
        const starts: number[] = [];
        const order: number[] = [];
        let count = 0;
        for (const { pause, count: more } of steps) {
          clock.advance(pause);
          for (let index = 0; index < more; index += 1) {
            const number = count;
            count += 1;
            rate.enter('/x', () => {
              starts.push(clock.now());
              order.push(number);
            });
          }
        }
        clock.advance(1_200 * (count + 2));
        expect(order).toEqual(Array.from({ length: count }, (_, index) => index));
        for (let at = limit; at < starts.length; at += 1) {
          expect((starts[at] ?? 0) - (starts[at - limit] ?? 0)).toBeGreaterThanOrEqual(1_000);
        }
        expect([rate.size, clock.pending]).toEqual([0, 0]);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timed, Wheel } from '../../src/time/wheel.js';
import { ManualClock } from '../support/manual-clock.js';

const TICK = 50;
/** Milliseconds after which the wheel visits the same slot again. */
const TURN = 512 * TICK;

/** Keeps the moments at which it fired. */
class Bell extends Timed {
  readonly rings: number[] = [];

  constructor(
    private readonly clock: ManualClock,
    private readonly then: () => void = () => {},
  ) {
    super();
  }

  onTime(): void {
    this.rings.push(this.clock.now());
    this.then();
  }
}

function wheelAt(time: number): { clock: ManualClock; wheel: Wheel } {
  const clock = new ManualClock(time);
  return { clock, wheel: new Wheel(clock) };
}

describe('a timer on the wheel', () => {
  it('fires once, in the first tick at its due time', () => {
    const { clock, wheel } = wheelAt(0);
    const bell = new Bell(clock);
    wheel.start(bell, 1_000);
    clock.advance(999);
    expect(bell.rings).toEqual([]);
    clock.advance(10_000);
    expect(bell.rings).toEqual([1_000]);
    expect(bell.due).toBe(0);
  });

  it('says when it is due while it waits', () => {
    const { clock, wheel } = wheelAt(70);
    const bell = new Bell(clock);
    expect(bell.due).toBe(0);
    wheel.start(bell, 130);
    expect(bell.due).toBe(200);
    wheel.stop(bell);
    expect(bell.due).toBe(0);
  });

  it('with a delay of nothing waits for the next tick and is not called from inside start', () => {
    const { clock, wheel } = wheelAt(0);
    const bell = new Bell(clock);
    wheel.start(bell, 0);
    expect(bell.rings).toEqual([]);
    expect(wheel.size).toBe(1);
    clock.advance(TICK);
    expect(bell.rings).toEqual([TICK]);
  });

  it('with a delay below zero fires in the next tick too', () => {
    const { clock, wheel } = wheelAt(1_000);
    const bell = new Bell(clock);
    wheel.start(bell, -500);
    clock.advance(2 * TICK);
    expect(bell.rings).toHaveLength(1);
  });

  it('further away than one turn of the wheel is passed over until its turn comes', () => {
    const { clock, wheel } = wheelAt(0);
    const near = new Bell(clock);
    const far = new Bell(clock);
    const furthest = new Bell(clock);
    wheel.start(far, 1_000 + TURN);
    wheel.start(near, 1_000);
    wheel.start(furthest, 1_000 + 3 * TURN);
    clock.advance(1_000);
    expect([near.rings, far.rings, furthest.rings]).toEqual([[1_000], [], []]);
    clock.advance(TURN);
    expect([far.rings, furthest.rings]).toEqual([[1_000 + TURN], []]);
    clock.advance(2 * TURN);
    expect(furthest.rings).toEqual([1_000 + 3 * TURN]);
  });

  it('never fires early and never more than two ticks late, whenever it starts and however long it takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 200, noNaN: true }),
        fc.array(
          fc.record({
            pause: fc.double({ min: 0, max: 300, noNaN: true }),
            delay: fc.oneof(
              fc.double({ min: 0, max: 500, noNaN: true }),
              fc.double({ min: 0, max: 3 * TURN, noNaN: true }),
            ),
          }),
          { minLength: 1, maxLength: 30 },
        ),
        (begin, starts) => {
          const { clock, wheel } = wheelAt(begin);
          const bells = starts.map(({ pause, delay }) => {
            clock.advance(pause);
            const bell = new Bell(clock);
            wheel.start(bell, delay);
            return { bell, due: bell.due };
          });
          clock.advance(4 * TURN);
          for (const { bell, due } of bells) {
            expect(bell.rings).toHaveLength(1);
            expect(bell.rings[0]).toBeGreaterThanOrEqual(due);
            expect(bell.rings[0]).toBeLessThanOrEqual(due + 2 * TICK);
          }
          expect(wheel.size).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('stopping and moving', () => {
  it('a stopped timer does not fire, and stopping it again changes nothing', () => {
    const { clock, wheel } = wheelAt(0);
    const stopped = new Bell(clock);
    const other = new Bell(clock);
    wheel.start(stopped, 200);
    wheel.start(other, 200);
    wheel.stop(stopped);
    wheel.stop(stopped);
    expect(wheel.size).toBe(1);
    clock.advance(1_000);
    expect([stopped.rings, other.rings]).toEqual([[], [200]]);
  });

  it('starting a timer that waits moves it', () => {
    const { clock, wheel } = wheelAt(0);
    const bell = new Bell(clock);
    wheel.start(bell, 100);
    wheel.start(bell, 700);
    expect(wheel.size).toBe(1);
    clock.advance(600);
    expect(bell.rings).toEqual([]);
    wheel.start(bell, 50);
    clock.advance(5_000);
    expect(bell.rings).toEqual([650]);
  });

  it('a timer may start itself again when it fires', () => {
    const { clock, wheel } = wheelAt(0);
    const bell: Bell = new Bell(clock, () => {
      if (bell.rings.length < 3) wheel.start(bell, 200);
    });
    wheel.start(bell, 200);
    clock.advance(5_000);
    expect(bell.rings).toEqual([200, 400, 600]);
  });

  it('a timer that fires may stop another one that is due in the same tick', () => {
    const { clock, wheel } = wheelAt(0);
    const second = new Bell(clock);
    const first = new Bell(clock, () => wheel.stop(second));
    wheel.start(first, 100);
    wheel.start(second, 100);
    clock.advance(1_000);
    expect([first.rings, second.rings]).toEqual([[100], []]);
    expect(wheel.size).toBe(0);
  });

  it('a timer that fires may put off another one that is due in the same tick', () => {
    const { clock, wheel } = wheelAt(0);
    const second = new Bell(clock);
    const first = new Bell(clock, () => wheel.start(second, 300));
    wheel.start(first, 100);
    wheel.start(second, 100);
    clock.advance(1_000);
    expect(second.rings).toEqual([400]);
  });

  it('timers of one tick fire in the order they were started', () => {
    const { clock, wheel } = wheelAt(0);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) wheel.start(new Bell(clock, () => order.push(name)), 100);
    clock.advance(100);
    expect(order).toEqual(['a', 'b', 'c']);
  });
});

describe('the wheel itself', () => {
  it('ticks only while something waits', () => {
    const { clock, wheel } = wheelAt(0);
    expect(clock.pending).toBe(0);
    const bell = new Bell(clock);
    wheel.start(bell, 100);
    wheel.start(new Bell(clock), 100);
    expect(clock.pending).toBe(1);
    clock.advance(100);
    expect(clock.pending).toBe(0);
    wheel.start(bell, 100);
    wheel.stop(bell);
    clock.advance(TICK);
    expect(clock.pending).toBe(0);
  });

  it('wakes up for what is due, and not for each tick before it', () => {
    const { clock, wheel } = wheelAt(0);
    const wakings: number[] = [];
    const { after } = clock;
    clock.after = (delay, run) =>
      after.call(clock, delay, () => {
        wakings.push(clock.now());
        run();
      });
    const late = new Bell(clock);
    wheel.start(late, 10_000);
    const soon = new Bell(clock);
    wheel.start(soon, 1_000);
    clock.advance(10_000);
    expect(soon.rings).toEqual([1_000]);
    expect(late.rings).toEqual([10_000]);
    expect(wakings).toEqual([1_000, 10_000]);
  });

  it('keeps the time of what is started after a long rest', () => {
    const { clock, wheel } = wheelAt(0);
    const bell = new Bell(clock);
    wheel.start(bell, 100);
    clock.advance(100);
    clock.advance(10 * TURN);
    wheel.start(bell, 1_000);
    clock.advance(999);
    expect(bell.rings).toHaveLength(1);
    clock.advance(1);
    expect(bell.rings).toEqual([100, 10 * TURN + 1_100]);
  });

  it.each([
    ['shorter than a turn', TURN / 2],
    ['of a turn', TURN],
    ['of several turns', 5 * TURN + 35],
  ])('after a stop of the process %s lets out all that was due meanwhile, each once, and nothing else', (_, length) => {
    const { clock, wheel } = wheelAt(0);
    const due = [100, 5_000, length - 1, length].map((delay) => {
      const bell = new Bell(clock);
      wheel.start(bell, delay);
      return bell;
    });
    const later = new Bell(clock);
    wheel.start(later, length + 300);
    clock.stall(length);
    clock.advance(2 * TICK);
    expect(due.map(({ rings }) => rings.length)).toEqual([1, 1, 1, 1]);
    expect(later.rings).toEqual([]);
    clock.advance(300);
    expect(later.rings).toHaveLength(1);
  });

  it('a timer that starts itself again does not fire twice when the process had stopped', () => {
    const { clock, wheel } = wheelAt(0);
    const bell: Bell = new Bell(clock, () => wheel.start(bell, 1_000));
    wheel.start(bell, 1_000);
    clock.stall(10_000);
    expect(bell.rings).toEqual([10_000]);
    clock.advance(1_000);
    expect(bell.rings).toEqual([10_000, 11_000]);
  });

  it('lets nothing out once it is closed', () => {
    const { clock, wheel } = wheelAt(0);
    const bell = new Bell(clock);
    wheel.start(bell, 100);
    wheel.close();
    expect(clock.pending).toBe(0);
    clock.advance(10_000);
    expect(bell.rings).toEqual([]);
  });
});

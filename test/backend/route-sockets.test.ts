/** How long what is bound for targets stays when the routes change. */
import { describe, expect, it } from 'vitest';
import { RouteSockets } from '../../src/backend/route-sockets.js';
import { Wheel } from '../../src/time/wheel.js';
import { CollectedLog } from '../support/collected-log.js';
import { ManualClock } from '../support/manual-clock.js';

class Bound {
  size = 0;
  closed = false;

  close(): void {
    this.closed = true;
  }
}

const NONE: ReadonlySet<string> = new Set();

describe('the sockets of routes', () => {
  function bound() {
    const clock = new ManualClock();
    const log = new CollectedLog('info');
    const sockets = new RouteSockets<Bound>({ wheel: new Wheel(clock), log }, 'zhttp');
    const [a, b] = [new Bound(), new Bound()];
    sockets.add('a', a);
    sockets.add('b', b);
    return { clock, log, sockets, a, b };
  }

  it('are closed two seconds after the last route that has their address, and no others are', () => {
    const { clock, log, sockets, a, b } = bound();
    sockets.retain(new Set(['b']));
    clock.advance(1_900);
    expect([a.closed, sockets.get('a')]).toEqual([false, a]);
    clock.advance(200);
    expect([a.closed, sockets.get('a')]).toEqual([true, undefined]);
    expect([b.closed, sockets.get('b')]).toEqual([false, b]);
    expect(log.lines).toEqual(['info zhttp/a: no route has it any more, closed']);
  });

  it('tell once that some are closed, and till then that they will be', () => {
    const clock = new ManualClock();
    let told = 0;
    const onClosed = (): void => {
      told += 1;
    };
    const parts = { wheel: new Wheel(clock), log: new CollectedLog('error'), onClosed };
    const sockets = new RouteSockets<Bound>(parts, 'zhttp');
    for (const spec of ['a', 'b']) sockets.add(spec, new Bound());
    expect(sockets.leaving).toBe(false);
    sockets.retain(NONE);
    expect([sockets.leaving, told]).toEqual([true, 0]);
    clock.advance(2_100);
    expect([sockets.leaving, told]).toEqual([false, 1]);
  });

  it('stay while something goes through them', () => {
    const { clock, sockets, a } = bound();
    a.size = 1;
    sockets.retain(new Set(['b']));
    clock.advance(60_000);
    expect(a.closed).toBe(false);
    a.size = 0;
    clock.advance(1_100);
    expect(a.closed).toBe(true);
  });

  it('stay when a route has the address again', () => {
    const { clock, sockets, a, b } = bound();
    sockets.retain(NONE);
    clock.advance(1_500);
    sockets.retain(new Set(['a']));
    clock.advance(10_000);
    expect([a.closed, b.closed]).toEqual([false, true]);
    sockets.retain(NONE);
    clock.advance(1_500);
    sockets.retain(NONE);
    clock.advance(600);
    expect(a.closed).toBe(true);
  });

  it('are all closed at the end, and waited for no longer', () => {
    const { clock, sockets, a, b } = bound();
    sockets.retain(NONE);
    sockets.close();
    expect([a.closed, b.closed, clock.pending]).toEqual([true, true, 0]);
  });
});

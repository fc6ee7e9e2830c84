/** Parts whose log has the level of a route: made once for each level, and never for routes without one. */
import { describe, expect, it } from 'vitest';
import { generalParts, partsFor } from '../../src/proxy/route-parts.js';
import { parseRoute } from '../../src/routes/parse-route.js';
import type { Route } from '../../src/routes/route.js';
import { sampleHolds } from '../support/sample-hold-parts.js';

function routeOf(condition: string): Route {
  const parsed = parseRoute(`${condition} a:80`, { file: 'routes', line: 1 }, { readFile: () => '' });
  if (parsed.kind !== 'route') throw new Error(`no route: ${condition}`);
  return parsed.route;
}

function sampleProxy() {
  const { parts, log } = sampleHolds();
  return { proxy: { holds: parts, name: 'the rest' }, log };
}

describe('the parts for a route', () => {
  it('are the general ones without log_level, and without a route', () => {
    const { proxy } = sampleProxy();
    expect(partsFor(proxy, routeOf('*'))).toBe(proxy);
    expect(partsFor(proxy, undefined)).toBe(proxy);
  });

  it('are made once for each level, whatever the route', () => {
    const { proxy } = sampleProxy();
    const one = partsFor(proxy, routeOf('a,log_level=1'));
    expect(partsFor(proxy, routeOf('b,log_level=1'))).toBe(one);
    expect(partsFor(proxy, routeOf('b,log_level=3'))).not.toBe(one);
    expect(partsFor(proxy, routeOf('a,log_level=4'))).toBe(partsFor(proxy, routeOf('b,log_level=400')));
  });

  it('differ from the general ones in their log alone', () => {
    const { proxy } = sampleProxy();
    const { holds, ...rest } = partsFor(proxy, routeOf('*,log_level=1'));
    expect({ ...rest, holds: { ...holds, log: proxy.holds.log } }).toEqual(proxy);
    expect(holds.hub).toBe(proxy.holds.hub);
    expect(holds.counters).toBe(proxy.holds.counters);
  });

  it('lead back to the general ones, and from one level to another', () => {
    const { proxy } = sampleProxy();
    const quiet = partsFor(proxy, routeOf('*,log_level=1'));
    const loud = partsFor(quiet, routeOf('*,log_level=3'));
    expect(loud).toBe(partsFor(proxy, routeOf('*,log_level=3')));
    expect([generalParts(quiet), generalParts(loud), generalParts(proxy)]).toEqual([proxy, proxy, proxy]);
    expect(generalParts(quiet)).toBe(proxy);
  });

  it.each([
    [0, ['error e']],
    [1, ['error e', 'warn w']],
    [2, ['error e', 'warn w', 'info i']],
    [3, ['error e', 'warn w', 'info i', 'debug d']],
  ])('with log_level=%i write %j', (level, lines) => {
    const { proxy, log } = sampleProxy();
    const own = partsFor(proxy, routeOf(`*,log_level=${level}`)).holds.log;
    own.error('e');
    own.warn('w');
    own.info('i');
    own.debug('d');
    expect(log.lines).toEqual(lines);
  });
});

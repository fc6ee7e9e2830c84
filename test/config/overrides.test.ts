import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { levelOfNumber, readSets, readShortFlags } from '../../src/config/overrides.js';
import { SETTINGS } from '../../src/config/schema.js';
import { survives, thrown } from './thrown.js';

const NO_FLAGS = { ports: [], routes: [], verbose: false };

describe('readSets', () => {
  it.each<[readonly string[], readonly (readonly [string, unknown])[]]>([
    [[], []],
    [['http.max_headers=5'], [['http.max_headers', 5]]],
    [['http.max_headers=5', 'http.max_headers=6'], [['http.max_headers', 6]]],
    [['proxy.sig_key=a=b'], [['proxy.sig_key', 'a=b']]],
    [['proxy.sig_key='], [['proxy.sig_key', '']]],
    [['control.listen=off'], [['control.listen', undefined]]],
    [['workers=2'], [['workers.count', 2]]],
    [['workers.count=auto'], [['workers.count', 'auto']]],
    [['zeromq.sub=tcp://a:1,tcp://b:2'], [['zeromq.sub', ['tcp://a:1', 'tcp://b:2']]]],
  ])('reads %j', (sets, layer) => {
    expect([...readSets(sets)]).toEqual(layer);
  });

  it.each([
    ['http.max_headers', 'HOLDFAST_USAGE', '--set takes path.to.key=value, not "http.max_headers"'],
    ['=5', 'HOLDFAST_USAGE', '--set takes path.to.key=value, not "=5"'],
    [
      'http.max_header=5',
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting http.max_header (given with --set); did you mean http.max_headers?',
    ],
    [
      '__proto__.polluted=5',
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting __proto__.polluted (given with --set)',
    ],
    [
      'http.max_headers=x',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.max_headers (given with --set) must be an integer from 1 to 10000, not "x"',
    ],
  ])('refuses %s', (set, code, message) => {
    const error = thrown(() => readSets([set]));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  it('throws nothing but its own errors', () => {
    const path = fc.oneof(fc.constantFrom(...SETTINGS.map((entry) => entry.path)), fc.string());
    fc.assert(fc.property(path, fc.string(), (name, value) => survives(() => readSets([`${name}=${value}`]))));
  });
});

describe('readShortFlags', () => {
  it('reads nothing from no flags', () => {
    expect([...readShortFlags(NO_FLAGS)]).toEqual([]);
  });

  it.each([
    ['3', 3],
    ['auto', 'auto'],
  ])('reads a number of workers: %s', (workers, count) => {
    expect([...readShortFlags({ ...NO_FLAGS, workers })]).toEqual([['workers.count', count]]);
  });

  it.each(['', '0', '65', '1.5', 'all', '0x2', '2e0', '2.0', ' 2'])('refuses %j workers', (workers) => {
    const error = thrown(() => readShortFlags({ ...NO_FLAGS, workers }));
    expect(error.code).toBe('HOLDFAST_USAGE');
    expect(error.message).toBe(`--workers takes an integer from 1 to 64, or auto, not ${JSON.stringify(workers)}`);
  });

  it('reads ports and routes', () => {
    const flags = { ...NO_FLAGS, ports: ['80', '[::1]:81'], routes: ['* test'] };
    expect([...readShortFlags(flags)]).toEqual([
      [
        'http.listen',
        [
          { host: '0.0.0.0', port: 80 },
          { host: '::1', port: 81 },
        ],
      ],
      ['routes.lines', ['* test']],
    ]);
  });

  it.each([
    ['warn', false, 'warn'],
    ['0', false, 'error'],
    ['4', false, 'trace'],
    ['error', true, 'debug'],
  ])('reads the level %s, verbose %s, as %s', (logLevel, verbose, level) => {
    expect(readShortFlags({ ...NO_FLAGS, logLevel, verbose }).get('log.level')).toBe(level);
  });

  it.each([
    [{ ports: [':80'] }, '--port takes [address:]port with a port from 0 to 65535, not ":80"'],
    [{ ports: ['70000'] }, '--port takes [address:]port with a port from 0 to 65535, not "70000"'],
    [{ routes: [' '] }, '--route takes a line of a routes file, but it is empty'],
    [{ logLevel: '5' }, '--log-level takes error, warn, info, debug, trace or 0 to 4, not "5"'],
    [
      { logLevel: 'inof' },
      '--log-level takes error, warn, info, debug, trace or 0 to 4, not "inof"; did you mean info?',
    ],
  ])('refuses %j', (flags, message) => {
    const error = thrown(() => readShortFlags({ ...NO_FLAGS, ...flags }));
    expect(error.code).toBe('HOLDFAST_USAGE');
    expect(error.message).toContain(message);
  });

  it.each([
    [-1, 'error'],
    [2, 'info'],
    [99, 'trace'],
  ])('takes %d of the original for %s', (number, level) => {
    expect(levelOfNumber(number)).toBe(level);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnvironment, variableName } from '../../src/config/environment.js';
import { SETTINGS } from '../../src/config/schema.js';
import { survives, thrown } from './thrown.js';

describe('readEnvironment', () => {
  it.each<[Record<string, string | undefined>, readonly (readonly [string, unknown])[]]>([
    [{}, []],
    [{ PATH: '/bin', HOLDFAST_HTTP__MAX_HEADERS: '5' }, [['http.max_headers', 5]]],
    [
      { HOLDFAST_HTTP__LISTEN: '80,[::]:81' },
      [
        [
          'http.listen',
          [
            { host: '0.0.0.0', port: 80 },
            { host: '::', port: 81 },
          ],
        ],
      ],
    ],
    [{ HOLDFAST_PROXY__SET_X_FORWARDED_PROTOCOL: 'both' }, [['proxy.set_x_forwarded_protocol', 'both']]],
    [{ HOLDFAST_PROXY__SIG_KEY: '' }, [['proxy.sig_key', '']]],
    [{ HOLDFAST_CONTROL__LISTEN: '' }, [['control.listen', undefined]]],
    [{ HOLDFAST_ROUTES__LINES: '*,debug test' }, [['routes.lines', ['*,debug test']]]],
    [{ HOLDFAST_HTTP__MAX_HEADERS: undefined }, []],
    [{ holdfast_http__max_headers: 'x' }, []],
  ])('reads %j', (environment, layer) => {
    const read = readEnvironment(environment);
    expect([...read.layer]).toEqual(layer);
    expect(read.warnings).toEqual([]);
  });

  it('leaves variables of container systems alone', () => {
    const environment = { HOLDFAST_PORT: 'tcp://10.0.0.1:7999', HOLDFAST_SERVICE_HOST: '10.0.0.1', HOLDFAST_HOME: 'x' };
    expect(readEnvironment(environment)).toEqual({ layer: new Map(), warnings: [] });
  });

  it('warns of one underscore too few', () => {
    expect(readEnvironment({ HOLDFAST_HTTP_MAX_HEADERS: '5' })).toEqual({
      layer: new Map(),
      warnings: [
        'the environment variable HOLDFAST_HTTP_MAX_HEADERS is not read; did you mean HOLDFAST_HTTP__MAX_HEADERS?',
      ],
    });
  });

  it.each([
    [
      { HOLDFAST_HTTP__MAX_HEADER: '5' },
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'the environment variable HOLDFAST_HTTP__MAX_HEADER names no setting; did you mean HOLDFAST_HTTP__MAX_HEADERS?',
    ],
    [
      { HOLDFAST_HTTP__MAX_HEADERS: 'x' },
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.max_headers (environment variable HOLDFAST_HTTP__MAX_HEADERS) must be an integer from 1 to 10000, not "x"',
    ],
  ])('refuses %j', (environment, code, message) => {
    const error = thrown(() => readEnvironment(environment));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  it('has one variable for each setting', () => {
    expect(new Set(SETTINGS.map(variableName)).size).toBe(SETTINGS.length);
  });

  it('throws nothing but its own errors', () => {
    const name = fc.oneof(
      fc.constantFrom(...SETTINGS.map(variableName)),
      fc.string().map((end) => `HOLDFAST_${end}`),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (environment) => survives(() => readEnvironment(environment))),
    );
  });
});

/** Names of filters, and what each of them works on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GRIP_FEATURE } from '../../../src/backend/request-headers.js';
import { FILTER_NAMES, filtersFor, isHttpFilter, parseFilters } from '../../../src/protocol/filters/filters.js';

describe('parseFilters', () => {
  const cases: [name: string, names: string[], expected: string[]][] = [
    ['takes no names', [], []],
    ['takes every name there is', [...FILTER_NAMES], [...FILTER_NAMES]],
    ['keeps the order', ['var-subst', 'skip-self', 'build-id'], ['var-subst', 'skip-self', 'build-id']],
    ['keeps repetitions', ['var-subst', 'var-subst'], ['var-subst', 'var-subst']],
    ['leaves out names nobody knows', ['nix', 'skip-self', ''], ['skip-self']],
    ['takes names in lower case only', ['Skip-Self', 'VAR-SUBST'], []],
    ['does not take white space around a name', [' skip-self'], []],
    ['takes nothing from the prototype', ['constructor', '__proto__', 'toString'], []],
  ];
  it.each(cases)('%s', (_name, names, expected) => {
    expect(parseFilters(names)).toEqual(expected);
  });

  it('gives a part of the names, in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...FILTER_NAMES), fc.string())), (names) => {
        const known: readonly string[] = FILTER_NAMES;
        expect(parseFilters(names)).toEqual(names.filter((name) => known.includes(name)));
      }),
    );
  });
});

describe('filters', () => {
  it('are those that origins are told of', () => {
    const told = GRIP_FEATURE.split(', ').filter((feature) => feature.startsWith('filter:'));
    expect(told).toEqual(FILTER_NAMES.map((name) => `filter:${name}`));
  });

  it('work on delivery, on content of messages, or on the first body', () => {
    expect(filtersFor(FILTER_NAMES, 'delivery')).toEqual([
      'skip-self',
      'skip-users',
      'require-sub',
      'http-check',
      'http-modify',
    ]);
    expect(filtersFor(FILTER_NAMES, 'message-content')).toEqual(['build-id', 'var-subst', 'http-modify']);
    expect(filtersFor(FILTER_NAMES, 'response-content')).toEqual(['build-id']);
  });

  it('ask an endpoint in two cases', () => {
    expect(FILTER_NAMES.filter(isHttpFilter)).toEqual(['http-check', 'http-modify']);
  });
});

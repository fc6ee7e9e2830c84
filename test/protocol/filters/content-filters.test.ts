/** The assertion an item makes about content filters. */
import { describe, expect, it } from 'vitest';
import { contentFilterMismatch } from '../../../src/protocol/filters/content-filters.js';
import { parseFilters } from '../../../src/protocol/filters/filters.js';

describe('contentFilterMismatch', () => {
  const agreeing: [name: string, subscribed: string[], asserted: string[] | undefined][] = [
    ['nothing asserted, nothing subscribed', [], undefined],
    ['nothing asserted, whatever is subscribed', ['var-subst', 'build-id'], undefined],
    ['an empty assertion, nothing subscribed', [], []],
    ['an empty assertion, delivery filters only', ['skip-self', 'skip-users', 'require-sub', 'http-check'], []],
    ['the same filter', ['var-subst'], ['var-subst']],
    ['the same filters in order', ['build-id', 'var-subst', 'http-modify'], ['build-id', 'var-subst', 'http-modify']],
    ['the same filter twice', ['var-subst', 'var-subst'], ['var-subst', 'var-subst']],
    ['filters of other kinds between', ['skip-self', 'nix', 'var-subst'], ['var-subst']],
  ];
  it.each(agreeing)('agrees: %s', (_name, subscribed, asserted) => {
    expect(contentFilterMismatch(parseFilters(subscribed), asserted)).toBeUndefined();
  });

  const disagreeing: [name: string, subscribed: string[], asserted: string[], text: string][] = [
    ['an empty assertion', ['var-subst'], [], 'subscription=var-subst message='],
    ['an assertion without subscription', [], ['var-subst'], 'subscription= message=var-subst'],
    ['another filter', ['var-subst'], ['build-id'], 'subscription=var-subst message=build-id'],
    [
      'another order',
      ['build-id', 'var-subst'],
      ['var-subst', 'build-id'],
      'subscription=build-id,var-subst message=var-subst,build-id',
    ],
    ['one more', ['var-subst'], ['var-subst', 'var-subst'], 'subscription=var-subst message=var-subst,var-subst'],
    ['one less', ['build-id', 'var-subst'], ['build-id'], 'subscription=build-id,var-subst message=build-id'],
    ['a filter nobody knows, on both sides', ['nix'], ['nix'], 'subscription= message=nix'],
    ['a delivery filter, on both sides', ['skip-self'], ['skip-self'], 'subscription= message=skip-self'],
  ];
  it.each(disagreeing)('disagrees: %s', (_name, subscribed, asserted, text) => {
    expect(contentFilterMismatch(parseFilters(subscribed), asserted)).toBe(`content filter mismatch: ${text}`);
  });
});

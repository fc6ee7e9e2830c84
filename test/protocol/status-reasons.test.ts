import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../src/protocol/status-reasons.js';

describe('reasonOf', () => {
  it.each([
    [100, 'Continue'],
    [101, 'Switching Protocols'],
    [200, 'OK'],
    [203, 'Non-Authoritative Information'],
    [226, 'IM Used'],
    [302, 'Found'],
    [306, 'Reserved'],
    [404, 'Not Found'],
    [413, 'Request Entity Too Large'],
    [414, 'Request-URI Too Long'],
    [416, 'Requested Range Not Satisfiable'],
    [431, 'Request Header Fields Too Large'],
    [502, 'Bad Gateway'],
    [511, 'Network Authentication Required'],
  ])('says %i %s', (code, reason) => {
    expect(reasonOf(code)).toBe(reason);
  });

  it.each([0, 99, 209, 418, 425, 509, 999, -1, 200.5, Number.NaN])('knows no reason for %d', (code) => {
    expect(reasonOf(code)).toBe('Undefined Reason');
  });

  it('knows 58 codes and gives each a reason of its own', () => {
    const known = Array.from({ length: 1000 }, (_, code) => reasonOf(code)).filter(
      (reason) => reason !== 'Undefined Reason',
    );
    expect(known).toHaveLength(58);
    expect(new Set(known).size).toBe(58);
  });
});

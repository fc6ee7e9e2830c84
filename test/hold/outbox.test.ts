import { describe, expect, it } from 'vitest';
import { type OutboxVerdict, outboxVerdict } from '../../src/hold/outbox.js';
import { sampleHolds } from '../support/sample-hold-parts.js';

describe('what may wait for one client', () => {
  it.each<[number, number, OutboxVerdict, OutboxVerdict]>([
    [0, 50, 'write', 'write'],
    [0, 100, 'write', 'write'],
    [0, 5_000, 'write', 'write'],
    [1, 99, 'write', 'write'],
    [99, 1, 'write', 'write'],
    [100, 0, 'write', 'write'],
    [1, 100, 'close', 'drop'],
    [100, 1, 'close', 'drop'],
    [150, 0, 'close', 'drop'],
  ])('with a limit of 100 bytes, %i waiting and %i more: %s, or %s', (queued, length, closing, dropping) => {
    const verdicts = (['close', 'drop'] as const).map((outboxPolicy) =>
      outboxVerdict(sampleHolds({ limits: { outboxBytes: 100, outboxPolicy } }).parts, queued, length, 1),
    );
    expect(verdicts).toEqual([closing, dropping]);
  });

  it('counts every item that does not go out, and warns at a readable rate', () => {
    const { parts, counters, log, clock } = sampleHolds({ limits: { outboxBytes: 100, outboxPolicy: 'drop' } });
    outboxVerdict(parts, 100, 10, 3);
    outboxVerdict(parts, 100, 10, 2);
    outboxVerdict(parts, 10, 10, 7);
    expect(counters.dropped['outbox-full']).toBe(5);
    expect(log.lines).toHaveLength(1);
    clock.advance(10_000);
    outboxVerdict(parts, 100, 10, 1);
    expect(log.lines).toHaveLength(2);
  });

  it('says what becomes of the client where that is not up to the setting', () => {
    const { parts, log } = sampleHolds({ limits: { outboxBytes: 100, outboxPolicy: 'drop' } });
    expect(outboxVerdict(parts, 100, 10, 1, 'close')).toBe('close');
    expect(log.lines.join()).toContain('closing it as slow');
  });
});

import { describe, expect, it } from 'vitest';
import { ReadableRate } from '../../src/observe/readable-rate.js';
import { CollectedLog } from '../support/collected-log.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp(): { log: CollectedLog; clock: ManualClock; warnings: ReadableRate } {
  const log = new CollectedLog();
  const clock = new ManualClock();
  return { log, clock, warnings: new ReadableRate(log, clock) };
}

describe('warnings at a readable rate', () => {
  it('are written at once the first time', () => {
    const { log, warnings } = setUp();
    warnings.warn('slow', 'a client is slow');
    expect(log.lines).toEqual(['warn a client is slow']);
  });

  it('are held back for ten seconds and summed up in the next line', () => {
    const { log, clock, warnings } = setUp();
    for (const text of ['1', '2', '3']) warnings.warn('slow', text);
    clock.advance(9_999);
    warnings.warn('slow', '4');
    expect(log.lines).toEqual(['warn 1']);
    clock.advance(1);
    warnings.warn('slow', '5');
    expect(log.lines).toEqual(['warn 1', 'warn 5 (and 3 more like this since the last such line)']);
  });

  it('count anew after each line', () => {
    const { log, clock, warnings } = setUp();
    warnings.warn('slow', '1');
    warnings.warn('slow', '2');
    clock.advance(10_000);
    warnings.warn('slow', '3');
    warnings.warn('slow', '4');
    clock.advance(10_000);
    warnings.warn('slow', '5');
    clock.advance(10_000);
    warnings.warn('slow', '6');
    expect(log.lines.slice(1)).toEqual([
      'warn 3 (and 1 more like this since the last such line)',
      'warn 5 (and 1 more like this since the last such line)',
      'warn 6',
    ]);
  });

  it('are told of at the end where none came after them', () => {
    const { log, clock, warnings } = setUp();
    for (const text of ['slow 1', 'slow 2', 'slow 3']) warnings.warn('slow', text);
    warnings.warn('full', 'full 1');
    clock.advance(10_000);
    warnings.warn('slow', 'slow 4');
    warnings.warn('slow', 'slow 5');
    log.lines.length = 0;
    warnings.close();
    expect(log.lines).toEqual(['warn 1 more like this since it was written: slow 4']);
    warnings.close();
    expect(log.lines).toHaveLength(1);
  });

  it('of different kinds do not hold each other back', () => {
    const { log, warnings } = setUp();
    warnings.warn('slow', 'a');
    warnings.warn('full', 'b');
    expect(log.lines).toEqual(['warn a', 'warn b']);
  });

  it('remember a thousand kinds and then begin again', () => {
    const { log, warnings } = setUp();
    for (let kind = 0; kind < 1_000; kind += 1) warnings.warn(`kind ${kind}`, 'x');
    warnings.warn('kind 0', 'held back');
    expect(log.lines).toHaveLength(1_000);
    warnings.warn('one more', 'x');
    warnings.warn('kind 0', 'written again');
    expect(log.lines.slice(1_000)).toEqual(['warn x', 'warn written again']);
  });
});

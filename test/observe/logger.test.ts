import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, silentLogger } from '../../src/observe/logger.js';

describe('log levels', () => {
  it('go from the quietest to the loudest', () => {
    expect(LOG_LEVELS).toEqual(['error', 'warn', 'info', 'debug', 'trace']);
  });
});

describe('the silent logger', () => {
  it('asks nobody to build a line', () => {
    expect(LOG_LEVELS.map((level) => silentLogger.enabled(level))).toEqual(LOG_LEVELS.map(() => false));
  });

  it('takes lines of every level', () => {
    for (const level of ['error', 'warn', 'info', 'debug'] as const) {
      expect(silentLogger[level]('nobody reads this')).toBeUndefined();
    }
  });
});

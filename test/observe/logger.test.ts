import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/observe/log-record.js';
import { LOG_LEVELS, loggerWithLevel, logRecord, silentLogger } from '../../src/observe/logger.js';
import { CollectedLog } from '../support/collected-log.js';

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

describe('a logger with a level of its own', () => {
  it('is quieter where the other has no way to be louder', () => {
    const log = new CollectedLog('info');
    const quiet = loggerWithLevel(log, 'warn');
    const loud = loggerWithLevel(log, 'debug');
    for (const level of ['error', 'warn', 'info', 'debug'] as const) {
      quiet[level]('quiet');
      loud[level]('loud');
    }
    expect(log.lines).toEqual(['error quiet', 'error loud', 'warn quiet', 'warn loud', 'info loud']);
    expect(LOG_LEVELS.map((level) => quiet.enabled(level))).toEqual([true, true, false, false, false]);
    expect(LOG_LEVELS.map((level) => loud.enabled(level))).toEqual([true, true, true, false, false]);
  });

  it('is silent where nothing is written', () => {
    expect(loggerWithLevel(silentLogger, 'trace')).toBe(silentLogger);
  });
});

describe('a record of what happened', () => {
  const record: LogRecord = { kind: 'publish', channel: 'news', receivers: 2 };

  /** A logger of a program's own that takes records. */
  class Taking extends CollectedLog {
    readonly records: LogRecord[] = [];

    record(one: LogRecord): void {
      this.records.push(one);
    }
  }

  it('is a text for a logger that knows nothing of records', () => {
    const log = new CollectedLog('info');
    logRecord(log, record);
    logRecord(loggerWithLevel(log, 'debug'), record);
    expect(log.lines).toEqual(['info publish channel=news receivers=2', 'info publish channel=news receivers=2']);
  });

  it('goes to one that takes them, through a level of its own too', () => {
    const log = new Taking();
    logRecord(log, record);
    logRecord(loggerWithLevel(log, 'info'), record);
    logRecord(loggerWithLevel(log, 'warn'), record);
    expect(log.records).toEqual([record, record]);
    expect(log.lines).toEqual([]);
  });
});

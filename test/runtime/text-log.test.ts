import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, type LogLevel, loggerWithLevel } from '../../src/observe/logger.js';
import { textLogger } from '../../src/runtime/text-log.js';

function setUp(
  level: LogLevel,
  time = new Date(2026, 0, 2, 3, 4, 5, 678),
): {
  lines: string[];
  logger: ReturnType<typeof textLogger>;
} {
  const lines: string[] = [];
  const logger = textLogger(level, { write: (line) => lines.push(line) }, () => time.getTime());
  return { lines, logger };
}

describe('a line', () => {
  it.each([
    ['error', 'ERR'],
    ['warn', 'WARN'],
    ['info', 'INFO'],
    ['debug', 'DEBUG'],
  ] as const)('of level %s has the label %s, the local time and the text', (level, label) => {
    const { lines, logger } = setUp('trace');
    logger[level]('started');
    expect(lines).toEqual([`[${label}] 2026-01-02 03:04:05.678 started\n`]);
  });

  it.each([
    [new Date(2026, 10, 30, 23, 59, 59, 999), '2026-11-30 23:59:59.999'],
    [new Date(2026, 8, 9, 0, 0, 0, 0), '2026-09-09 00:00:00.000'],
    [new Date(2026, 11, 31, 10, 10, 10, 7), '2026-12-31 10:10:10.007'],
  ])('has every part of the time filled up with zeros (%s)', (time, text) => {
    const { lines, logger } = setUp('info', time);
    logger.info('x');
    expect(lines).toEqual([`[INFO] ${text} x\n`]);
  });

  it.each([
    ['a line feed', 'one\n[ERR] two', 'one\\x0a[ERR] two'],
    ['a carriage return', 'one\rtwo', 'one\\x0dtwo'],
    ['an escape sequence', 'red \x1b[31m', 'red \\x1b[31m'],
    ['a tab and a zero byte', '\t\0', '\\x09\\x00'],
    ['DEL and a C1 control', '\x7f\x85', '\\x7f\\x85'],
  ])('stays one line with %s in it', (_, text, printed) => {
    const { lines, logger } = setUp('info');
    logger.info(text);
    expect(lines).toEqual([`[INFO] 2026-01-02 03:04:05.678 ${printed}\n`]);
  });

  it('keeps letters of every script and backslashes as they are', () => {
    const { lines, logger } = setUp('info');
    logger.info('Zimmer-Lüfter \\ 部屋 🔔');
    expect(lines[0]).toContain(' Zimmer-Lüfter \\ 部屋 🔔\n');
  });
});

describe('the level', () => {
  it.each<[LogLevel, string[]]>([
    ['error', ['ERR']],
    ['warn', ['ERR', 'WARN']],
    ['info', ['ERR', 'WARN', 'INFO']],
    ['debug', ['ERR', 'WARN', 'INFO', 'DEBUG']],
    ['trace', ['ERR', 'WARN', 'INFO', 'DEBUG']],
  ])('%s lets through %j', (level, labels) => {
    const { lines, logger } = setUp(level);
    for (const one of ['error', 'warn', 'info', 'debug'] as const) logger[one]('x');
    expect(lines.map((line) => line.slice(1, line.indexOf(']')))).toEqual(labels);
  });

  it('can be asked for', () => {
    for (const [loudest, level] of LOG_LEVELS.entries()) {
      const { logger } = setUp(level);
      expect(LOG_LEVELS.map((one) => logger.enabled(one))).toEqual(LOG_LEVELS.map((_, at) => at <= loudest));
    }
  });
});

describe('a logger with a level of its own', () => {
  it.each<[LogLevel, LogLevel, string[]]>([
    ['info', 'error', ['ERR']],
    ['info', 'warn', ['ERR', 'WARN']],
    ['error', 'debug', ['ERR', 'WARN', 'INFO', 'DEBUG']],
  ])('of a %s one writes to the same place up to %s', (general, level, labels) => {
    const { lines, logger } = setUp(general);
    const own = loggerWithLevel(logger, level);
    for (const one of ['error', 'warn', 'info', 'debug'] as const) own[one]('x');
    expect(lines.map((line) => line.slice(1, line.indexOf(']')))).toEqual(labels);
    expect(own.enabled(level)).toBe(true);
    expect(logger.enabled(level)).toBe(LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(general));
  });
});

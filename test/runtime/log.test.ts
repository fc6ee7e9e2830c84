/** The log of a process in both its formats, as it reaches its file. */
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, type Logger, loggerWithLevel } from '../../src/observe/logger.js';
import { processLog } from '../../src/runtime/log.js';

/** What is in the file when `write` has written and the log is closed. */
async function written(format: 'text' | 'json', write: (logger: Logger) => void): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(folder, 'log');
  try {
    // The log closes it.
    const log = processLog('info', format, openSync(file, 'w'));
    write(log.logger);
    await log.close();
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A line of each level, by itself and through loggers with levels of their own. */
function everyLine(logger: Logger): void {
  const quiet = loggerWithLevel(logger, 'warn');
  const loud = loggerWithLevel(logger, 'debug');
  for (const level of ['error', 'warn', 'info', 'debug'] as const) {
    logger[level](`plain ${level}`);
    quiet[level](`quiet ${level}`);
    loud[level](`loud ${level}`);
  }
}

const EXPECTED = [
  'plain error',
  'quiet error',
  'loud error',
  'plain warn',
  'quiet warn',
  'loud warn',
  'plain info',
  'loud info',
  'loud debug',
];

describe('the log of a process', () => {
  it('is text, each line with its level and time', async () => {
    const lines = await written('text', everyLine);
    for (const line of lines) expect(line).toMatch(/^\[[A-Z]+\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \w+ \w+$/);
    expect(lines.map((line) => line.split(' ').slice(3).join(' '))).toEqual(EXPECTED);
  });

  it('is one JSON object a line, with level and time', async () => {
    const lines = await written('json', everyLine);
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(objects.map(({ msg }) => msg)).toEqual(EXPECTED);
    expect(objects.map(({ level }) => level)).toEqual([50, 50, 50, 40, 40, 40, 30, 30, 20]);
    for (const object of objects) expect(Object.keys(object)).toEqual(['level', 'time', 'msg']);
  });

  it('answers in JSON which levels are written, as it does in text', async () => {
    for (const format of ['text', 'json'] as const) {
      await written(format, (logger) => {
        const loud = loggerWithLevel(logger, 'debug');
        expect(LOG_LEVELS.map((level) => logger.enabled(level))).toEqual([true, true, true, false, false]);
        expect(LOG_LEVELS.map((level) => loud.enabled(level))).toEqual([true, true, true, true, false]);
      });
    }
  });
});

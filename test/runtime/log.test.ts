/** The log of a process in both its formats, as it reaches its file. */
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/observe/log-record.js';
import { LOG_LEVELS, type Logger, loggerWithLevel, logRecord } from '../../src/observe/logger.js';
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

const REQUEST: LogRecord = {
  kind: 'request',
  method: 'GET',
  uri: 'http://h.example/a?b=1',
  target: 'origin:80',
  overHttp: false,
  from: '10.0.0.1',
  referer: 'http://a/ \xc3\xa9',
  route: 'main',
  result: { kind: 'answered', code: 200, size: 5 },
  retry: true,
  shared: 3,
  userAgent: 'curl/8 (é)',
  lastIds: new Map([['__proto__', '41']]),
};
const SHORT: LogRecord = {
  ...REQUEST,
  uri: 'ws://h.example/',
  overHttp: true,
  from: undefined,
  referer: undefined,
  route: undefined,
  result: { kind: 'accepted' },
  retry: false,
  shared: undefined,
  userAgent: undefined,
  lastIds: undefined,
};
const REFUSED: LogRecord = { ...SHORT, target: undefined, overHttp: false, result: { kind: 'error' } };
const SUBSCRIBE: LogRecord = { kind: 'subscribe', uri: 'http://h.example/', channel: 'news', retry: true };
const PUBLISH: LogRecord = { kind: 'publish', channel: 'a\nb', receivers: 2 };

/** Each record, its fields in JSON but for level and time, and its text. */
const RECORDS: readonly (readonly [LogRecord, object, string])[] = [
  [
    REQUEST,
    {
      event: 'request',
      method: 'GET',
      uri: 'http://h.example/a?b=1',
      target: 'origin:80',
      from: '10.0.0.1',
      referer: 'http://a/ é',
      route: 'main',
      result: 'answered',
      code: 200,
      bytes: 5,
      retry: true,
      shared: 3,
      user_agent: 'curl/8 (é)',
      last_ids: JSON.parse('{"__proto__":"41"}'),
    },
    'GET http://h.example/a?b=1 -> origin:80 from=10.0.0.1 ref=http://a/%20%C3%A9 route=main code=200 5 retry shared=3 ua=curl/8 (é) #__proto__=41',
  ],
  [
    SHORT,
    {
      event: 'request',
      method: 'GET',
      uri: 'ws://h.example/',
      target: 'origin:80',
      over_http: true,
      result: 'accepted',
      retry: false,
    },
    'GET ws://h.example/ -> origin:80[http] accept',
  ],
  [
    REFUSED,
    { event: 'request', method: 'GET', uri: 'ws://h.example/', result: 'error', retry: false },
    'GET ws://h.example/ error',
  ],
  [
    SUBSCRIBE,
    { event: 'subscribe', uri: 'http://h.example/', channel: 'news', retry: true },
    'subscribe http://h.example/ channel=news retry',
  ],
  [PUBLISH, { event: 'publish', channel: 'a\nb', receivers: 2 }, 'publish channel=a\nb receivers=2'],
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

  it('has the fields of what happened in JSON, and the text beside them', async () => {
    const lines = await written('json', (logger) => {
      for (const [record] of RECORDS) logRecord(logger, record);
    });
    for (const [at, [, fields, msg]] of RECORDS.entries()) {
      const { level, time, ...rest } = JSON.parse(lines[at] ?? '') as Record<string, unknown>;
      expect([level, typeof time]).toEqual([30, 'number']);
      expect(rest).toEqual({ ...fields, msg });
      // What does not apply is not there, rather than null.
      expect(Object.keys(rest)).toEqual([...Object.keys(fields), 'msg']);
    }
    expect(lines).toHaveLength(RECORDS.length);
  });

  it('has the text of what happened in text', async () => {
    const lines = await written('text', (logger) => {
      for (const [record] of RECORDS) logRecord(logger, record);
    });
    const texts = lines.map((line) => line.split(' ').slice(3).join(' '));
    expect(texts).toEqual(RECORDS.map(([, , text]) => text.replace('\n', '\\x0a')));
  });

  it.each(['text', 'json'] as const)('says what happened by a level of its own, or not at all: %s', async (format) => {
    const lines = await written(format, (logger) => {
      for (const level of LOG_LEVELS) {
        const own = loggerWithLevel(logger, level);
        if (own.enabled('info')) logRecord(own, { kind: 'publish', channel: level, receivers: 0 });
      }
    });
    expect(lines.map((line) => /publish channel=(\w+)/.exec(line)?.[1])).toEqual(['info', 'debug', 'trace']);
  });
});

/** The log of a process: text for people, or JSON with pino for machines, on standard output. */
import { type Logger as PinoLogger, pino } from 'pino';
import { textOf } from '../observe/log-record.js';
import { type Logger, type LogLevel, silentLogger } from '../observe/logger.js';
import { fieldsOf } from './log-fields.js';
import { textLogger } from './text-log.js';

export interface ProcessLog {
  readonly logger: Logger;
  /** Writes out what is still buffered, in order, and ends; await it before the process ends. */
  close(): Promise<void>;
}

/** Milliseconds. */
const CLOSE_TIMEOUT = 1_000;
/** Bytes of one write of several lines. POSIX keeps writes of so many whole in a pipe that several processes write to. */
const PIPE_BUF = 4_096;

/** @param file - descriptor to write to, 1 for standard output */
export function processLog(level: LogLevel, format: 'text' | 'json', file: number): ProcessLog {
  const destination = pino.destination({ dest: file, sync: false, maxWrite: PIPE_BUF });
  // A reader that has gone must not take the proxy along.
  destination.on('error', () => {});
  const logger =
    format === 'text' ? textLogger(level, destination, Date.now) : jsonLogger(pino({ level, base: null }, destination));
  return {
    logger,
    close: () =>
      new Promise((resolve) => {
        // A reader that takes nothing must not keep the process.
        const timer = setTimeout(resolve, CLOSE_TIMEOUT);
        destination.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        destination.end();
      }),
  };
}

function jsonLogger(log: PinoLogger): Logger {
  return {
    error: (text) => log.error(text),
    warn: (text) => log.warn(text),
    info: (text) => log.info(text),
    debug: (text) => log.debug(text),
    record: (record) => log.info(fieldsOf(record), textOf(record)),
    enabled: (one) => log.isLevelEnabled(one),
    withLevel: (level) => jsonLogger(log.child({}, { level })),
  };
}

/** For who wants no log at all. */
export const withoutLog: Logger = silentLogger;

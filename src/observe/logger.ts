/** What every room may say to the operator. The lines are written by `runtime`; tests collect them. */

import { type LogRecord, textOf } from './log-record.js';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** From the quietest to the loudest. */
export const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

export interface Logger {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
  /** Whether a line of this level would be written: ask before building an expensive one. */
  enabled(level: LogLevel): boolean;
  /**
   * A line of level `info` that is more than a text: for loggers that write fields. One without this gets the text. Only
   * called when `enabled('info')`.
   */
  record?(record: LogRecord): void;
  /**
   * A logger to the same place with a level of its own, louder or quieter: for routes with `log_level`. Of a logger
   * without this, such routes can be quieter only.
   */
  withLevel?(level: LogLevel): Logger;
}

/** Writes nothing. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  enabled: () => false,
  withLevel: () => silentLogger,
};

/** Writes a record in the way of `log`. Ask `enabled('info')` before making one. */
export function logRecord(log: Logger, record: LogRecord): void {
  if (log.record === undefined) log.info(textOf(record));
  else log.record(record);
}

/** A logger to the same place as `log` that writes lines up to `level`. */
export function loggerWithLevel(log: Logger, level: LogLevel): Logger {
  if (log.withLevel !== undefined) return log.withLevel(level);
  const loudest = LOG_LEVELS.indexOf(level);
  const passes = (one: LogLevel): boolean => LOG_LEVELS.indexOf(one) <= loudest;
  const writer =
    (one: 'error' | 'warn' | 'info' | 'debug') =>
    (text: string): void => {
      if (passes(one)) log[one](text);
    };
  return {
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    record: (record) => {
      if (passes('info')) logRecord(log, record);
    },
    enabled: (one) => passes(one) && log.enabled(one),
  };
}

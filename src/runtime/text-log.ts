/** Log lines as text: `[INFO] 2026-01-02 03:04:05.678 what happened`, local time (specification 1.5). */
import { LOG_LEVELS, type Logger, type LogLevel } from '../observe/logger.js';

const LABELS: Readonly<Record<LogLevel, string>> = {
  error: 'ERR',
  warn: 'WARN',
  info: 'INFO',
  debug: 'DEBUG',
  trace: 'TRACE',
};

/** Where whole lines go. */
export interface LineSink {
  write(line: string): unknown;
}

export function textLogger(level: LogLevel, sink: LineSink, wallTime: () => number): Logger {
  const loudest = LOG_LEVELS.indexOf(level);
  const enabled = (one: LogLevel): boolean => LOG_LEVELS.indexOf(one) <= loudest;
  const writer =
    (one: LogLevel) =>
    (text: string): void => {
      if (enabled(one)) sink.write(`[${LABELS[one]}] ${timestamp(new Date(wallTime()))} ${printable(text)}\n`);
    };
  return {
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    enabled,
    withLevel: (other) => textLogger(other, sink, wallTime),
  };
}

function timestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** One line stays one line: whoever can choose a channel's name must not be able to write log lines. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

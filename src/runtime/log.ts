/** The log of a process: text for people, or JSON with pino for machines, on standard output. */
import { type DestinationStream, pino } from 'pino';
import type { Logger, LogLevel } from '../observe/logger.js';
import { textLogger } from './text-log.js';

export interface ProcessLog {
  readonly logger: Logger;
  /** Writes out what is still buffered; call it before the process ends. */
  flush(): void;
}

/** @param file - descriptor to write to, 1 for standard output */
export function processLog(level: LogLevel, format: 'text' | 'json', file: number): ProcessLog {
  const destination = pino.destination({ dest: file, sync: false });
  // A reader that has gone must not take the proxy along.
  destination.on('error', () => {});
  const logger = format === 'text' ? textLogger(level, destination, Date.now) : jsonLogger(level, destination);
  return {
    logger,
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // The descriptor is not open yet or not any more: there is nowhere to write to.
      }
    },
  };
}

function jsonLogger(level: LogLevel, destination: DestinationStream): Logger {
  const log = pino({ level, base: null }, destination);
  return {
    error: (text) => log.error(text),
    warn: (text) => log.warn(text),
    info: (text) => log.info(text),
    debug: (text) => log.debug(text),
    enabled: (one) => log.isLevelEnabled(one),
  };
}

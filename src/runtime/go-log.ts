/** A log file with lines as Go's log writes them: UTC with microseconds (pinghub specification 8). */
import { openSync, writeSync } from 'node:fs';
import { HoldfastError } from '../errors/holdfast-error.js';
import { type Logger, silentLogger } from '../observe/logger.js';
import { type Clock, systemClock } from '../time/clock.js';

const STDERR = 2;

export class GoLog {
  private readonly file: number;

  /** @throws HoldfastError HOLDFAST_USAGE when it cannot be opened */
  constructor(
    path: string,
    private readonly clock: Clock = systemClock,
  ) {
    try {
      this.file = openSync(path, 'a', 0o666);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new HoldfastError('HOLDFAST_USAGE', `the log file ${path} cannot be opened: ${why}`, { cause });
    }
  }

  /** Only what goes wrong is worth a line there. */
  get logger(): Logger {
    return {
      ...silentLogger,
      error: (text) => this.write(text),
      warn: (text) => this.write(text),
      enabled: (level) => level === 'error' || level === 'warn',
    };
  }

  write(text: string): void {
    const line = `${timestamp(this.clock.wallTime())} ${text.replace(/\p{Cc}/gu, ' ')}\n`;
    try {
      writeSync(this.file, line);
    } catch {
      writeSync(STDERR, line);
    }
  }
}

/** `2026/01/02 03:04:05.678901` */
function timestamp(wallTime: number): string {
  const micros = Math.floor((wallTime % 1) * 1_000);
  const [day = '', time = ''] = new Date(wallTime).toISOString().slice(0, -1).split('T');
  return `${day.replaceAll('-', '/')} ${time}${String(micros).padStart(3, '0')}`;
}

/** A logger that keeps its lines, as `level text`. */
import { LOG_LEVELS, type Logger, type LogLevel } from '../../src/observe/logger.js';

export class CollectedLog implements Logger {
  readonly lines: string[] = [];

  constructor(private readonly level: LogLevel = 'trace') {}

  error(text: string): void {
    this.keep('error', text);
  }

  warn(text: string): void {
    this.keep('warn', text);
  }

  info(text: string): void {
    this.keep('info', text);
  }

  debug(text: string): void {
    this.keep('debug', text);
  }

  enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.level);
  }

  private keep(level: LogLevel, text: string): void {
    if (this.enabled(level)) this.lines.push(`${level} ${text}`);
  }
}

/** What every room may say to the operator. The lines are written by `runtime`; tests collect them. */

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
}

/** Writes nothing. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  enabled: () => false,
};

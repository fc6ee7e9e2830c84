/** The log as it is written, line by line, with the time left out; a test can await a line. */
import type { Logger, LogLevel } from '../../src/observe/logger.js';
import { textLogger } from '../../src/runtime/text-log.js';
import { Watch } from './deadline.js';

export class WrittenLog {
  /** `INFO GET http://…`. */
  readonly lines: string[] = [];
  readonly logger: Logger;
  private readonly watch = new Watch();

  constructor(level: LogLevel = 'info') {
    const write = (line: string): void => {
      this.lines.push(line.replace(/^\[(\w+)\] \S+ \S+ (.*)\n$/s, '$1 $2'));
      this.watch.changed();
    };
    this.logger = textLogger(level, { write }, Date.now);
  }

  /** Lines that contain `text`. */
  with(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  /** Resolves with the first line that contains `text`, when `count` do. */
  async until(text: string, count = 1): Promise<string> {
    await this.watch.until(
      `log line ${count} with "${text}"`,
      () => this.with(text).length >= count,
      () => `\n${this.lines.join('\n')}`,
    );
    return this.with(text)[0] ?? '';
  }
}

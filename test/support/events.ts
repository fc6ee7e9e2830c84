/** Awaits what a running Holdfast tells of itself: subscriptions and log lines. */
import type { Holdfast, Logger } from '../../src/index.js';
import { Watch, within } from './deadline.js';

/** Resolves when `channel` gets its first subscriber; call it before the request is made. */
export function subscribed(holdfast: Holdfast, channel: string): Promise<void> {
  return within(`a subscription to ${channel}`, channelEvent(holdfast, 'subscribe', channel));
}

/** Resolves when the last subscriber of `channel` has gone; call it before that. */
export function unsubscribed(holdfast: Holdfast, channel: string): Promise<void> {
  return within(`the end of the subscriptions to ${channel}`, channelEvent(holdfast, 'unsubscribe', channel));
}

function channelEvent(holdfast: Holdfast, event: 'subscribe' | 'unsubscribe', channel: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (name: string): void => {
      if (name !== channel) return;
      holdfast.off(event, look);
      resolve();
    };
    holdfast.on(event, look);
  });
}

/** Keeps every log line, and lets a test await one. */
export class LineLog implements Logger {
  readonly lines: string[] = [];
  private readonly watch = new Watch();

  error(text: string): void {
    this.add('error', text);
  }

  warn(text: string): void {
    this.add('warn', text);
  }

  info(text: string): void {
    this.add('info', text);
  }

  debug(text: string): void {
    this.add('debug', text);
  }

  enabled(): boolean {
    return true;
  }

  /** Lines of a level that contain `text`. */
  count(text: string): number {
    return this.lines.filter((line) => line.includes(text)).length;
  }

  /** Resolves when `count` lines contain `text`. */
  until(text: string, count = 1): Promise<void> {
    return this.watch.until(
      `log line ${count} with "${text}"`,
      () => this.count(text) >= count,
      () => `\n${this.lines.join('\n')}`,
    );
  }

  private add(level: string, text: string): void {
    this.lines.push(`${level}: ${text}`);
    this.watch.changed();
  }
}

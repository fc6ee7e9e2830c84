/**
 * Warnings at a rate a person can read: the first of a kind is written at once, the next ones are counted and
 * summed up in one line when the interval is over and another one comes, or at the end.
 */
import type { Clock } from '../time/clock.js';
import type { Logger } from './logger.js';

/** Milliseconds between two lines of one kind. */
const INTERVAL = 10_000;
/** Kinds remembered; a kind is a fixed name in the code, so this is only a guard. */
const MAX_KINDS = 1_000;

interface Kind {
  writtenAt: number;
  /** The last one that was written. */
  text: string;
  held: number;
}

export class ReadableRate {
  private readonly kinds = new Map<string, Kind>();

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** Warns, unless a warning of this kind was written less than ten seconds ago. @param say - the text, or makes it */
  warn(kind: string, say: string | (() => string)): void {
    const now = this.clock.now();
    const known = this.kinds.get(kind);
    if (known !== undefined && now - known.writtenAt < INTERVAL) {
      known.held += 1;
      return;
    }
    const text = typeof say === 'string' ? say : say();
    if (known === undefined) {
      if (this.kinds.size >= MAX_KINDS) this.kinds.clear();
      this.kinds.set(kind, { writtenAt: now, text, held: 0 });
      this.log.warn(text);
      return;
    }
    this.log.warn(known.held === 0 ? text : `${text} (and ${known.held} more like this since the last such line)`);
    known.writtenAt = now;
    known.text = text;
    known.held = 0;
  }

  /** Tells what was counted and never summed up, when nothing more is to come. */
  close(): void {
    for (const known of this.kinds.values()) {
      const { held, text } = known;
      if (held === 0) continue;
      this.log.warn(`${held} more like this since it was written: ${text}`);
      known.held = 0;
    }
  }
}

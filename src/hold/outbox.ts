/** The rule for clients that read too slowly: what waits for one client is bounded in bytes, and every drop is counted. */
import type { HoldParts } from './hold-parts.js';

/** What the hold does with bytes it was about to write. */
export type OutboxVerdict = 'write' | 'drop' | 'close';

/**
 * Decides whether `length` more bytes may wait behind `queued` ones. An empty outbox takes anything: an item larger
 * than the limit still reaches a client that reads.
 * @param policy - what becomes of a client that reads too slowly
 */
export function outboxVerdict(
  { limits, counters, warnings }: HoldParts,
  queued: number,
  length: number,
  items: number,
  policy = limits.outboxPolicy,
): OutboxVerdict {
  if (queued === 0 || queued + length <= limits.outboxBytes) return 'write';
  counters.dropped['outbox-full'] += items;
  warnings.warn('outbox-full', () => {
    const what = policy === 'drop' ? 'dropping what is published to it' : 'closing it as slow';
    return `a client has ${queued} bytes waiting (hold.outbox_bytes ${limits.outboxBytes}): ${what}`;
  });
  return policy;
}

/** Counts and tells of messages that are one too many for a client, where messages are counted. */
export function tooManyWaiting({ counters, warnings }: HoldParts, messages: number, most: number): void {
  counters.dropped['outbox-full'] += messages;
  warnings.warn('outbox-messages', `a client has ${most} messages waiting: closing it as slow`);
}

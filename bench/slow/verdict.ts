/** Whether slow readers were dropped by the rule, and only they. */
import { faultTexts } from '../report/faults.js';
import type { SlowResult } from './slow-run.js';

/** Kernel buffers hold this much for a client that does not read, in bytes; less cannot fill an outbox. */
const KERNEL_BUFFERS = 6_000_000;

/** @returns what is wrong, in words; nothing when all is well */
export function wrongIn(
  result: SlowResult,
  options: { readonly streams: number; readonly messageBytes: number; readonly outboxBytes: number },
): string[] {
  const { slow, closed, counted, published } = result;
  const wrong = faultTexts(result.faults);
  if (slow === 0) return wrong;
  const bytes = published * options.messageBytes;
  if (closed !== slow) {
    wrong.push(`${closed} of ${slow} slow readers were closed`);
    if (bytes < KERNEL_BUFFERS + options.outboxBytes) {
      wrong.push(
        `only ${Math.round(bytes / 1_000)} kB were published to each, which may fit into the buffers: publish for longer`,
      );
    }
  }
  if (counted.outboxFull < closed) wrong.push(`${counted.outboxFull} drops were counted for ${closed} closed clients`);
  if (counted.streams !== options.streams - closed) {
    wrong.push(`${counted.streams} streams are held, ${options.streams - closed} should be`);
  }
  return wrong;
}

/** What falls to one client process of the holds, and of the publishes to them, that all of them have together. */
import type { Change, HoldsSpec } from '../client/messages.js';
import { shareOf } from '../clients.js';

/** Holds that may be opening at a time, over all client processes. */
const IN_FLIGHT = 64;

/**
 * @param total - holds of all processes
 * @param index - of this process
 * @param count - of processes
 */
export function holdsShare(
  total: number,
  index: number,
  count: number,
  rest: Omit<HoldsSpec, 'kind' | 'count' | 'inFlight'>,
): HoldsSpec {
  return {
    kind: 'holds',
    count: shareOf(total, index, count),
    inFlight: Math.max(1, shareOf(IN_FLIGHT, index, count)),
    ...rest,
  };
}

/**
 * Publishes to own channels chosen at random.
 * @param window - not yet delivered at a time, of all `count` processes together
 * @param publishers - connections to publish on, of all together
 * @param between - milliseconds from a delivery to the next publish
 */
export function publishingShare(window: number, publishers: number, between: number, count: number): Change {
  return {
    kind: 'publish',
    window: Math.max(1, Math.floor(window / count)),
    publishers: Math.max(1, Math.floor(publishers / count)),
    pause: between,
  };
}

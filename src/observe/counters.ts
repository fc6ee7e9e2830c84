/** What a running Holdfast counts. Plain numbers that rooms add to; reading them costs nothing to anybody else. */

/** Why a delivery or an item went nowhere. */
export type DropReason =
  /** A client read too slowly and its outbox was full. */
  | 'outbox-full'
  /** An item with the same channel and id was seen within the id cache's time. */
  | 'duplicate'
  /** Too many items of a channel waited for the one before them. */
  | 'sequencer-full'
  /** The last subscriber of a channel left while items waited for the one before them. */
  | 'abandoned'
  /** The rate limiter's queue was full. */
  | 'rate-limit'
  /** A publisher's message could not be understood. */
  | 'invalid-item'
  /** A filter of the subscription kept the item back, or failed. */
  | 'filtered'
  /** Too many items of a client waited for a filter's answer or a next link. */
  | 'queue-full'
  /** An item did not follow what the client had seen: its origin was asked instead. */
  | 'gap'
  /** More packets waited for the stats socket than it could take. */
  | 'stats-full'
  /** Too many spans waited to be sent. */
  | 'span-queue-full'
  /** The receiver of the spans could not be reached, or did not take them. */
  | 'span-not-taken';

/** What has been counted, at one moment. */
export type CounterValues = Readonly<Counters>;

export class Counters {
  requests = 0;
  /** Requests that ended with an error answer of our own. */
  requestErrors = 0;
  /** Client requests the HTTP parser or our own limits refused. */
  badRequests = 0;
  originRequests = 0;
  originFailures = 0;
  published = 0;
  /** Items written to a hold. */
  delivered = 0;
  openConnections = 0;
  /** Client connections that were closed at once because too many were open. */
  refusedConnections = 0;
  holds = { response: 0, stream: 0, ws: 0 };
  readonly dropped: Record<DropReason, number> = {
    'outbox-full': 0,
    duplicate: 0,
    'sequencer-full': 0,
    abandoned: 0,
    'rate-limit': 0,
    'invalid-item': 0,
    filtered: 0,
    'queue-full': 0,
    gap: 0,
    'stats-full': 0,
    'span-queue-full': 0,
    'span-not-taken': 0,
  };
}

/** The sum of what several processes have counted. */
export function sumOf(all: readonly CounterValues[]): CounterValues {
  const sum = new Counters();
  for (const one of all) {
    for (const key of Object.keys(sum) as (keyof Counters)[]) {
      if (key === 'holds') addAll(sum.holds, one.holds);
      else if (key === 'dropped') addAll(sum.dropped, one.dropped);
      else sum[key] += one[key];
    }
  }
  return sum;
}

function addAll<Key extends string>(to: Record<Key, number>, from: Readonly<Record<Key, number>>): void {
  for (const key of Object.keys(to) as Key[]) to[key] += from[key];
}

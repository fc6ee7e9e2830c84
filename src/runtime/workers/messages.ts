/**
 * What the main process and a worker say to each other. Items, openings of channels and numbers of subscribers have
 * frames of their own; all else is rare, and a plain object.
 */
import type { Failure, OriginRequest } from '../../backend/verdict.js';
import type { ListenAddress, Settings } from '../../config/settings.js';
import type { ErrorCode } from '../../errors/catalogue.js';
import type { TallyCounts } from '../../hub/tally.js';
import type { CounterValues } from '../../observe/counters.js';
import type { ProcessReading } from '../../observe/reading.js';
import type { RouteTraffic, StatsPacket } from '../../observe/stats/stats-sink.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import type { HandedRequest } from '../../proxy/sockjs/elsewhere.js';
import type { Route, Target } from '../../routes/route.js';
import type { ClientLimits } from './client-share.js';

/** Frame types. 0 is that of plain objects. */
export const FRAMES = {
  /**
   * To a worker: `report u32 | since f64 | traceparent text | item`; 0 is no report, `since` the machine's time when the item
   * came in, an empty text no trace.
   */
  item: 1,
  /** To a worker, for each opening: `channel text | has id u8 | last id text`. */
  opened: 2,
  /** From a worker, again and again: `channel text | state u8 | response u32 | stream u32 | ws u32`. */
  channels: 3,
  /** From a worker, for the sockets of `zhttp/` targets: `spec text | …`, as `zhttp-frames.ts` writes them. */
  zhttpBegin: 4,
  zhttpFollow: 5,
  zhttpFollowAll: 6,
  zhttpEnd: 7,
  /** To a worker: a packet as it came; `id text | loss u8`; `spec text`. */
  zhttpPacket: 8,
  zhttpLost: 9,
  zhttpProbe: 10,
  /** From a worker: `item`, to be published. */
  publish: 11,
} as const;

/** States of a channel in a worker. */
export const CHANNEL = { counted: 0, opened: 1, closed: 2 } as const;

/** What a worker starts with. */
export interface StartMessage {
  readonly kind: 'start';
  readonly settings: Settings;
  readonly routes: readonly Route[];
  /** Number of this worker, counted from 0, and of all. */
  readonly number: number;
  readonly count: number;
  /** Somebody listens to the stats socket. */
  readonly watched: boolean;
  /** What ZeroMQ handlers know all processes by. */
  readonly instanceId: string;
}

/** To a worker. */
export type MainMessage =
  | StartMessage
  | { readonly kind: 'forget'; readonly channel: string }
  | { readonly kind: 'ask-again'; readonly channel: string }
  | { readonly kind: 'refresh'; readonly channel: string }
  /** Forget all last ids, and ask the origins of everybody who is held. */
  | { readonly kind: 'recover' }
  | { readonly kind: 'reload'; readonly routes: readonly Route[] }
  /** To leave new clients to others. */
  | { readonly kind: 'pause' }
  /** To accept them again; answered when it does. */
  | { readonly kind: 'resume'; readonly turn: number }
  /** Which of these connections are open; answered by `found`. `refresh`: have them ask their origins now. */
  | { readonly kind: 'find'; readonly id: number; readonly ids: readonly string[]; readonly refresh: boolean }
  /** So much waits for some worker that what is published for clients of this one should wait; or does no more. */
  | { readonly kind: 'congested'; readonly on: boolean }
  /** Somebody listens to the stats socket from now on. */
  | { readonly kind: 'watch' }
  | { readonly kind: 'close' }
  | { readonly kind: 'answer'; readonly id: number; readonly response: CompleteResponse }
  | { readonly kind: 'no-answer'; readonly id: number; readonly failure: Failure }
  /** A request of a SockJS session that this worker has; `unserve`: its client has gone. */
  | { readonly kind: 'serve'; readonly id: number; readonly request: HandedRequest }
  | { readonly kind: 'unserve'; readonly id: number }
  /** The answer to an `elsewhere`; undefined: the session is gone. */
  | { readonly kind: 'served'; readonly id: number; readonly response: CompleteResponse | undefined };

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'listening'; readonly addresses: readonly ListenAddress[]; readonly limits: ClientLimits }
  /** Client connections that are open, when they have become more or fewer by some. */
  | { readonly kind: 'clients'; readonly open: number }
  /** The answer to a `find`. */
  | { readonly kind: 'found'; readonly id: number; readonly ids: readonly string[] }
  /** The answer to a `resume`. */
  | { readonly kind: 'resumed'; readonly turn: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode | undefined; readonly message: string }
  | { readonly kind: 'forget'; readonly channel: string }
  | { readonly kind: 'settled'; readonly report: number; readonly counts: TallyCounts }
  /** Every second. `reading`: only where metrics are on. */
  | { readonly kind: 'counters'; readonly values: CounterValues; readonly reading: ProcessReading | undefined }
  /** For the stats socket: packets of the last turn, what has gone over connections in the last second. */
  | { readonly kind: 'stats'; readonly packets: readonly StatsPacket[] }
  | { readonly kind: 'traffic'; readonly routes: readonly RouteTraffic[] }
  /** A request for a ZeroMQ handler: their sockets are in the main process. The body is whole. */
  | { readonly kind: 'ask'; readonly id: number; readonly request: OriginRequest; readonly target: Target }
  | { readonly kind: 'cancel'; readonly id: number }
  /** A request of a SockJS session that another worker has; `left`: its client has gone. */
  | { readonly kind: 'elsewhere'; readonly id: number; readonly owner: number; readonly request: HandedRequest }
  | { readonly kind: 'left'; readonly id: number }
  /** The answer to a `serve`; undefined: it broke off. */
  | { readonly kind: 'served'; readonly id: number; readonly response: CompleteResponse | undefined };

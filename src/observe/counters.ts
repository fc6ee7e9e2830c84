/** What a running Holdfast counts. Plain numbers that rooms add to; reading them costs nothing to anybody else. */
import { type Latencies, noLatencies } from './histogram.js';

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
  /** A publisher's message, or a packet of a ZeroMQ handler, could not be understood, or broke the protocol. */
  | 'invalid-item'
  /** A message on the REP socket was no request. */
  | 'invalid-request'
  /** A client of the REP socket does not read its replies. */
  | 'unread-reply'
  /** A filter of the subscription kept the item back, or failed. */
  | 'filtered'
  /** Too many items of a client waited for a filter's answer or a next link, or too many packets for a process or a handler. */
  | 'queue-full'
  /** An item did not follow what the client had seen: its origin was asked instead. */
  | 'gap'
  /** More packets waited for the stats socket than it could take. */
  | 'stats-full'
  /** Too many spans waited to be sent. */
  | 'span-queue-full'
  /** The receiver of the spans could not be reached, or did not take them. */
  | 'span-not-taken';

/** What clients connect over. */
export type Transport = 'http' | 'https' | 'unix';

/** The way an item came in by; `backend`: it was published by a built-in backend. */
export type PublishWay = 'http' | 'pull' | 'sub' | 'rep' | 'library' | 'backend';

/** What became of a request to an origin: the class of its status, or why there is none. */
export type OriginResult =
  | '1xx'
  | '2xx'
  | '3xx'
  | '4xx'
  | '5xx'
  /** Nobody listens there, or the connection was refused. */
  | 'refused'
  | 'connect-timeout'
  | 'tls'
  /** There is no way to the target. */
  | 'unreachable'
  /** It may not be asked: an address policy, or a body of unknown length. */
  | 'blocked'
  /** It was silent for too long. */
  | 'timeout'
  /** The connection was lost before there was a head. */
  | 'broken'
  /** The client left before there was a head. */
  | 'cancelled'
  /** Anything else, such as an answer that cannot be read. */
  | 'other';

/** What has been counted, at one moment. */
export type CounterValues = Readonly<Counters>;

export class Counters {
  requests = 0;
  /** The same, by what was spoken. */
  readonly requestsBy = { http: 0, ws: 0, sockjs: 0 };
  /** Requests that ended with an error answer of our own. */
  requestErrors = 0;
  /** Client requests the HTTP parser or our own limits refused. */
  badRequests = 0;
  originRequests = 0;
  originFailures = 0;
  /** Requests to origins that have no head yet. */
  openOriginRequests = 0;
  readonly originResults: Record<OriginResult, number> = {
    '1xx': 0,
    '2xx': 0,
    '3xx': 0,
    '4xx': 0,
    '5xx': 0,
    refused: 0,
    'connect-timeout': 0,
    tls: 0,
    unreachable: 0,
    blocked: 0,
    timeout: 0,
    broken: 0,
    cancelled: 0,
    other: 0,
  };
  /** Answers of origins that broke off behind their head. */
  brokenAnswers = 0;
  /** From a request to the head of its answer; counted only where metrics are on. */
  readonly originLatencies: Latencies = noLatencies();
  published = 0;
  readonly publishedBy: Record<PublishWay, number> = { http: 0, pull: 0, sub: 0, rep: 0, library: 0, backend: 0 };
  /** Those that nobody was subscribed to. */
  readonly unheard: Record<PublishWay, number> = { http: 0, pull: 0, sub: 0, rep: 0, library: 0, backend: 0 };
  /** From an item's coming in to its last subscriber; counted only where metrics are on. */
  readonly publishLatencies: Latencies = noLatencies();
  /** Items written to a hold. */
  delivered = 0;
  openConnections = 0;
  readonly acceptedConnections: Record<Transport, number> = { http: 0, https: 0, unix: 0 };
  /** Minutes of all connections, the first of each counted when it opens; brought up to date when it is asked for. */
  connectionMinutes = 0;
  /** Client connections that were closed at once because too many were open. */
  refusedConnections = 0;
  holds = { response: 0, stream: 0, ws: 0 };
  /** Sessions with handlers behind `zhttp/` targets that are open. */
  zhttpSessions = 0;
  /** Of the built-in Pinghub: POSTs, messages of sockets, POSTs to nobody, empty messages that went back. */
  readonly pinghub = { posts: 0, messages: 0, drops: 0, echoes: 0 };
  /** Subscriptions of holds to channels; one hold may have several. */
  subscriptions = { response: 0, stream: 0, ws: 0 };
  readonly dropped: Record<DropReason, number> = {
    'outbox-full': 0,
    duplicate: 0,
    'sequencer-full': 0,
    abandoned: 0,
    'rate-limit': 0,
    'invalid-item': 0,
    'invalid-request': 0,
    'unread-reply': 0,
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
  for (const one of all) add(sum, one);
  return sum;
}

/** What stays counted of a process that has ended: what has happened, and not what it held. */
export function pastOf(counters: CounterValues): CounterValues {
  const nothing = { response: 0, stream: 0, ws: 0 };
  return {
    ...counters,
    openConnections: 0,
    openOriginRequests: 0,
    zhttpSessions: 0,
    holds: nothing,
    subscriptions: nothing,
  };
}

/** Adds number by number; both sides have the same members. */
function add(to: object, from: object): void {
  const numbers = new Map<string, unknown>(Object.entries(from));
  for (const [key, value] of Object.entries(to)) {
    const other = numbers.get(key);
    if (typeof value === 'object' && value !== null && typeof other === 'object' && other !== null) add(value, other);
    else Object.assign(to, { [key]: Number(value) + Number(other) });
  }
}

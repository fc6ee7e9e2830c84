/** What the driver and its client processes say to each other. */
import type { HistogramEntries } from '../histogram.js';

export type Transport = 'stream' | 'ws';

/** Where the server under test listens on 127.0.0.1. */
export interface ServerPorts {
  readonly http: number;
  readonly control: number;
  readonly pull: number;
}

/** Requests in a closed loop: each connection asks again as soon as it has its answer. */
export interface RequestsSpec {
  readonly kind: 'requests';
  readonly connections: number;
  readonly path: string;
  /** Bytes each answer has to have. */
  readonly bodyBytes: number;
}

/** Held connections. */
export interface HoldsSpec {
  readonly kind: 'holds';
  readonly transport: Transport;
  readonly count: number;
  /** Each has the channel PREFIX-INDEX, or all have the channel PREFIX. */
  readonly channels: { readonly prefix: string; readonly own: boolean };
  /** Asked for instead of the origin's path for that channel. */
  readonly path?: string;
  /** The first `count` are on this channel too (streams only). */
  readonly shared?: { readonly channel: string; readonly count: number };
  /** Connections that may be opening at a time. */
  readonly inFlight: number;
  readonly messageBytes: number;
  /** The first ones of all never read after the head of their answer. */
  readonly unread?: number;
}

/** Long-polls: each is published to some time after it has polled, and polls again. */
export interface PollsSpec {
  readonly kind: 'polls';
  readonly connections: number;
  /** Milliseconds from a poll to its publish. */
  readonly delay: number;
  readonly messageBytes: number;
}

/** WebSockets with one message in flight each, echoed by the origin. */
export interface EchoesSpec {
  readonly kind: 'echoes';
  readonly connections: number;
  readonly messageBytes: number;
}

/** Clients of all kinds that come and go. */
export interface ChurnSpec {
  readonly kind: 'churn';
  /** Visits that begin in a second, of all kinds together. */
  readonly visitsPerSecond: number;
  readonly messageBytes: number;
}

export type LoadSpec = RequestsSpec | HoldsSpec | PollsSpec | EchoesSpec | ChurnSpec;

/** What is different from now on. */
export type Change =
  /** More holds. */
  | { readonly kind: 'grow'; readonly count: number }
  /** Publishes to own channels chosen at random, so many not yet delivered at a time, with a pause between two. */
  | { readonly kind: 'publish'; readonly window: number; readonly publishers: number; readonly pause: number }
  /** Publishes no more; resolves when everything published has arrived, or nothing more comes. */
  | { readonly kind: 'rest' }
  /** Visits a second. */
  | { readonly kind: 'pace'; readonly visitsPerSecond: number }
  /** Those that did not read do so now. */
  | { readonly kind: 'read' };

export type Command =
  | { readonly kind: 'start'; readonly spec: LoadSpec; readonly ports: ServerPorts; readonly index: number }
  | { readonly kind: 'change'; readonly change: Change }
  /** Counts anew from here on; the reply is what was counted until then. */
  | { readonly kind: 'mark' }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

/** What a client counted since the mark. */
export interface Report {
  readonly counts: Readonly<Record<string, number>>;
  /** Microseconds. */
  readonly latencies: Readonly<Record<string, HistogramEntries>>;
}

/** A message of the shared channel that all holds of one client process have. */
export interface Completed {
  readonly number: number;
  /** Microseconds of the common clock when the first hold had it, and the last. */
  readonly first: number;
  readonly last: number;
}

export type ToClient = { readonly id: number; readonly command: Command };

export type FromClient =
  | { readonly kind: 'reply'; readonly id: number; readonly report: Report }
  | { readonly kind: 'failed'; readonly id: number; readonly why: string }
  | { readonly kind: 'completed'; readonly messages: readonly Completed[] };

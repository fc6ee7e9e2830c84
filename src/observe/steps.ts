/**
 * Every step of a request, a hold, a publish and an origin request, announced on `node:diagnostics_channel` for whoever
 * listens: tracing, an application's own measurements. Nobody pays when nobody listens. Messages are objects that live as
 * long as what they speak of, so that listeners can keep what they know of them in a `WeakMap`.
 */
import { channel } from 'node:diagnostics_channel';

/** A request of a client, or the WebSocket that it asks for. */
export interface RequestStep {
  readonly transport: 'http' | 'ws';
  readonly method: string;
  /** Whole, as the client sees it. */
  readonly uri: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Address of the other end; undefined for Unix sockets. */
  readonly peer: string | undefined;
  /** Explicit id of the route. */
  readonly route: string | undefined;
}

/** How a request ended. `size` in bytes of the body; an error is a client gone or a broken answer. */
export type RequestEnd =
  | { readonly kind: 'answered'; readonly code: number; readonly size: number }
  /** The client is held from here on. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'error' };

/** What an origin is asked for: the client's own request, one of ours for it, a WebSocket, events of one over HTTP. */
export type OriginPurpose = 'request' | 'subrequest' | 'handshake' | 'events';

/** A request to an origin. */
export interface OriginStep {
  /** On whose behalf. */
  readonly request: RequestStep;
  readonly purpose: OriginPurpose;
  /** As the route names it. */
  readonly target: string;
  readonly method: string;
  readonly uri: string;
}

/** Why an origin gave no whole answer: the kind of failure, or `cancelled` by our side. */
export type OriginFault = string;

/** A client that is held. */
export interface HoldStep {
  readonly request: RequestStep;
  readonly mode: 'response' | 'stream' | 'ws';
}

/** How a hold ended. */
export type HoldEnd =
  /** A long-poll got its item. */
  | 'answered'
  /** A long-poll's time was up. */
  | 'timed-out'
  /** A publish, the origin or its last page closed it. */
  | 'closed'
  /** The client went. */
  | 'gone'
  /** The client read too slowly, or broke a rule. */
  | 'refused'
  /** Its origin is asked anew; another hold may follow. */
  | 'asked-again'
  | 'failed'
  /** Holdfast ends. */
  | 'shut-down';

/** An item on its way. */
export interface PublishStep {
  readonly channel: string;
  /** Id of the item. */
  readonly id: string | undefined;
  /**
   * Trace context of who published it (W3C `traceparent`). A listener of `publish:start` may set its own: it goes along
   * to the process that has the holds.
   */
  traceparent: string | undefined;
}

/** What each channel carries, by the name it has behind `holdfast:`. */
export interface Steps {
  'request:start': { readonly request: RequestStep };
  'request:end': { readonly request: RequestStep; readonly end: RequestEnd };
  /**
   * `setHeader` puts a header into what the origin is sent, in the place of all of that name that the client has sent;
   * undefined only takes those away.
   */
  'origin:start': { readonly origin: OriginStep; setHeader(name: string, value: string | undefined): void };
  'origin:head': { readonly origin: OriginStep; readonly code: number };
  /** `size` in bytes of the body. */
  'origin:end': { readonly origin: OriginStep; readonly size: number };
  'origin:error': { readonly origin: OriginStep; readonly fault: OriginFault };
  'hold:start': { readonly hold: HoldStep };
  'hold:subscribe': { readonly hold: HoldStep; readonly channel: string };
  'hold:end': { readonly hold: HoldStep; readonly end: HoldEnd };
  'publish:start': { readonly publish: PublishStep };
  /** `receivers`: the holds it was meant for, as far as that is known; undefined while it waits for another item, or is dropped. */
  'publish:end': { readonly publish: PublishStep; readonly receivers: number | undefined };
  /** The item goes out to these holds. Only those are named that began while somebody listened. */
  'publish:deliver': { readonly publish: PublishStep; readonly holds: readonly HoldStep[] };
}

export type StepName = keyof Steps;

/** Every name, in the order of the table in docs/tracing.md. */
export const STEP_NAMES: readonly StepName[] = [
  'request:start',
  'request:end',
  'origin:start',
  'origin:head',
  'origin:end',
  'origin:error',
  'hold:start',
  'hold:subscribe',
  'hold:end',
  'publish:start',
  'publish:end',
  'publish:deliver',
];

/** One of the channels. */
export interface StepChannel<Message> {
  /** Asked before a message is made. */
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

type StepChannels = { readonly [Name in StepName]: StepChannel<Steps[Name]> };

/** Name of a step's channel. */
export function channelOf(name: StepName): string {
  return `holdfast:${name}`;
}

/** The channels themselves. */
export const steps: StepChannels = Object.fromEntries(
  STEP_NAMES.map((name) => [name, channel(channelOf(name))]),
) as unknown as StepChannels;

/** What is told of clients: who listens to any of it has all that come from then on followed. */
const OF_CLIENTS = STEP_NAMES.filter((name) => !name.startsWith('publish:') || name === 'publish:deliver').map(
  (name) => steps[name],
);
const OF_PUBLISHES = STEP_NAMES.filter((name) => name.startsWith('publish:')).map((name) => steps[name]);

/** Whether anybody wants to hear of items that are published, and so of the trace they belong to. */
export function publishesAreFollowed(): boolean {
  for (const channel of OF_PUBLISHES) if (channel.hasSubscribers) return true;
  return false;
}

/** Whether anybody wants to hear of clients at all; each that comes from now on is followed then. */
export function clientsAreFollowed(): boolean {
  for (const channel of OF_CLIENTS) if (channel.hasSubscribers) return true;
  return false;
}

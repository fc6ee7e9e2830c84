/** Makes the hold that an instruct asks for: which kind, with which channels, and what it needs of the route. */
import type { ClientExchange } from '../hold/client-connection.js';
import { ResponseHold, type ResponseHoldOptions } from '../hold/response-hold.js';
import { StreamHold } from '../hold/stream-hold.js';
import { TrackedStream } from '../hold/tracked-stream.js';
import type { Instruct } from '../protocol/instruct.js';
import type { Route, Target } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';
import { RouteLinks } from './route-links.js';

/** A client that is about to be held; its exchange has been released. */
export interface HeldClient {
  readonly parts: ProxyParts;
  readonly exchange: ClientExchange;
  readonly route: Route;
  /** The target that answered. */
  readonly target: Target;
  /** The client's URI. */
  readonly uri: string;
  readonly debug: boolean;
  /** It was held before, and its origin asked again. */
  readonly retried: boolean;
}

/** Holds a stream whose head and first body are written. */
export function holdStream(client: HeldClient, instruct: Instruct): void {
  const { parts, exchange, route, target, uri } = client;
  const options = holdOptions(client);
  if (needsTracking(instruct)) {
    const links = new RouteLinks(parts, { route, target, uri });
    new TrackedStream(parts.holds, exchange, { ...options, links }).start(instruct);
    return;
  }
  const { names, onSubscribed } = options;
  const channels = new Set(names.implicit);
  for (const { name } of instruct.channels.slice(0, names.limit)) channels.add(names.prefix + name);
  const hold = new StreamHold(parts.holds, exchange, options.rateBucket, instruct.keepAlive);
  hold.subscribe(channels);
  for (const name of channels) onSubscribed(name);
}

/** Holds a long-poll. @param retry - sends the client's request to the origin again */
export function holdResponse(client: HeldClient, instruct: Instruct, retry: ResponseHoldOptions['retry']): void {
  const { parts, exchange } = client;
  new ResponseHold(parts.holds, exchange, instruct, { ...holdOptions(client), retry }).start();
}

/** Deliveries of routes with an id of their own have a rate of their own. */
export function rateBucketOf(route: Route): string {
  return route.explicitId ? route.id : '';
}

/** What every hold is made with. */
function holdOptions({ parts, route, target, uri, debug, retried }: HeldClient): Omit<ResponseHoldOptions, 'retry'> {
  const { limits, log } = parts.holds;
  return {
    rateBucket: rateBucketOf(route),
    names: { prefix: route.prefix, implicit: target.options.subscriptions, limit: limits.maxSubscriptions },
    uri,
    debug,
    onSubscribed: (channel) => {
      if (log.enabled('info')) log.info(`subscribe ${uri} channel=${channel}${retried ? ' retry' : ''}`);
    },
  };
}

/** Whether a stream has to look at its items one by one. */
function needsTracking({ nextLink, channels }: Instruct): boolean {
  return nextLink !== undefined || channels.some(({ prevId, filters }) => prevId !== undefined || filters.length > 0);
}

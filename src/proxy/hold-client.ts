/** Makes the hold that an instruct asks for: which kind, with which channels, and what it needs of the route. */
import type { ClientExchange } from '../hold/client-connection.js';
import { ResponseHold, type ResponseHoldOptions } from '../hold/response-hold.js';
import { StreamHold } from '../hold/stream-hold.js';
import { TrackedStream } from '../hold/tracked-stream.js';
import { logRecord } from '../observe/logger.js';
import type { Visit } from '../observe/visit.js';
import { isHttpFilter, parseFilters } from '../protocol/filters/filters.js';
import type { Instruct } from '../protocol/instruct.js';
import type { Route, Target } from '../routes/route.js';
import { GoneLink } from './gone-link.js';
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
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
}

/** The channels of the first hold that an instruct asks for, named in full. */
export function channelNames(
  { parts, route, target }: Pick<HeldClient, 'parts' | 'route' | 'target'>,
  { channels }: Instruct,
): string[] {
  const named = channels.slice(0, parts.holds.limits.maxSubscriptions);
  return [...target.options.subscriptions, ...named.map(({ name }) => route.prefix + name)];
}

/** Holds a stream whose head and first body are written. */
export function holdStream(client: HeldClient, instruct: Instruct): void {
  const { parts, exchange, route, target, uri, visit } = client;
  const options = holdOptions(client);
  // In debug mode what a stream does not get is told to it.
  if (client.debug || needsTracking(instruct)) {
    const links = new RouteLinks(parts, { route, target, uri, visit });
    const over = overOptions(goneLinkOf(client, instruct));
    new TrackedStream(parts.holds, exchange, { ...options, ...over, links }).start(instruct);
    return;
  }
  const { names } = options;
  const channels = new Set(names.implicit);
  if (instruct.channels.length > names.limit) names.onLeftOut();
  for (const { name } of instruct.channels.slice(0, names.limit)) channels.add(names.prefix + name);
  const hold = new StreamHold(parts.holds, exchange, options.rateBucket, instruct.keepAlive, visit);
  hold.subscribe(channels);
  for (const name of channels) names.onSubscribed(name);
}

/** Holds a long-poll. @param retry - sends the client's request to the origin again */
export function holdResponse(client: HeldClient, instruct: Instruct, retry: ResponseHoldOptions['retry']): void {
  const { parts, exchange, route, target, uri, visit } = client;
  const gone = goneLinkOf(client, instruct);
  new ResponseHold(parts.holds, exchange, instruct, {
    ...holdOptions(client),
    ...overOptions(gone),
    ...(asksFilters(instruct) ? { asker: new RouteLinks(parts, { route, target, uri, visit }) } : {}),
    retry: gone === undefined ? retry : (lastIds) => retryAfter(gone, () => retry(lastIds)),
  }).start();
}

/** Deliveries of routes with an id of their own have a rate of their own. */
export function rateBucketOf(route: Route): string {
  return route.explicitId ? route.id : '';
}

/** What every hold is made with. */
function holdOptions({
  parts,
  route,
  target,
  uri,
  debug,
  retried,
  visit,
}: HeldClient): Omit<ResponseHoldOptions, 'retry'> {
  const { limits, log } = parts.holds;
  return {
    rateBucket: rateBucketOf(route),
    names: {
      prefix: route.prefix,
      implicit: target.options.subscriptions,
      limit: limits.maxSubscriptions,
      onSubscribed: (channel) => {
        if (log.enabled('info')) logRecord(log, { kind: 'subscribe', uri, channel, retry: retried });
      },
      onLeftOut: () => log.debug(`httpsession: too many subscriptions (${uri})`),
    },
    uri,
    debug,
    visit,
  };
}

/** Whether a stream has to look at its items one by one, or somebody has to hear of its end. */
function needsTracking({ nextLink, goneLink, channels }: Instruct): boolean {
  if (nextLink !== undefined || goneLink !== undefined) return true;
  return channels.some(({ prevId, filters }) => prevId !== undefined || filters.length > 0);
}

function asksFilters({ channels }: Instruct): boolean {
  return channels.some(({ filters }) => parseFilters(filters).some(isHttpFilter));
}

/** Undefined: the instruct names none, or one that makes no sense for this client. */
function goneLinkOf({ parts, route, target, uri, visit }: HeldClient, { goneLink }: Instruct): GoneLink | undefined {
  if (goneLink === undefined) return undefined;
  const behalf = { route, target, uri, visit };
  const link = new RouteLinks(parts, behalf).resolve(goneLink, uri);
  return link === undefined ? undefined : new GoneLink(parts, behalf, new URL(link));
}

function overOptions(gone: GoneLink | undefined): { readonly onOver?: () => void } {
  return gone === undefined ? {} : { onOver: () => gone.send() };
}

/** The origin hears of the end of the first session before the next one begins. */
function retryAfter(gone: GoneLink, retry: () => void): void {
  // Also for a client that has left meanwhile: its end is told of there.
  gone.afterwards(retry);
}

/**
 * The route of a request: by `Pushpin-Route` where that is accepted, else by host and path; and of what is asked later for
 * a client that is held, by the id of the route it came by (specification 2.5).
 */
import type { ClientRequest } from '../front/client-request.js';
import { getHeader } from '../protocol/headers.js';
import { cleanPath, percentDecoded } from '../protocol/plain-path.js';
import type { Route, RouteProtocol } from '../routes/route.js';
import type { RouteTable } from '../routes/route-table.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';

/** A path in which there is an escape, or a segment that is empty, `.` or `..`. */
const NOT_PLAIN = /%|\/(?:\.{0,2})\//;

/** Undefined: no route. A wrong id is not made good by another route, unless a WebSocket names one that is shared. */
export function findRoute(
  parts: ProxyParts,
  protocol: RouteProtocol,
  request: ClientRequest,
  uri: RequestUri,
): Route | undefined {
  // `*` is no resource of any origin (RFC 9112 3.2.4).
  if (!uri.path.startsWith('/')) return undefined;
  const table = parts.routes();
  const id = namedRoute(parts, request);
  if (id !== undefined) {
    const found = table.byId(id, uri.path);
    if (found.kind === 'route') return found.route;
    if (found.kind === 'none' || protocol === 'http') return undefined;
  }
  const route = table.lookup(protocol, uri.secure, uri.host, uri.path);
  if (route === undefined || !table.isGuarded) return route;
  const guarded = guardedBy(table, protocol, uri);
  // Pinghub sends such a client to the plain path itself.
  if (guarded === undefined || guarded === route || route.targets[0]?.kind === 'pinghub') return route;
  const { file, line } = guarded.source;
  parts.holds.warnings.warn(
    'guarded',
    `a path is spelt so that it comes past the auth service of ${file}:${line}: refused`,
  );
  return undefined;
}

/**
 * The route with an auth service that the path would lead to without needless escapes and segments: its target may well
 * read it so.
 */
function guardedBy(table: RouteTable, protocol: RouteProtocol, { secure, host, path }: RequestUri): Route | undefined {
  if (!NOT_PLAIN.test(path)) return undefined;
  const route = table.lookupPlain(protocol, secure, host, cleanPath(percentDecoded(path)));
  return route?.auth === undefined ? undefined : route;
}

/** The id by which a client names its route; undefined: its path tells. */
function namedRoute({ settings }: ProxyParts, { headers }: ClientRequest): string | undefined {
  return (settings.acceptPushpinRoute && getHeader(headers, 'pushpin-route')) || undefined;
}

/**
 * Whether a client that spells its path without escapes comes to the same route, or to none.
 * @param plain - the path without escapes, one character for each byte
 */
export function leadsTo(
  parts: ProxyParts,
  { id, pathBeg }: Route,
  protocol: RouteProtocol,
  request: ClientRequest,
  { secure, host }: RequestUri,
  plain: string,
): boolean {
  if (namedRoute(parts, request) !== undefined) return true;
  const route = parts.routes().lookupPlain(protocol, secure, host, plain);
  // Another table may be in force by now.
  return route === undefined || (route.id === id && route.pathBeg === pathBeg);
}

/** Scheme, host and encoded path of what is asked. */
type Place = Pick<RequestUri, 'secure' | 'host' | 'path'>;

/** What has the place of an earlier route by now. An id that several routes have names none, and the host tells. */
export function findRouteAgain(parts: ProxyParts, { id }: Route, { secure, host, path }: Place): Route | undefined {
  const table = parts.routes();
  const found = table.byId(id, path);
  if (found.kind === 'route') return found.route;
  return found.kind === 'shared' ? table.lookup('http', secure, host, path) : undefined;
}

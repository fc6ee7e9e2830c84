/**
 * The route of a request: by `Pushpin-Route` where that is accepted, else by host and path; and of what is asked later for
 * a client that is held, by the id of the route it came by (specification 2.5).
 */
import type { ClientRequest } from '../front/client-request.js';
import { getHeader } from '../protocol/headers.js';
import type { Route, RouteProtocol } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';

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
  const id = parts.settings.acceptPushpinRoute ? getHeader(request.headers, 'pushpin-route') : undefined;
  if (id !== undefined && id !== '') {
    const found = table.byId(id, uri.path);
    if (found.kind === 'route') return found.route;
    if (found.kind === 'none' || protocol === 'http') return undefined;
  }
  return table.lookup(protocol, uri.secure, uri.host, uri.path);
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

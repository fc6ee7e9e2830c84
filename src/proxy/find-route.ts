/** The route of a request: by `Pushpin-Route` where that is accepted, else by host and path (specification 2.5). */
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
  const table = parts.routes();
  const id = parts.settings.acceptPushpinRoute ? getHeader(request.headers, 'pushpin-route') : undefined;
  if (id !== undefined && id !== '') {
    const found = table.byId(id, uri.path);
    if (found.kind === 'route') return found.route;
    if (found.kind === 'none' || protocol === 'http') return undefined;
  }
  return table.lookup(protocol, uri.secure, uri.host, uri.path);
}

/** Where a target finds a request: what the route makes of the client's own place, or who let the client in. */
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route } from '../routes/route.js';
import type { RequestUri } from './request-uri.js';

/** Host and percent-encoded path. A path that an auth service has named is not changed any further. */
export function targetPlace(route: Route, uri: RequestUri): { readonly host: string; readonly path: string } {
  const place = rewriteRequest(route, uri.authority, uri.path);
  return uri.asked === undefined ? place : { host: place.host, path: uri.path };
}

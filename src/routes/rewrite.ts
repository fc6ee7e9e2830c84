/** What a route changes of host and path before anything else looks at the request (specification 2.2, 3.3). */
import type { Route } from './route.js';

/**
 * Applies `as_host`, and `replace_beg` or else `path_rem`. The path given back always begins with `/`: where the
 * rewriting leaves it without one, a slash is put in front.
 *
 * @param route - the route found for the request
 * @param host - authority of the request, `host[:port]`
 * @param path - percent-encoded path without the query, one character for each byte
 */
export function rewriteRequest(route: Route, host: string, path: string): { host: string; path: string } {
  const rewritten =
    route.replaceBeg === undefined ? path.slice(route.pathRemove) : route.replaceBeg + path.slice(route.pathBeg.length);
  return {
    host: route.asHost ?? host,
    path: rewritten.startsWith('/') ? rewritten : `/${rewritten}`,
  };
}

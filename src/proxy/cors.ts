/** The headers that open an answer to scripts of any origin, for routes with `aco` (specification 3.10). */
import { getHeader, type HeaderList, hasHeader, hasPrefix, splitHeaderLists } from '../protocol/headers.js';

const METHODS = 'OPTIONS, HEAD, GET, POST, PUT, DELETE';
const MAX_AGE_SECONDS = '3600';

/** Scripts may read these without being told so, or have no use for them. Lower case. */
const NOT_EXPOSED: ReadonlySet<string> = new Set([
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
]);

/**
 * The answer's headers with those added that it does not have, in a fixed order; an empty one of its own counts.
 *
 * @param request - headers of the client's request
 * @param response - headers of the answer, those of the connection to the origin gone already: what is here gets exposed
 */
export function withCorsHeaders(request: HeaderList, response: HeaderList): HeaderList {
  const headers: HeaderList = [...response];
  const add = (name: string, value: string): void => {
    if (value !== '' && !hasHeader(response, name)) headers.push([name, value]);
  };
  add('Access-Control-Allow-Methods', getHeader(request, 'Access-Control-Request-Method') || METHODS);
  add('Access-Control-Allow-Headers', requestedHeaders(request).join(', '));
  add('Access-Control-Expose-Headers', exposedNames(response).join(', '));
  add('Access-Control-Allow-Credentials', 'true');
  add('Access-Control-Allow-Origin', getHeader(request, 'Origin') || '*');
  add('Access-Control-Max-Age', MAX_AGE_SECONDS);
  return headers;
}

function requestedHeaders(request: HeaderList): string[] {
  return splitHeaderLists(request, 'Access-Control-Request-Headers').filter((name) => name !== '');
}

/** Names as first written, each once. */
function exposedNames(response: HeaderList): string[] {
  const names = new Map<string, string>();
  for (const [name] of response) {
    const lowercase = name.toLowerCase();
    if (NOT_EXPOSED.has(lowercase) || names.has(lowercase)) continue;
    if (hasPrefix(name, 'access-control-') || hasPrefix(name, 'grip-')) continue;
    names.set(lowercase, name);
  }
  return [...names.values()];
}

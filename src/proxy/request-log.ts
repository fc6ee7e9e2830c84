/** The log line of a finished request (specification 14.1). */
import { isIP } from 'node:net';
import type { ClientRequest } from '../front/client-request.js';
import { getHeader, splitHeaderLists } from '../protocol/headers.js';
import type { Route, Target } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';

/** How a request ended. `size` in bytes of the body. */
export type RequestResult =
  | { readonly kind: 'answered'; readonly code: number; readonly size: number }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'error' };

export interface RequestLine {
  readonly request: ClientRequest;
  /** `http`, `https`, `ws` or `wss`. */
  readonly scheme: string;
  readonly uri: RequestUri;
  readonly route: Route | undefined;
  readonly target: Target | undefined;
  readonly retry: boolean;
  readonly result: RequestResult;
}

export function logRequest(parts: ProxyParts, line: RequestLine): void {
  const { log } = parts.holds;
  if (!log.enabled('info')) return;
  const { request, uri, route, target } = line;
  let text = `${request.method} ${clientUri(line.scheme, uri)}`;
  if (target !== undefined) {
    text += ` -> ${target.name}`;
    if (target.options.overHttp && line.scheme.startsWith('ws')) text += '[http]';
  }
  const from = parts.settings.logFrom ? clientAddress(request, parts.settings.xForwardedFor) : undefined;
  if (from !== undefined) text += ` from=${from}`;
  const referer = getHeader(request.headers, 'referer');
  if (referer !== undefined && referer !== '') text += ` ref=${referer}`;
  if (route?.explicitId === true) text += ` route=${route.id}`;
  text += resultText(line.result);
  if (line.retry) text += ' retry';
  const agent = parts.settings.logUserAgent ? getHeader(request.headers, 'user-agent') : undefined;
  if (agent !== undefined) text += ` ua=${agent}`;
  log.info(text);
}

/** Who the request is from: the first address of `X-Forwarded-For`, unless the rules drop it (specification 3.5). */
function clientAddress(request: ClientRequest, rules: readonly string[]): string | undefined {
  const [first] = rules.includes('truncate:0') ? [] : splitHeaderLists(request.headers, 'x-forwarded-for');
  return first !== undefined && isIP(first) !== 0 ? first : request.peerAddress;
}

/** The whole URI of a request, as log lines show it. */
export function clientUri(scheme: string, { authority, path, query }: RequestUri): string {
  return `${scheme}://${authority}${path}${query}`;
}

function resultText(result: RequestResult): string {
  switch (result.kind) {
    case 'answered':
      return ` code=${result.code} ${result.size}`;
    case 'accepted':
      return ' accept';
    case 'error':
      return ' error';
  }
}

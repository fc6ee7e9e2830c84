/**
 * The log line of a finished request (specification 14.1). Its fields are told apart by blanks, so nothing a client
 * chooses may hold one, except what stands at the end: the name of its program, and the last ids of trusted clients.
 */
import { isIP } from 'node:net';
import type { ClientRequest } from '../front/client-request.js';
import { decodeHeaderText, getHeader, splitHeaderLists } from '../protocol/headers.js';
import { parseGripLast } from '../protocol/instruct-headers.js';
import type { Route, Target } from '../routes/route.js';
import { peerAddressOf } from '../sockets/peer-address.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';
import { partsFor } from './route-parts.js';

/** What the lines need of the proxy. */
export type LogParts = Pick<ProxyParts, 'settings' | 'holds'>;

/** How a request ended. `size` in bytes of the body as it was written; an error is a client gone or a broken answer. */
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
  /** Undefined when the request was refused before one was asked. */
  readonly target: Target | undefined;
  /** The client is a proxy we trust. */
  readonly trusted: boolean;
  readonly retry: boolean;
  /** Number of the origin's answer when other clients got it too. */
  readonly shared?: number | undefined;
  readonly result: RequestResult;
}

export function logRequest(parts: LogParts, line: RequestLine): void {
  const { settings, holds } = partsFor(parts, line.route);
  const { log } = holds;
  if (!log.enabled('info')) return;
  const { request, uri, route, target, trusted } = line;
  let text = `${request.method} ${clientUri(line.scheme, uri)}`;
  if (target !== undefined) {
    text += ` -> ${target.name}`;
    if (target.options.overHttp && line.scheme.startsWith('ws')) text += '[http]';
  }
  const rules = trusted ? settings.xForwardedForTrusted : settings.xForwardedFor;
  const from = settings.logFrom ? clientAddress(request, rules) : undefined;
  if (from !== undefined) text += ` from=${from}`;
  const referer = getHeader(request.headers, 'referer');
  if (referer !== undefined && referer !== '') text += ` ref=${oneWord(referer)}`;
  if (route?.explicitId === true) text += ` route=${route.id}`;
  text += resultText(line.result);
  if (line.retry) text += ' retry';
  text += sharedText(line.shared);
  const agent = settings.logUserAgent ? getHeader(request.headers, 'user-agent') : undefined;
  if (agent !== undefined && agent !== '') text += ` ua=${decodeHeaderText(agent)}`;
  // Other clients could write about channels that are none of theirs.
  if (trusted) text += lastIdsText(parseGripLast(request.headers));
  log.info(text);
}

/** A request of our own for a held client. */
export interface SubrequestLogLine {
  readonly method: string;
  readonly uri: string;
  readonly route: Route;
  readonly target: Target | undefined;
  readonly result: RequestResult;
  readonly shared: number | undefined;
  readonly lastIds: ReadonlyMap<string, string>;
}

export function logSubrequest(parts: LogParts, line: SubrequestLogLine): void {
  const { log } = partsFor(parts, line.route).holds;
  if (!log.enabled('info')) return;
  let text = `${line.method} ${line.uri}`;
  if (line.target !== undefined) text += ` -> ${line.target.name}`;
  if (line.route.explicitId) text += ` route=${line.route.id}`;
  log.info(text + resultText(line.result) + sharedText(line.shared) + lastIdsText(line.lastIds));
}

function lastIdsText(lastIds: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [channel, id] of lastIds) text += ` #${channel}=${id}`;
  return text;
}

/** A header's value with everything percent-encoded that is no visible ASCII character, and so without blanks. */
function oneWord(value: string): string {
  return value.replace(/[^!-~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function sharedText(shared: number | undefined): string {
  return shared === undefined ? '' : ` shared=${shared}`;
}

/** Who the request is from: the first address of `X-Forwarded-For`, unless the rules drop it (specification 3.5). */
function clientAddress(request: ClientRequest, rules: readonly string[]): string | undefined {
  const [first] = rules.includes('truncate:0') ? [] : splitHeaderLists(request.headers, 'x-forwarded-for');
  return first !== undefined && isIP(first) !== 0 ? first : peerAddressOf(request.peer);
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

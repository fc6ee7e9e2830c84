/** The log line of a finished request, of a client's or of our own for one that is held (specification 14.1). */
import { isIP } from 'node:net';
import type { ClientRequest } from '../front/client-request.js';
import type { RequestResult } from '../observe/log-record.js';
import { logRecord } from '../observe/logger.js';
import { decodeHeaderText, getHeader, splitHeaderLists } from '../protocol/headers.js';
import { parseGripLast } from '../protocol/instruct-headers.js';
import type { Route, Target } from '../routes/route.js';
import { peerAddressOf } from '../sockets/peer-address.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';
import { partsFor } from './route-parts.js';

export type { RequestResult } from '../observe/log-record.js';

/** What the lines need of the proxy. */
export type LogParts = Pick<ProxyParts, 'settings' | 'holds'>;

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
  const rules = trusted ? settings.xForwardedForTrusted : settings.xForwardedFor;
  const agent = settings.logUserAgent ? textIn(getHeader(request.headers, 'user-agent')) : undefined;
  logRecord(log, {
    kind: 'request',
    method: request.method,
    uri: clientUri(line.scheme, uri),
    target: target?.name,
    overHttp: target?.options.overHttp === true && line.scheme.startsWith('ws'),
    from: settings.logFrom ? clientAddress(request, rules) : undefined,
    referer: textIn(getHeader(request.headers, 'referer')),
    route: idOf(route),
    result: line.result,
    retry: line.retry,
    shared: line.shared,
    userAgent: agent === undefined ? undefined : decodeHeaderText(agent),
    // Other clients could write about channels that are none of theirs.
    lastIds: trusted ? known(parseGripLast(request.headers)) : undefined,
  });
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
  logRecord(log, {
    kind: 'request',
    method: line.method,
    uri: line.uri,
    target: line.target?.name,
    overHttp: false,
    from: undefined,
    referer: undefined,
    route: idOf(line.route),
    result: line.result,
    retry: false,
    shared: line.shared,
    userAgent: undefined,
    lastIds: known(line.lastIds),
  });
}

function idOf(route: Route | undefined): string | undefined {
  return route?.explicitId === true ? route.id : undefined;
}

function textIn(header: string | undefined): string | undefined {
  return header === '' ? undefined : header;
}

function known(lastIds: ReadonlyMap<string, string>): ReadonlyMap<string, string> | undefined {
  return lastIds.size === 0 ? undefined : lastIds;
}

/** Who the request is from: the first address of `X-Forwarded-For`, unless the rules drop it (specification 3.5). */
function clientAddress(request: ClientRequest, rules: readonly string[]): string | undefined {
  const [first] = rules.includes('truncate:0') ? [] : splitHeaderLists(request.headers, 'x-forwarded-for');
  return first !== undefined && isIP(first) !== 0 ? first : peerAddressOf(request.peer);
}

/** The whole URI of a request, as the client has it and log lines show it. */
export function clientUri(scheme: string, uri: RequestUri): string {
  const { authority } = uri;
  const { path, query } = uri.asked ?? uri;
  return `${scheme}://${authority}${path}${query}`;
}

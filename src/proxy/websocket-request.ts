/** What an origin is asked for a client that wants a WebSocket: over HTTP (specification 10.2), or as one (11.1). */
import { randomUUID } from 'node:crypto';
import { originHeaders } from '../backend/request-headers.js';
import type { OriginRequest } from '../backend/verdict.js';
import { EXTENSIONS, type OpeningRequest, OWN_HANDSHAKE, offersGrip } from '../backend/websocket-origin/opening.js';
import { EVENTS_TYPE } from '../backend/websocket-over-http/response-headers.js';
import type { ClientRequest } from '../front/client-request.js';
import { DEFLATE_OFFER } from '../protocol/deflate-offer.js';
import { type HeaderList, hasPrefix, withoutHeaders } from '../protocol/headers.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';

/** Headers of the handshake that a request with events does not carry (10.2). Lower case. */
const NOT_IN_EVENTS = new Set([
  'accept',
  'connection',
  'connection-id',
  'content-bytes-replayed',
  'content-length',
  'content-type',
  EXTENSIONS,
  'upgrade',
]);

const NOT_IN_OPENING = new Set([...OWN_HANDSHAKE, EXTENSIONS]);

/** Who asks, and which way it goes. */
export interface WebSocketAsk {
  readonly request: ClientRequest;
  readonly uri: RequestUri;
  readonly scheme: 'ws' | 'wss';
  readonly route: Route;
  readonly target: Target;
  /** The client is a proxy we trust. */
  readonly trusted: boolean;
}

/** Makes the requests of one connection: the same line and client headers each time, a fresh signature. */
export function eventRequests(
  parts: ProxyParts,
  ask: WebSocketAsk,
): (body: Buffer, replayed: number, meta: ReadonlyMap<string, string>) => Promise<OriginRequest> {
  const { request, uri, route, target } = ask;
  const { host, path } = rewriteRequest(route, uri.authority, uri.path);
  const client = withoutHeaders(request.headers, NOT_IN_EVENTS).filter(([name]) => !hasPrefix(name, 'meta-'));
  const connectionId = randomUUID();
  return async (body, replayed, meta) => {
    parts.holds.counters.originRequests += 1;
    const signature = await signatureOf(parts, ask);
    const headers = headersOf(parts, ask, client, undefined);
    if (route.grip) headers.push(['Sec-WebSocket-Extensions', 'grip']);
    if (signature !== undefined) headers.push(['Grip-Sig', signature]);
    headers.push(['Accept', EVENTS_TYPE], ['Connection-Id', connectionId], ['Content-Type', EVENTS_TYPE]);
    if (replayed > 0) headers.push(['Content-Bytes-Replayed', String(replayed)]);
    for (const [name, value] of meta) headers.push([`Meta-${name}`, value]);
    return {
      method: 'POST',
      scheme: target.options.ssl ? 'https' : 'http',
      authority: target.options.host ?? host,
      path: path + uri.query,
      headers,
      body,
    };
  };
}

/**
 * The handshake for one connection.
 *
 * @param raw - what is agreed on is the client's and the origin's business: the client's offers go through
 */
export async function openingRequest(parts: ProxyParts, ask: WebSocketAsk, raw: boolean): Promise<OpeningRequest> {
  const { request, uri, route, target } = ask;
  const { host, path } = rewriteRequest(route, uri.authority, uri.path);
  parts.holds.counters.originRequests += 1;
  const client = withoutHeaders(request.headers, raw ? OWN_HANDSHAKE : NOT_IN_OPENING);
  const headers = headersOf(parts, ask, client, await signatureOf(parts, ask));
  if (route.grip && !offersGrip(headers)) headers.push(['Sec-WebSocket-Extensions', 'grip']);
  const offers = parts.websocket.allowCompression && !raw ? { offers: DEFLATE_OFFER } : {};
  return { authority: target.options.host ?? host, path: path + uri.query, headers, ...offers };
}

/** Undefined also when the key fails, which has been told then. */
async function signatureOf(parts: ProxyParts, { route, trusted }: WebSocketAsk): Promise<string | undefined> {
  return trusted ? undefined : await signatureFor(parts, route)?.catch(() => undefined);
}

function headersOf(
  { settings }: ProxyParts,
  { request, scheme, route, trusted }: WebSocketAsk,
  client: HeaderList,
  signature: string | undefined,
): HeaderList {
  return originHeaders(client, settings, {
    routeHeaders: route.headers,
    origHeaders: route.origHeaders,
    grip: route.grip && !trusted,
    trusted,
    signature,
    lastIds: new Map(),
    scheme,
    peerAddress: request.peerAddress,
  });
}

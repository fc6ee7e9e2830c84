/** What an origin is asked for a client that wants a WebSocket: over HTTP (specification 10.2), or as one (11.1). */
import { randomUUID } from 'node:crypto';
import { originHeaders } from '../backend/request-headers.js';
import type { OriginRequest } from '../backend/verdict.js';
import { EXTENSIONS, type OpeningRequest, OWN_HANDSHAKE, offersGrip } from '../backend/websocket-origin/opening.js';
import { EVENTS_TYPE } from '../backend/websocket-over-http/response-headers.js';
import type { ClientRequest } from '../front/client-request.js';
import type { Visit } from '../observe/visit.js';
import { DEFLATE_OFFER } from '../protocol/deflate-offer.js';
import { type HeaderList, hasPrefix, withoutHeaders } from '../protocol/headers.js';
import { headerListOf } from '../protocol/raw-headers.js';
import type { Route, Target } from '../routes/route.js';
import type { Peer } from '../sockets/peer-address.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';
import { targetPlace } from './target-place.js';

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
/** A handler that gets a handshake as a packet sees the client's own. */
const NOT_IN_PACKET = new Set([EXTENSIONS, 'trailer']);

const DROPPED = { raw: OWN_HANDSHAKE, frames: NOT_IN_OPENING, packets: NOT_IN_PACKET } as const;

/** Not in any line of a head. */
const SEPARATOR = '\n';
const NO_IDS: ReadonlyMap<string, string> = new Map();

/** Who asks, and which way it goes. */
export interface WebSocketAsk {
  readonly request: ClientRequest;
  readonly uri: RequestUri;
  readonly scheme: 'ws' | 'wss';
  readonly route: Route;
  readonly target: Target;
  /** The client is a proxy we trust. */
  readonly trusted: boolean;
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
}

/**
 * Makes the requests of one connection: the same line and client headers each time, a fresh signature. It lasts as long
 * as the connection, so it keeps text of its own, as little as will do, and nothing of the handshake.
 */
export class EventRequests implements Sender {
  readonly peer: Peer;
  readonly scheme: 'ws' | 'wss';
  readonly route: Route;
  readonly target: Target;
  readonly trusted: boolean;
  readonly connectionId: string;
  /** Authority, path with query, then names and values of the client's headers: what no line of a head can hold parts them. */
  private readonly text: string;

  constructor(
    private readonly parts: ProxyParts,
    { request, uri, scheme, route, target, trusted, visit }: WebSocketAsk,
  ) {
    this.connectionId = visit?.id ?? randomUUID();
    this.peer = request.peer;
    this.scheme = scheme;
    this.route = route;
    this.target = target;
    this.trusted = trusted;
    const { host, path } = targetPlace(route, uri);
    const client = withoutHeaders(request.headers, NOT_IN_EVENTS).filter(([name]) => !hasPrefix(name, 'meta-'));
    this.text = [target.options.host ?? host, path + uri.query, ...client.flat()].join(SEPARATOR);
  }

  async make(body: Buffer, replayed: number, meta: ReadonlyMap<string, string>): Promise<OriginRequest> {
    const { parts, route, target } = this;
    parts.holds.counters.originRequests += 1;
    const signature = await signatureOf(parts, this);
    const [authority = '', path = '/', ...client] = this.text.split(SEPARATOR);
    const headers = headersOf(parts, this, headerListOf(client), undefined);
    if (route.grip) headers.push(['Sec-WebSocket-Extensions', 'grip']);
    if (signature !== undefined) headers.push(['Grip-Sig', signature]);
    headers.push(['Accept', EVENTS_TYPE], ['Connection-Id', this.connectionId], ['Content-Type', EVENTS_TYPE]);
    if (replayed > 0) headers.push(['Content-Bytes-Replayed', String(replayed)]);
    for (const [name, value] of meta) headers.push([`Meta-${name}`, value]);
    return { method: 'POST', scheme: target.options.ssl ? 'https' : 'http', authority, path, headers, body };
  }
}

/**
 * The handshake for one connection.
 *
 * @param way - how messages go: `raw`, what is agreed on is the client's and the origin's business, and the client's offers
 *   go through; `frames`, as we read and write them; `packets`, without frames
 */
export async function openingRequest(
  parts: ProxyParts,
  ask: WebSocketAsk,
  way: keyof typeof DROPPED,
): Promise<OpeningRequest> {
  const { request, uri, route, target } = ask;
  const { host, path } = targetPlace(route, uri);
  parts.holds.counters.originRequests += 1;
  const client = withoutHeaders(request.headers, DROPPED[way]);
  const from = { ...ask, peer: request.peer };
  const headers = headersOf(parts, from, client, await signatureOf(parts, ask));
  if (route.grip && !offersGrip(headers)) headers.push(['Sec-WebSocket-Extensions', 'grip']);
  const offers = parts.websocket.allowCompression && way === 'frames' ? { offers: DEFLATE_OFFER } : {};
  return { authority: target.options.host ?? host, path: path + uri.query, headers, ...offers };
}

/** What the headers to an origin depend on beside the client's. */
interface Sender {
  readonly peer: Peer;
  readonly scheme: 'ws' | 'wss';
  readonly route: Route;
  readonly trusted: boolean;
}

/** Undefined also when the key fails, which has been told then. */
async function signatureOf(
  parts: ProxyParts,
  { route, trusted }: { readonly route: Route; readonly trusted: boolean },
): Promise<string | undefined> {
  return trusted ? undefined : await signatureFor(parts, route)?.catch(() => undefined);
}

function headersOf(
  { settings }: ProxyParts,
  { peer, scheme, route, trusted }: Sender,
  client: HeaderList,
  signature: string | undefined,
): HeaderList {
  return originHeaders(client, settings, {
    routeHeaders: route.headers,
    origHeaders: route.origHeaders,
    grip: route.grip && !trusted,
    trusted,
    signature,
    lastIds: NO_IDS,
    scheme,
    peer,
  });
}

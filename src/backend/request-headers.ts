/** The headers a request carries to its origin, in the order of operations of specification 3.4. */
import {
  encodeHeaderText,
  type HeaderList,
  isHeaderValue,
  splitHeaderLists,
  withoutHeaders,
} from '../protocol/headers.js';
import { type Peer, peerAddressOf } from '../sockets/peer-address.js';

/** Marks a header as the client's own where a route asks for it. */
const ORIGINAL_MARK = 'eb9bf0f5-';

export const GRIP_FEATURE =
  'status, session, link:next, link:gone, filter:skip-self, filter:skip-users, filter:require-sub, filter:build-id, filter:var-subst, filter:http-check, filter:http-modify';

/** Headers that concern one hop only. Lower case. */
const HOP_HEADERS = new Set([
  'connection',
  'keep-alive',
  'accept-encoding',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'content-length',
  'host',
]);

/** Settings that do not change from request to request. */
export interface HeaderSettings {
  readonly acceptXForwardedProtocol: boolean;
  readonly setXForwardedProtocol: 'none' | 'proto-only' | 'both';
  readonly xForwardedFor: readonly string[];
  /** The same for trusted clients. */
  readonly xForwardedForTrusted: readonly string[];
  readonly acceptPushpinRoute: boolean;
  readonly cdnLoop: string;
  readonly origHeadersNeedMark: readonly string[];
}

/** What this request adds. */
export interface HeaderContext {
  /** `header=` of the route, in the order they apply. */
  readonly routeHeaders: HeaderList;
  readonly origHeaders: boolean;
  /** GRIP is on for the route, and the client is no proxy that we trust. */
  readonly grip: boolean;
  /** The client is a proxy in front of us: its marks and Grip headers are the client's own affair (12.3). */
  readonly trusted?: boolean;
  readonly signature: string | undefined;
  /** Channel to last seen id, for retries. */
  readonly lastIds: ReadonlyMap<string, string>;
  /** Scheme towards the client as routes see it. */
  readonly scheme: 'http' | 'https' | 'ws' | 'wss';
  /** Undefined for what is no client's request. */
  readonly peer: Peer | undefined;
}

/** The client's headers as the origin gets them, without Host and framing headers. */
export function originHeaders(received: HeaderList, settings: HeaderSettings, context: HeaderContext): HeaderList {
  const client = withRouteHeaders(received, context.routeHeaders);
  const { trusted = false } = context;
  const dropsProtocol = settings.acceptXForwardedProtocol || settings.setXForwardedProtocol !== 'none';
  const marked: HeaderList = [];
  const headers: HeaderList = [];
  for (const header of client) {
    const name = header[0].toLowerCase();
    if (name.startsWith(ORIGINAL_MARK)) {
      if (context.origHeaders && !trusted) marked.push(header);
      if (context.origHeaders && trusted) headers.push(header);
      continue;
    }
    if (context.origHeaders && !trusted && !settings.origHeadersNeedMark.some((one) => one.toLowerCase() === name)) {
      marked.push([ORIGINAL_MARK + header[0], header[1]]);
    }
    if (HOP_HEADERS.has(name) || (!trusted && name.startsWith('grip-'))) continue;
    if (name === 'pushpin-route' && settings.acceptPushpinRoute) continue;
    if (name === 'cdn-loop' && settings.cdnLoop !== '') continue;
    if (name === 'x-forwarded-for') continue;
    if (dropsProtocol && (name === 'x-forwarded-proto' || name === 'x-forwarded-protocol')) continue;
    headers.push(header);
  }
  headers.push(...marked);
  if (settings.cdnLoop !== '') {
    // The client's are bytes already, the setting is a text.
    const own = encodeHeaderText(settings.cdnLoop);
    headers.push(['CDN-Loop', [...splitHeaderLists(client, 'cdn-loop'), own].join(', ')]);
  }
  if (context.grip) {
    if (context.signature !== undefined) headers.push(['Grip-Sig', context.signature]);
    headers.push(['Grip-Feature', GRIP_FEATURE]);
    for (const [channel, id] of context.lastIds) {
      const value = encodeHeaderText(`${channel}; last-id=${id}`);
      // Channels and ids come from JSON too, where they may hold what no header can.
      if (isHeaderValue(value)) headers.push(['Grip-Last', value]);
    }
  }
  if (context.scheme === 'https' || context.scheme === 'wss') {
    if (settings.setXForwardedProtocol !== 'none') headers.push(['X-Forwarded-Proto', context.scheme]);
    if (settings.setXForwardedProtocol === 'both') headers.push(['X-Forwarded-Protocol', context.scheme]);
  }
  const forwardedFor = forwardedChain(
    client,
    trusted ? settings.xForwardedForTrusted : settings.xForwardedFor,
    context.peer,
  );
  if (forwardedFor.length > 0) headers.push(['X-Forwarded-For', forwardedFor.join(', ')]);
  return headers;
}

/** Addresses of `X-Forwarded-For` after the rules (3.4, step 8). */
function forwardedChain(client: HeaderList, rules: readonly string[], peer: Peer | undefined): string[] {
  let chain = splitHeaderLists(client, 'x-forwarded-for');
  for (const rule of rules) {
    if (rule.startsWith('truncate:')) {
      const keep = Number.parseInt(rule.slice('truncate:'.length), 10);
      if (Number.isInteger(keep) && keep >= 0) chain = keep === 0 ? [] : chain.slice(-keep);
    }
  }
  if (peer === undefined || !rules.includes('append')) return chain;
  const address = peerAddressOf(peer);
  // The last address is the one that origins believe: without ours it would be what the client has written.
  return address === undefined ? [] : [...chain, address];
}

/** `header=` of the route comes first of all: each takes the place of what has its name, an empty one removes it. */
function withRouteHeaders(client: HeaderList, routeHeaders: HeaderList): HeaderList {
  let headers = client;
  for (const [name, value] of routeHeaders) {
    headers = withoutHeaders(headers, new Set([name.toLowerCase()]));
    if (value !== '') headers.push([name, value]);
  }
  return headers;
}

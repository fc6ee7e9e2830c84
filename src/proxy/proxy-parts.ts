/** What the proxy works with; put together by `runtime`. */

import type { BackendPublishing } from '../backend/backend-publishing.js';
import type { HeaderSettings } from '../backend/request-headers.js';
import type { Signer } from '../backend/signature.js';
import type { HttpBackend } from '../backend/verdict.js';
import type { WebSocketOrigins } from '../backend/websocket-origin/websocket-origins.js';
import type { MeteredOpenings } from '../backend/zhttp/metered-openings.js';
import type { ClientRequest } from '../front/client-request.js';
import type { ConnectionTerms } from '../hold/connection-terms.js';
import type { HoldParts } from '../hold/hold-parts.js';
import type { Watch } from '../observe/visit.js';
import { getHeader } from '../protocol/headers.js';
import type { Route, Target } from '../routes/route.js';
import type { RouteTable } from '../routes/route-table.js';
import type { RequestRate } from './request-rate.js';
import type { SharedRequests } from './shared-requests.js';
import type { SockjsElsewhere } from './sockjs/elsewhere.js';
import type { IframePage } from './sockjs/iframe-page.js';
import type { SockjsSessions } from './sockjs/sessions.js';

export interface ProxySettings extends HeaderSettings {
  readonly debug: boolean;
  /** CORS headers and JSON-P on every route. */
  readonly autoCrossOrigin: boolean;
  readonly sigIss: string;
  readonly sigKey: string;
  /** Bytes read of a body before anything is sent to the origin. */
  readonly prefetchBytes: number;
  /** Bytes of a request body that are kept for a hold's retries. */
  readonly maxAcceptRequestBytes: number;
  /** Bytes of a GRIP answer's body. */
  readonly maxInstructBytes: number;
  /** Requests of clients that say the same to the same target are sent once. */
  readonly shareAll: boolean;
  readonly logFrom: boolean;
  readonly logUserAgent: boolean;
}

export interface WebSocketLimits {
  readonly maxMessageBytes: number;
  /** The same in both directions where the origin speaks WebSocket itself. */
  readonly maxRelayedMessageBytes: number;
  readonly maxBufferedBytes: number;
  readonly maxResponseBytes: number;
  readonly maxRejectBytes: number;
  /** Compression is offered to origins. */
  readonly allowCompression: boolean;
  /** What every connection is held to; undefined: nothing but bytes. */
  readonly terms: ConnectionTerms | undefined;
}

export interface ProxyParts {
  readonly settings: ProxySettings;
  readonly websocket: WebSocketLimits;
  /** The table in force; asked anew for each request. */
  readonly routes: () => RouteTable;
  readonly publishing: BackendPublishing;
  /** The way to a target; undefined when there is none in this process. */
  readonly backendFor: (target: Target) => HttpBackend | undefined;
  /** The way to targets that speak WebSocket themselves. */
  readonly webSockets: WebSocketOrigins;
  /** The way to ZeroMQ handlers that take WebSockets. */
  readonly zhttp: MeteredOpenings;
  readonly signer: Signer;
  /** Whether a `Grip-Sig` header proves that the client is a proxy we trust; undefined when none is trusted. */
  readonly isTrusted: ((token: string) => Promise<boolean>) | undefined;
  readonly holds: HoldParts;
  /** Who watches the clients. */
  readonly watch: Watch;
  readonly shared: SharedRequests;
  /** How often each URL of an HTTP filter may be asked. */
  readonly filterRate: RequestRate;
  readonly sockjs: {
    readonly sessions: SockjsSessions;
    readonly page: IframePage;
    /** Sessions of other processes; undefined: there are none. */
    readonly elsewhere?: SockjsElsewhere | undefined;
  };
}

/**
 * Calls `serve` with whether the client is a trusted proxy (specification 12.3): at once when nobody is, later when a
 * signature has to be checked.
 */
export function withTrust(parts: ProxyParts, request: ClientRequest, serve: (trusted: boolean) => void): void {
  const token = parts.isTrusted === undefined ? undefined : getHeader(request.headers, 'grip-sig');
  if (parts.isTrusted === undefined || token === undefined || token === '') {
    serve(false);
    return;
  }
  void parts.isTrusted(token).then((trusted) => {
    if (!trusted) parts.holds.log.debug('signature present but invalid');
    serve(trusted);
  });
}

/** The token for a route's requests; undefined when they are not signed. */
export function signatureFor(parts: ProxyParts, route: Route): Promise<string> | undefined {
  if (!route.grip) return undefined;
  const { sigIss, sigKey } = parts.settings;
  return parts.signer.token(route.sigIss ?? sigIss, route.sigKey ?? sigKey);
}

/** A client's request to the built-in Pinghub, after the route's rewriting. */
import { type PinghubParts, type PinghubRequest, pinghubAnswer, pinghubWebSocket } from '../backend/pinghub/pinghub.js';
import type { Verdict } from '../backend/verdict.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import type { Route, RouteProtocol, Target } from '../routes/route.js';
import { leadsTo } from './find-route.js';
import type { ProxyParts } from './proxy-parts.js';
import { isAbsolute, type RequestUri } from './request-uri.js';
import { targetPlace } from './target-place.js';

type PinghubTarget = Target & { readonly kind: 'pinghub' };

interface Asked {
  readonly route: Route;
  readonly target: PinghubTarget;
  readonly request: ClientRequest;
  readonly uri: RequestUri;
}

export interface PinghubAsk extends Asked {
  /** Undefined: it was too large to be kept. */
  readonly body: Buffer | undefined;
}

export function askPinghub(parts: ProxyParts, ask: PinghubAsk, decide: (verdict: Verdict) => void): void {
  const { route, target, body } = ask;
  const response = pinghubAnswer(partsOf(parts, route, target), requestOf(parts, ask, 'http'), body);
  const { publishing } = parts;
  // Who posts is told when there is room for more.
  if (publishing.congested) publishing.whenClear(() => decide({ kind: 'answer', response }));
  else decide({ kind: 'answer', response });
}

export interface PinghubSocketAsk extends Asked {
  /** The request is that of a WebSocket; otherwise one of SockJS has opened a session. */
  readonly isHandshake: boolean;
}

export function askPinghubSocket(parts: ProxyParts, ask: PinghubSocketAsk): WebSocketVerdict {
  const { route, target, isHandshake } = ask;
  return pinghubWebSocket(
    partsOf(parts, route, target),
    requestOf(parts, ask, isHandshake ? 'ws' : undefined),
    isHandshake,
  );
}

function partsOf(
  { holds, publishing }: ProxyParts,
  { prefix }: Route,
  { pinghub: options }: PinghubTarget,
): PinghubParts {
  const { hub, counters } = holds;
  return {
    options,
    prefix,
    counters: counters.pinghub,
    publishing,
    isOpen: (channel) => (hub.isAlone ? hub.count(channel, 'ws') > 0 : undefined),
  };
}

/** @param protocol - the route was found with; undefined: the path is the route's own, that of its SockJS */
function requestOf(
  parts: ProxyParts,
  { route, request, uri }: Asked,
  protocol: RouteProtocol | undefined,
): PinghubRequest {
  const { method, target, headers } = request;
  const { path: ownPath } = uri.asked ?? uri;
  const base = isAbsolute(target) ? `${uri.secure ? 'https' : 'http'}://${uri.authority}` : '';
  return {
    method,
    path: targetPlace(route, uri).path,
    ownPath,
    leadsHere: (plain) =>
      protocol === undefined || ownPath === plain || leadsTo(parts, route, protocol, request, uri, plain),
    query: (uri.asked ?? uri).query,
    base,
    headers,
  };
}

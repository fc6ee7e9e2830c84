/** A client's request to the built-in Pinghub, after the route's rewriting. */
import { type PinghubParts, type PinghubRequest, pinghubAnswer, pinghubWebSocket } from '../backend/pinghub/pinghub.js';
import type { Verdict } from '../backend/verdict.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';
import type { ForwardedBody } from './request-body.js';
import { isAbsolute, type RequestUri } from './request-uri.js';

type PinghubTarget = Target & { readonly kind: 'pinghub' };

export function askPinghub(
  parts: ProxyParts,
  route: Route,
  target: PinghubTarget,
  request: ClientRequest,
  uri: RequestUri,
  body: ForwardedBody,
): Verdict {
  const response = pinghubAnswer(partsOf(parts, route, target), requestOf(route, request, uri), body.whole());
  return { kind: 'answer', response };
}

export function askPinghubSocket(
  parts: ProxyParts,
  route: Route,
  target: PinghubTarget,
  request: ClientRequest,
  uri: RequestUri,
): WebSocketVerdict {
  return pinghubWebSocket(partsOf(parts, route, target), requestOf(route, request, uri));
}

function partsOf({ holds, publish }: ProxyParts, { prefix }: Route, { pinghub: options }: PinghubTarget): PinghubParts {
  const { hub, counters } = holds;
  return {
    options,
    prefix,
    counters: counters.pinghub,
    publish,
    isOpen: (channel) => (hub.isAlone ? hub.count(channel, 'ws') > 0 : undefined),
  };
}

function requestOf(route: Route, { method, target, headers }: ClientRequest, uri: RequestUri): PinghubRequest {
  const { path } = rewriteRequest(route, uri.authority, uri.path);
  const base = isAbsolute(target) ? `${uri.secure ? 'https' : 'http'}://${uri.authority}` : '';
  return { method, path, query: uri.query, base, headers };
}

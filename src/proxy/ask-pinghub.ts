/** A client's request to the built-in Pinghub, after the route's rewriting. */
import { type PinghubParts, type PinghubRequest, pinghubAnswer, pinghubWebSocket } from '../backend/pinghub/pinghub.js';
import type { Verdict } from '../backend/verdict.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';
import { isAbsolute, type RequestUri } from './request-uri.js';

type PinghubTarget = Target & { readonly kind: 'pinghub' };

export interface PinghubAsk {
  readonly route: Route;
  readonly target: PinghubTarget;
  readonly request: ClientRequest;
  readonly uri: RequestUri;
  /** Undefined: it was too large to be kept. */
  readonly body: Buffer | undefined;
}

export function askPinghub(parts: ProxyParts, ask: PinghubAsk, decide: (verdict: Verdict) => void): void {
  const { route, target, request, uri, body } = ask;
  const response = pinghubAnswer(partsOf(parts, route, target), requestOf(route, request, uri), body);
  const { publishing } = parts;
  // Who posts is told when there is room for more.
  if (publishing.congested) publishing.whenClear(() => decide({ kind: 'answer', response }));
  else decide({ kind: 'answer', response });
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

function requestOf(route: Route, request: ClientRequest, uri: RequestUri): PinghubRequest {
  const { method, target, headers, askedFor } = request;
  const { path } = rewriteRequest(route, uri.authority, uri.path);
  // What an auth service or the route made of the path is nobody else's business.
  const isOwnPath = askedFor === undefined && path === uri.path;
  const base = isAbsolute(target) ? `${uri.secure ? 'https' : 'http'}://${uri.authority}` : '';
  return { method, path, isOwnPath, query: uri.query, base, headers };
}

/** A client's own request on its way to a target: what is sent, and which requests of other clients are the same. */
import { createHash } from 'node:crypto';
import { judgeComplete } from '../backend/judge.js';
import { sendObserved } from '../backend/observed-call.js';
import { originHeaders } from '../backend/request-headers.js';
import { testResponse } from '../backend/test-backend.js';
import type { AnswerCall, AnswerReceiver, HttpBackend, OriginRequest, Verdict } from '../backend/verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import type { Visit } from '../observe/visit.js';
import { isGripResponse } from '../protocol/instruct.js';
import type { Route, Target } from '../routes/route.js';
import { errorAnswer } from './error-answers.js';
import type { ProxyParts } from './proxy-parts.js';
import type { ForwardedBody } from './request-body.js';
import { clientUri } from './request-log.js';
import type { RequestUri } from './request-uri.js';
import { SHARED_BYTES_MAX, type SharedCall } from './shared-requests.js';
import { targetPlace } from './target-place.js';

export interface ClientAsk {
  readonly request: ClientRequest;
  readonly uri: RequestUri;
  readonly scheme: 'http' | 'https';
  readonly route: Route;
  readonly target: Target;
  /** The client is a proxy we trust. */
  readonly trusted: boolean;
  /** GRIP is ours to do. */
  readonly grip: boolean;
  readonly signature: string | undefined;
  /** Channel to last seen id, on a retry. */
  readonly lastIds: ReadonlyMap<string, string>;
  readonly body: ForwardedBody;
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
}

/** Sends the request, or joins one under way that says the same, where requests are shared (specification 3.12). */
export function sendClientRequest(
  parts: ProxyParts,
  backend: HttpBackend,
  ask: ClientAsk,
  receiver: AnswerReceiver,
): AnswerCall | SharedCall {
  const send = (to: AnswerReceiver): AnswerCall => {
    parts.holds.counters.originRequests += 1;
    const { target, visit } = ask;
    return sendObserved({ backend, target, visit, purpose: 'request' }, originRequest(parts, ask), to);
  };
  const key = parts.settings.shareAll ? shareKey(ask) : undefined;
  return key === undefined ? send(receiver) : parts.shared.join(ask.route, key, receiver, send);
}

/**
 * The built-in backend: an answer without a network.
 * @param body - undefined: it was too large to be kept
 */
export function askTestBackend(route: Route, uri: RequestUri, body: Buffer | undefined, grip: boolean): Verdict {
  if (body === undefined) return { kind: 'answer', response: errorAnswer(400, 'request too large') };
  const { path } = targetPlace(route, uri);
  const response = testResponse({ path, query: uri.query.slice(1), pathBeg: route.pathBeg });
  return grip && isGripResponse(response.headers) ? judgeComplete(response) : { kind: 'answer', response };
}

/** Bytes of a request body that are kept: for another try, and for the route's built-in backends, which take it whole. */
export function keptLimit({ targets }: Route, { maxAcceptRequestBytes }: ProxyParts['settings']): number {
  let most = maxAcceptRequestBytes;
  for (const target of targets) if (target.kind === 'pinghub') most = Math.max(most, target.pinghub.maxBodyBytes);
  return most;
}

/** Bytes of a request body that are read before the origin is asked. */
export function prefetchLimit({ shareAll, prefetchBytes }: ProxyParts['settings'], length: number | undefined): number {
  // What can be shared has to be there as a whole first.
  if (!shareAll || (length !== undefined && length > SHARED_BYTES_MAX)) return prefetchBytes;
  return Math.max(prefetchBytes, SHARED_BYTES_MAX + 1);
}

/**
 * What two requests of a route have to have in common to be one: all that the origin could tell them apart by, other
 * than their headers. Undefined: this one is not shared.
 */
function shareKey({ request, uri, scheme, route, target, trusted, lastIds, body }: ClientAsk): string | undefined {
  const whole = body.whole();
  if (whole === undefined || whole.length > SHARED_BYTES_MAX) return undefined;
  return JSON.stringify([
    request.method,
    clientUri(scheme, { ...uri, asked: undefined }),
    route.targets.indexOf(target),
    trusted,
    [...lastIds].sort(([left], [right]) => (left < right ? -1 : 1)),
    whole.length === 0 ? '' : createHash('sha256').update(whole).digest('base64'),
  ]);
}

function originRequest({ settings }: ProxyParts, ask: ClientAsk): OriginRequest {
  const { request, uri, scheme, route, target, trusted, grip, signature, lastIds, body } = ask;
  const { host, path } = targetPlace(route, uri);
  return {
    method: request.method,
    scheme: target.options.ssl ? 'https' : 'http',
    authority: target.options.host ?? host,
    path: path + uri.query,
    headers: originHeaders(request.headers, settings, {
      routeHeaders: route.headers,
      origHeaders: route.origHeaders,
      grip,
      trusted,
      signature,
      lastIds,
      scheme,
      peer: request.peer,
    }),
    body: body.toSend(),
  };
}

/** The way in for HTTP requests: finds the route, and dresses request and answers for other origins where it says so. */
import type { ClientRequest } from '../front/client-request.js';
import type { ClientExchange } from '../hold/client-connection.js';
import { headerBytes } from '../observe/stats/traffic.js';
import type { Visit } from '../observe/visit.js';
import type { JsonpOptions, Route } from '../routes/route.js';
import { rememberPeer } from '../sockets/peer-address.js';
import { arrivalOf } from './arrival.js';
import { authorize } from './authorize.js';
import { CountedBody, CountedExchange } from './counted-exchange.js';
import { CorsExchange, JsonpExchange } from './dressed-exchange.js';
import { errorAnswer } from './error-answers.js';
import { findRoute } from './find-route.js';
import { type Admission, HttpSession } from './http-session.js';
import { type JsonpRequest, readJsonpRequest } from './jsonp.js';
import { type ProxyParts, withTrust } from './proxy-parts.js';
import { logRequest, type RequestResult } from './request-log.js';
import { isAbsolute, type RequestUri, requestUri } from './request-uri.js';
import { partsFor } from './route-parts.js';
import { serveSockjs } from './sockjs/serve-sockjs.js';
import { type SockjsRoute, speaksSockjs } from './sockjs/sockjs-path.js';
import { WholeBody } from './whole-body.js';

/** What a request without a route is read with, where CORS and JSON-P are on for all. */
const JSONP_DEFAULTS: JsonpOptions = {
  mode: 'extended',
  callback: 'callback',
  body: undefined,
  defaultCallback: undefined,
  defaultMethod: undefined,
};

export function serveHttp(parts: ProxyParts, request: ClientRequest, exchange: ClientExchange): void {
  const uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
  const route = findRoute(parts, 'http', request, uri);
  const sockjs = speaksSockjs(route, uri) ? route : undefined;
  parts.holds.counters.requests += 1;
  parts.holds.counters.requestsBy[sockjs === undefined ? 'http' : 'sockjs'] += 1;
  if (parts.settings.logFrom) rememberPeer(request.peer);
  withTrust(partsFor(parts, route), request, (trusted) => {
    const isWatched = parts.watch.on && sockjs === undefined;
    // Where there is no route, the original's stats know of WebSockets alone.
    const told = route !== undefined;
    const visit = isWatched ? parts.watch.visit(arrivalOf('http', request, uri, route), told) : undefined;
    const admission = { route, sockjs, trusted, visit };
    if (route?.auth === undefined) serveTrusted(parts, request, exchange, uri, admission);
    else serveAuthorized(parts, request, exchange, uri, { ...admission, route, auth: route.auth });
  });
}

interface SockjsAdmission extends Admission {
  /** Where the client speaks SockJS, which its own path says and no other. */
  readonly sockjs: SockjsRoute | undefined;
}

/** A request of a route that asks a service first who may come in. */
function serveAuthorized(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  { auth, ...admission }: SockjsAdmission & { readonly route: Route; readonly auth: string },
): void {
  const { route, sockjs, trusted, visit } = admission;
  const scheme = uri.secure ? 'https' : 'http';
  const log = (result: RequestResult): void => {
    logRequest(parts, { request, scheme, uri, route, trusted, target: undefined, retry: false, result });
    visit?.end(result);
  };
  if (exchange.gone) {
    log({ kind: 'error' });
    return;
  }
  const question = authorize(parts, { route, auth, visit }, request, uri, (result) => {
    exchange.onGone = undefined;
    if (result.kind === 'allowed') {
      // A session of SockJS is where the client says, whatever its origin will be asked for.
      const allowed = sockjs === undefined ? result.request : request;
      const now = requestUri(allowed, parts.settings.acceptXForwardedProtocol);
      serveTrusted(parts, allowed, exchange, now, admission);
      return;
    }
    const { response } = result;
    exchange.answer(response);
    log({ kind: 'answered', code: response.code, size: response.body.length });
  });
  exchange.onGone = () => {
    question.cancel();
    log({ kind: 'error' });
  };
}

function serveTrusted(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  admission: SockjsAdmission,
): void {
  const { sockjs, trusted, visit } = admission;
  if (sockjs !== undefined) {
    serveSockjs(partsFor(parts, sockjs), request, exchange, uri, { route: sockjs, trusted });
    return;
  }
  if (visit?.counts === true) serveCounted(parts, request, exchange, uri, { ...admission, visit });
  else serveAdmitted(parts, request, exchange, uri, admission);
}

/** What goes over its connection is counted for the stats socket. */
function serveCounted(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  admission: Admission & { readonly visit: Visit },
): void {
  const { traffic } = admission.visit;
  const { method, body, headers } = request;
  traffic.clientHeaderReceived += method.length + uri.path.length + uri.query.length + headerBytes(headers);
  const counted = body === undefined ? request : { ...request, body: new CountedBody(body, traffic) };
  serveAdmitted(parts, counted, new CountedExchange(exchange, traffic), uri, admission);
}

function serveAdmitted(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  admission: Admission,
): void {
  if (parts.settings.autoCrossOrigin || admission.route?.autoCrossOrigin === true) {
    serveCrossOrigin(parts, request, exchange, uri, admission);
  } else {
    new HttpSession(parts, request, uri, exchange, admission).start();
  }
}

function serveCrossOrigin(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  admission: Admission,
): void {
  const { route } = admission;
  const { method, headers } = request;
  const cors = new CorsExchange(exchange, headers);
  const reading = readJsonpRequest(route?.jsonp ?? JSONP_DEFAULTS, { method, query: uri.query, headers });
  switch (reading.kind) {
    case 'none':
      new HttpSession(parts, request, uri, cors, admission).start();
      return;
    case 'error':
      parts.holds.counters.requestErrors += 1;
      refuseJsonp(parts, request, cors, uri, admission, reading.text);
      return;
    case 'request': {
      const wrapped = new JsonpExchange(exchange, cors, reading.request.wrapping);
      const meant = meantRequest(request, uri, reading.request);
      const meantUri = requestUri(meant, parts.settings.acceptXForwardedProtocol);
      new HttpSession(parts, meant, meantUri, wrapped, admission).start();
    }
  }
}

function refuseJsonp(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  admission: Admission,
  text: string,
): void {
  const answer = errorAnswer(400, text);
  exchange.answer(answer);
  const scheme = uri.secure ? 'https' : 'http';
  const result = { kind: 'answered', code: answer.code, size: answer.body.length } as const;
  admission.visit?.end(result);
  logRequest(parts, { request, scheme, uri, ...admission, target: undefined, retry: false, result });
}

/** The request that a JSON-P query stands for. */
function meantRequest(request: ClientRequest, uri: RequestUri, meant: JsonpRequest): ClientRequest {
  return {
    ...request,
    method: meant.method,
    target: `${isAbsolute(request.target) ? `http://${uri.authority}` : ''}${uri.path}${meant.query}`,
    headers: meant.headers,
    body: meant.body === undefined ? request.body : new WholeBody(meant.body),
  };
}

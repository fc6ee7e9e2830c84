/**
 * Requests of SockJS sessions that live in another process. A session over polling is one process's memory, but its
 * requests come on any connection, and so to any process.
 */
import type { ClientRequest } from '../../front/client-request.js';
import type { ClientExchange } from '../../hold/client-connection.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { errorAnswer, ROUTE_NOT_FOUND } from '../error-answers.js';
import { findRoute } from '../find-route.js';
import type { ProxyParts } from '../proxy-parts.js';
import { requestUri } from '../request-uri.js';
import { partsFor } from '../route-parts.js';
import { WholeBody } from '../whole-body.js';
import { serveSockjs } from './serve-sockjs.js';
import { speaksSockjs } from './sockjs-path.js';

/** A request as it is handed over: read whole, its client looked at. */
export interface HandedRequest extends Omit<ClientRequest, 'body'> {
  readonly body: Buffer;
  /** The client is a proxy we trust. */
  readonly trusted: boolean;
}

export interface SockjsElsewhere {
  /** Whether this session is, or would be opened, in another process. */
  has(session: string): boolean;
  /**
   * Hands a request over.
   * @param done - gets the answer, undefined when the process that had the session has gone; called once, later
   * @returns calls it off, because the client has gone; nothing is answered then
   */
  ask(session: string, request: HandedRequest, done: (response: CompleteResponse | undefined) => void): () => void;
}

/** Serves a request that another process has handed over; it has counted it. */
export function serveHanded(
  parts: ProxyParts,
  { trusted, body, ...head }: HandedRequest,
  exchange: ClientExchange,
): void {
  const request = { ...head, body: body.length === 0 ? undefined : new WholeBody(body) };
  const uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
  const route = findRoute(parts, 'http', request, uri);
  // Whatever the routes say by now, it is not handed over again.
  const here = { ...parts, sockjs: { ...parts.sockjs, elsewhere: undefined } };
  if (speaksSockjs(route, uri)) serveSockjs(partsFor(here, route), request, exchange, uri, { route, trusted });
  else exchange.answer(errorAnswer(502, ROUTE_NOT_FOUND));
}

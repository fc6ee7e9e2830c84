/**
 * HTTP requests to a SockJS path (specification 13): the service's own answers, and polls and messages of sessions.
 * The body is read whole before anything is done, because all of them are small.
 */
import { randomInt } from 'node:crypto';
import type { ClientRequest } from '../../front/client-request.js';
import type { ClientExchange } from '../../hold/client-connection.js';
import { readMessages } from '../../hold/sockjs-frames.js';
import { getHeader, withoutHeaders } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { peerAddressOf } from '../../sockets/peer-address.js';
import type { ProxyParts } from '../proxy-parts.js';
import type { RequestUri } from '../request-uri.js';
import { WebSocketSession } from '../websocket-session.js';
import type { SockjsElsewhere } from './elsewhere.js';
import { PollingSession, TERMINATED } from './polling-session.js';
import { SockjsAnswer } from './sockjs-answer.js';
import { originUri, parameterOf, pathBelow, type SessionPath, type SockjsRoute, sessionPath } from './sockjs-path.js';

/** Bytes of a request's body. */
const MAX_BODY = 100_000;
const ENTROPY_RANGE = 0x1_0000_0000;
const NOTHING = Buffer.alloc(0);

/** Of the first poll: they are about its own body. Lower case. */
const NOT_IN_HANDSHAKE = new Set(['content-length', 'transfer-encoding', 'expect']);

/** A request, its body read. */
interface Asked {
  readonly route: SockjsRoute;
  readonly trusted: boolean;
  readonly request: ClientRequest;
  readonly exchange: ClientExchange;
  readonly uri: RequestUri;
  readonly body: Buffer;
}

/** @param trusted - the client is a proxy we trust: GRIP is its business */
export function serveSockjs(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  uri: RequestUri,
  { route, trusted }: { readonly route: SockjsRoute; readonly trusted: boolean },
): void {
  const asked = { route, trusted, request, exchange, uri };
  const serve = (body: Buffer): void => {
    if (body.length > MAX_BODY) refuse(parts, plain(asked), 400, 'Request too large.\n');
    else answer(parts, { ...asked, body });
  };
  if (request.body === undefined) serve(NOTHING);
  else request.body.prefetch(MAX_BODY + 1, ({ bytes }) => serve(bytes));
}

function answer(parts: ProxyParts, asked: Asked): void {
  const { request, route, uri } = asked;
  const { method } = request;
  const path = pathBelow(route, uri);
  const place = sessionPath(path);
  if (method === 'OPTIONS') plain(asked).text(204, '');
  else if (method === 'GET' && path === '/info') plain(asked).text(200, infoText());
  else if (method === 'GET' && path.startsWith('/iframe') && path.endsWith('.html')) answerPage(parts, asked);
  else if (place === undefined) refuse(parts, plain(asked), 404, 'Not Found\n');
  else answerSession(parts, asked, place);
}

function answerSession(parts: ProxyParts, asked: Asked, { id, resource }: SessionPath): void {
  const { request, uri, body } = asked;
  const { elsewhere } = parts.sockjs;
  if (elsewhere?.has(id) === true) {
    handOver(elsewhere, asked, id);
    return;
  }
  const posts = request.method === 'POST';
  const callback = parameterOf(uri.query.slice(1), ['callback', 'c']);
  if (resource === 'xhr' && posts) {
    poll(parts, asked, id, plain(asked));
  } else if (resource === 'xhr_send' && posts) {
    send(parts, id, plain(asked), body);
  } else if (resource === 'jsonp' && (posts || request.method === 'GET')) {
    if (callback === undefined) refuse(parts, plain(asked), 400, 'Bad Request\n');
    else poll(parts, asked, id, new SockjsAnswer(asked.exchange, request.headers, callback));
  } else if (resource === 'jsonp_send' && (posts || request.method === 'GET')) {
    const form = posts ? body.toString('latin1') : uri.query.slice(1);
    const messages = parameterOf(form, ['d'], { plus: true });
    send(parts, id, new SockjsAnswer(asked.exchange, request.headers, callback), messages ?? NOTHING);
  } else {
    refuse(parts, plain(asked), 404, 'Not Found\n');
  }
}

function handOver(elsewhere: SockjsElsewhere, asked: Asked, id: string): void {
  const { request, exchange, body, trusted } = asked;
  if (exchange.gone) return;
  const { method, target, headers, secure } = request;
  // A socket stays where it is: its peer goes along as an address.
  const peer = { remoteAddress: peerAddressOf(request.peer) };
  const handed = { method, target, headers, secure, peer, body, trusted };
  const done = (response: CompleteResponse | undefined): void => {
    exchange.onGone = undefined;
    if (response === undefined) plain(asked).text(410, TERMINATED);
    else exchange.answer(response);
  };
  exchange.onGone = elsewhere.ask(id, handed, done);
  exchange.release();
}

function poll(parts: ProxyParts, asked: Asked, id: string, answer: SockjsAnswer): void {
  const { sessions } = parts.sockjs;
  const known = sessions.find(id);
  if (known !== undefined) {
    known.ask(answer);
    return;
  }
  if (sessions.full) {
    parts.holds.warnings.warn('sockjs-full', `there are ${sessions.size} SockJS sessions (sockjs.max_sessions)`);
    refuse(parts, answer, 503, 'Service Unavailable\n');
    return;
  }
  const { request, route, trusted } = asked;
  const session = new PollingSession(parts.holds, sessions, id, answer, parts.websocket.maxMessageBytes);
  const headers = withoutHeaders(request.headers, NOT_IN_HANDSHAKE);
  // What its origin sees, and what is logged, is the WebSocket that it stands for.
  const handshake = { ...request, method: 'GET', headers, body: undefined };
  const uri = originUri(route, asked.uri, 'http');
  new WebSocketSession(parts, handshake, session, uri).startOn(route, trusted, true);
}

function send(parts: ProxyParts, id: string, answer: SockjsAnswer, payload: Buffer): void {
  const session = parts.sockjs.sessions.find(id);
  if (session === undefined) {
    refuse(parts, answer, 404, 'Not Found\n');
    return;
  }
  const messages = readMessages(payload);
  if (messages === undefined) refuse(parts, answer, 400, 'Payload expected\n');
  else session.send(answer, messages);
}

function answerPage(parts: ProxyParts, asked: Asked): void {
  const { body, etag } = parts.sockjs.page;
  if (getHeader(asked.request.headers, 'if-none-match') === etag) {
    plain(asked).whole(304, [['ETag', etag]], NOTHING);
    return;
  }
  const type = 'text/html; charset=UTF-8';
  const headers: [string, string][] = [
    ['ETag', etag],
    ['Content-Type', type],
    ['Cache-Control', 'public, max-age=31536000'],
  ];
  plain(asked).whole(200, headers, body);
}

/** The transports that are there; what a client cannot use it leaves out by itself. */
function infoText(): string {
  const entropy = randomInt(ENTROPY_RANGE);
  return `${JSON.stringify({ cookie_needed: false, entropy, origins: ['*:*'], websocket: true })}\n`;
}

function plain({ exchange, request }: Pick<Asked, 'exchange' | 'request'>): SockjsAnswer {
  return new SockjsAnswer(exchange, request.headers, undefined);
}

function refuse(parts: ProxyParts, answer: SockjsAnswer, code: number, text: string): void {
  parts.holds.counters.requestErrors += 1;
  answer.text(code, text);
}

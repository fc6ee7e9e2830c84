/** The way in for WebSockets: finds the route, and with it what is spoken on them. */
import type { ClientRequest } from '../front/client-request.js';
import type { WebSocketUpgrade } from '../front/websocket-upgrade.js';
import type { Compression } from '../hold/compression.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { rememberPeer } from '../sockets/peer-address.js';
import { askPinghubSocket } from './ask-pinghub.js';
import { errorAnswer } from './error-answers.js';
import { findRoute } from './find-route.js';
import type { ProxyParts } from './proxy-parts.js';
import { requestUri } from './request-uri.js';
import { FramedDoor } from './sockjs/framed-door.js';
import { originUri, pathBelow, socketAt, speaksSockjs } from './sockjs/sockjs-path.js';
import { socketDoor } from './websocket-door.js';
import { WebSocketSession } from './websocket-session.js';

/** What a built-in backend answers to a handshake that is none; undefined: the words of everybody. */
export function refuseHandshake(parts: ProxyParts, request: ClientRequest): CompleteResponse | undefined {
  const uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
  const route = findRoute(parts, 'ws', request, uri);
  const [target] = route?.targets ?? [];
  // Who is kept out by an auth service learns nothing of what is behind it.
  if (route === undefined || route.auth !== undefined || target?.kind !== 'pinghub') return undefined;
  const verdict = askPinghubSocket(parts, { route, target, request, uri, isHandshake: true });
  return verdict.kind === 'reject' ? verdict.response : undefined;
}

/** @param compression - undefined: clients' offers are passed over */
export function serveWebSocket(
  parts: ProxyParts,
  request: ClientRequest,
  upgrade: WebSocketUpgrade,
  compression: Compression | undefined,
): void {
  const { holds, websocket, settings } = parts;
  if (settings.logFrom) rememberPeer(request.peer);
  const uri = requestUri(request, settings.acceptXForwardedProtocol);
  const route = findRoute(parts, 'ws', request, uri);
  const sockjs = speaksSockjs(route, uri) ? { route, socket: socketAt(pathBelow(route, uri)) } : undefined;
  if (sockjs !== undefined && sockjs.socket === undefined) {
    holds.counters.requests += 1;
    holds.counters.requestsBy.sockjs += 1;
    holds.counters.requestErrors += 1;
    upgrade.reject(errorAnswer(404, 'Not Found'));
    return;
  }
  const { maxMessageBytes } = websocket;
  const door =
    sockjs?.socket === 'framed'
      ? new FramedDoor(holds, upgrade, maxMessageBytes)
      : socketDoor(holds, request, upgrade, maxMessageBytes, compression);
  if (door === undefined) return;
  const asked = sockjs === undefined ? uri : originUri(sockjs.route, uri, 'ws');
  new WebSocketSession(parts, request, door, asked).start(route, sockjs === undefined ? 'ws' : 'sockjs');
}

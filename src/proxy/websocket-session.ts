/**
 * One WebSocket handshake from its route to its hold (specification 10.4, 11).
 *
 *     routed ──► asking target 1 ──cannot connect──► asking target 2 …
 *                      ├─ accept: 101, and a hold between client and origin
 *                      ├─ reject: the origin's answer
 *                      └─ failed: 502
 */
import { randomUUID } from 'node:crypto';
import { originHeaders } from '../backend/request-headers.js';
import { testWebSocket } from '../backend/test-backend.js';
import type { OriginRequest } from '../backend/verdict.js';
import { EVENTS_TYPE } from '../backend/websocket-over-http/response-headers.js';
import { WebSocketOverHttp } from '../backend/websocket-over-http/session.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import type { WebSocketUpgrade } from '../front/websocket-upgrade.js';
import { WebSocketHold } from '../hold/websocket-hold.js';
import { type HeaderList, hasPrefix, withoutHeaders } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import { errorAnswer, failureAnswer, failureForLog, ORIGIN_ERROR, ROUTE_NOT_FOUND } from './error-answers.js';
import { findRoute } from './find-route.js';
import { rateBucketOf } from './hold-client.js';
import { type ProxyParts, signatureFor, withTrust } from './proxy-parts.js';
import { clientUri, logRequest, type RequestResult } from './request-log.js';
import { type RequestUri, requestUri } from './request-uri.js';

/** Headers of the handshake that a request with events does not carry (10.2). Lower case. */
const NOT_IN_EVENTS = new Set([
  'accept',
  'connection',
  'connection-id',
  'content-bytes-replayed',
  'content-length',
  'content-type',
  'sec-websocket-extensions',
  'upgrade',
]);

export class WebSocketSession {
  private readonly uri: RequestUri;
  private readonly scheme: 'ws' | 'wss';
  private readonly tried: Target[] = [];
  private route: Route | undefined = undefined;
  /** The client is a proxy we trust: GRIP is its business. */
  private trusted = false;

  constructor(
    private readonly parts: ProxyParts,
    private readonly request: ClientRequest,
    private readonly upgrade: WebSocketUpgrade,
  ) {
    this.uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
    this.scheme = this.uri.secure ? 'wss' : 'ws';
  }

  start(): void {
    const route = findRoute(this.parts, 'ws', this.request, this.uri);
    this.parts.holds.counters.requests += 1;
    if (route === undefined) {
      this.refuse(errorAnswer(502, ROUTE_NOT_FOUND));
      return;
    }
    this.route = route;
    withTrust(this.parts, this.request, (trusted) => {
      this.trusted = trusted;
      this.ask(route, 0);
    });
  }

  /** Whether GRIP is ours to do for this connection. */
  private gripFor(route: Route): boolean {
    return route.grip && !this.trusted;
  }

  private ask(route: Route, index: number): void {
    const target = route.targets[index];
    if (target === undefined) return;
    this.tried.push(target);
    const decide = (verdict: WebSocketVerdict): void => this.decide(route, target, index, verdict);
    if (target.kind === 'test') {
      const { path } = rewriteRequest(route, this.uri.authority, this.uri.path);
      decide(testWebSocket({ path, query: this.uri.query.slice(1), pathBeg: route.pathBeg }, this.gripFor(route)));
      return;
    }
    if (!target.options.overHttp) {
      const text =
        target.kind === 'zhttpreq'
          ? 'WebSockets cannot be used with zhttpreq target'
          : `WebSockets to ${target.name} need over_http on the target in this version`;
      const { file, line } = route.source;
      this.parts.holds.warnings.warn('needs-over-http', `${this.uriText()}: ${text} (${file}:${line})`);
      this.refuse(errorAnswer(502, this.debug ? text : ORIGIN_ERROR));
      return;
    }
    const backend = this.parts.backendFor(target);
    if (backend === undefined) {
      decide({ kind: 'failed', failure: { kind: 'unreachable' } });
      return;
    }
    const { holds, websocket } = this.parts;
    const session = new WebSocketOverHttp({
      backend,
      target,
      wheel: holds.wheel,
      random: holds.random,
      maxBufferedBytes: websocket.maxBufferedBytes,
      maxResponseBytes: websocket.maxResponseBytes,
      maxRejectBytes: websocket.maxRejectBytes,
      request: this.eventRequests(route, target),
      verdict: decide,
    });
    this.upgrade.onGone = () => {
      this.log({ kind: 'error' });
      session.abandon();
    };
    session.open();
  }

  /** Makes the requests of one connection: the same line and client headers each time, a fresh signature. */
  private eventRequests(
    route: Route,
    target: Target,
  ): (body: Buffer, replayed: number, meta: ReadonlyMap<string, string>) => Promise<OriginRequest> {
    const { parts, request, uri } = this;
    const { host, path } = rewriteRequest(route, uri.authority, uri.path);
    const client = withoutHeaders(request.headers, NOT_IN_EVENTS).filter(([name]) => !hasPrefix(name, 'meta-'));
    const { peerAddress } = request;
    const connectionId = randomUUID();
    const { scheme, trusted } = this;
    const grip = this.gripFor(route);
    return async (body, replayed, meta) => {
      parts.holds.counters.originRequests += 1;
      const signature = grip ? await signatureFor(parts, route)?.catch(() => undefined) : undefined;
      const headers: HeaderList = originHeaders(client, parts.settings, {
        routeHeaders: route.headers,
        origHeaders: route.origHeaders,
        grip,
        trusted,
        signature: undefined,
        lastIds: new Map(),
        scheme,
        peerAddress,
      });
      if (grip) headers.push(['Sec-WebSocket-Extensions', 'grip']);
      if (signature !== undefined) headers.push(['Grip-Sig', signature]);
      headers.push(['Accept', EVENTS_TYPE], ['Connection-Id', connectionId], ['Content-Type', EVENTS_TYPE]);
      if (replayed > 0) headers.push(['Content-Bytes-Replayed', String(replayed)]);
      for (const [name, value] of meta) headers.push([`Meta-${name}`, value]);
      return {
        method: 'POST',
        scheme: target.options.ssl ? 'https' : 'http',
        authority: target.options.host ?? host,
        path: path + uri.query,
        headers,
        body,
      };
    };
  }

  private decide(route: Route, target: Target, index: number, verdict: WebSocketVerdict): void {
    const { upgrade } = this;
    if (upgrade.gone) {
      // Its going is announced a moment later, when the session does not take it for opening any more.
      if (verdict.kind === 'accept') verdict.origin.gone();
      return;
    }
    switch (verdict.kind) {
      case 'reject':
        this.refuse(verdict.response, false);
        return;
      case 'failed': {
        const { failure } = verdict;
        const { counters, log } = this.parts.holds;
        counters.originFailures += 1;
        if (failure.kind === 'connect' && index + 1 < route.targets.length) {
          this.ask(route, index + 1);
          return;
        }
        log.debug(`${this.uriText()}: ${failureForLog(failure, this.tried)}`);
        this.refuse(failureAnswer(failure, this.tried, this.debug));
        return;
      }
      case 'accept':
        this.hold(route, target, verdict);
    }
  }

  private hold(route: Route, target: Target, verdict: Extract<WebSocketVerdict, { kind: 'accept' }>): void {
    const { parts, upgrade } = this;
    upgrade.onGone = undefined;
    const socket = upgrade.accept(verdict.reason, verdict.headers);
    this.log({ kind: 'answered', code: 101, size: 0 });
    const hold = new WebSocketHold(parts.holds, socket, verdict.origin, {
      maxMessageBytes: parts.websocket.maxMessageBytes,
      // Without GRIP on the route its messages and control messages are the client's business (11.1).
      messagePrefix: this.gripFor(route) && verdict.grip !== undefined ? Buffer.from(verdict.grip.prefix) : undefined,
      debug: this.debug,
      channelPrefix: route.prefix,
      rateBucket: rateBucketOf(route),
      uri: this.uriText(),
    });
    for (const channel of target.options.subscriptions) hold.subscribe(channel);
    verdict.origin.attached(hold);
    hold.first(upgrade.first);
  }

  /** @param own - the answer is ours: it has no Content-Type (specification 3.2) and counts as an error */
  private refuse(response: CompleteResponse, own = true): void {
    if (own) this.parts.holds.counters.requestErrors += 1;
    this.upgrade.reject(own ? { ...response, headers: [] } : response);
    this.log({ kind: 'answered', code: response.code, size: response.body.length });
  }

  private get debug(): boolean {
    return this.parts.settings.debug || this.route?.debug === true;
  }

  private uriText(): string {
    return clientUri(this.scheme, this.uri);
  }

  private log(result: RequestResult): void {
    const { request, scheme, uri, route } = this;
    logRequest(this.parts, { request, scheme, uri, route, target: this.tried.at(-1), retry: false, result });
  }
}

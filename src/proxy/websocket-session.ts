/**
 * One WebSocket handshake from its route to its hold (specification 10.4, 11).
 *
 *     routed ──► asking target 1 ──cannot connect──► asking target 2 …
 *                      ├─ accept: 101, and a hold between client and origin
 *                      ├─ reject: the origin's answer
 *                      └─ failed: 502
 */
import { beginStep, endStep, type HandshakeEnd } from '../backend/observed-call.js';
import { testWebSocket } from '../backend/test-backend.js';
import type { Call } from '../backend/verdict.js';
import { gripExtension, type OpeningRequest, offersGrip } from '../backend/websocket-origin/opening.js';
import { WebSocketOverHttp } from '../backend/websocket-over-http/session.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import { headerBytes, responseHeadBytes } from '../observe/stats/traffic.js';
import type { OriginStep } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { ownText } from '../protocol/own-text.js';
import type { Route, Target } from '../routes/route.js';
import { arrivalOf } from './arrival.js';
import { askPinghubSocket } from './ask-pinghub.js';
import { authorize } from './authorize.js';
import { errorAnswer, failureAnswer, failureForLog, ORIGIN_ERROR, ROUTE_NOT_FOUND } from './error-answers.js';
import { type AnsweredHandshake, verdictOfFrames, verdictOfPackets } from './opening-verdict.js';
import { type ProxyParts, withTrust } from './proxy-parts.js';
import { RawWebSocket } from './raw-websocket.js';
import { clientUri, logRequest, type RequestResult } from './request-log.js';
import { type RequestUri, requestUri } from './request-uri.js';
import { partsFor } from './route-parts.js';
import { targetPlace } from './target-place.js';
import type { WebSocketDoor } from './websocket-door.js';
import { EventRequests, openingRequest, type WebSocketAsk } from './websocket-request.js';
import { prefixBytes, WebSocketTerms } from './websocket-terms.js';

export class WebSocketSession {
  private readonly scheme: 'ws' | 'wss';
  private readonly tried: Target[] = [];
  private route: Route | undefined = undefined;
  /** The client is a proxy we trust: GRIP is its business. */
  private trusted = false;
  /** Undefined: nobody watches. */
  private visit: Visit | undefined = undefined;

  constructor(
    /** From `startOn` on those of the route. */
    private parts: ProxyParts,
    private request: ClientRequest,
    private readonly door: WebSocketDoor,
    /** Where it goes: what the client asked for, unless its transport has a path of its own, or it was rewritten. */
    private uri: RequestUri,
  ) {
    this.scheme = this.uri.secure ? 'wss' : 'ws';
  }

  /** @param route - found for what the client asked for  @param by - what it speaks */
  start(route: Route | undefined, by: 'ws' | 'sockjs'): void {
    this.parts.holds.counters.requests += 1;
    this.parts.holds.counters.requestsBy[by] += 1;
    if (route === undefined) {
      this.arrive(undefined);
      this.refuse(errorAnswer(502, ROUTE_NOT_FOUND));
      return;
    }
    withTrust(partsFor(this.parts, route), this.request, (trusted) => this.startOn(route, trusted));
  }

  /**
   * For a client whose request has been counted and looked at.
   * @param trusted - it is a proxy we trust
   * @param authorized - the route's auth service has let it in
   */
  startOn(route: Route, trusted: boolean, authorized = false): void {
    this.route = route;
    this.parts = partsFor(this.parts, route);
    this.trusted = trusted;
    this.arrive(route);
    // It may have gone while its signature was checked.
    if (this.door.gone) this.log({ kind: 'error' });
    else if (route.auth === undefined || authorized) this.ask(route, 0);
    else this.authorize(route, route.auth);
  }

  /** A service is asked first whether the client may come in. */
  private authorize(route: Route, auth: string): void {
    const { parts, door, request, uri } = this;
    const { visit } = this;
    const question = authorize(parts, { route, auth, visit }, request, uri, (result) => {
      door.onGone = undefined;
      if (result.kind === 'refused') {
        this.refuse(result.response, false);
        return;
      }
      if (result.request !== request) {
        const { path, query } = requestUri(result.request, parts.settings.acceptXForwardedProtocol);
        this.uri = { ...uri, path, query, asked: { path: uri.path, query: uri.query } };
      }
      this.request = result.request;
      this.ask(route, 0);
    });
    door.onGone = () => {
      question.cancel();
      this.log({ kind: 'error' });
    };
  }

  private arrive(route: Route | undefined): void {
    const { parts, request, uri } = this;
    if (!parts.watch.on) return;
    const visit = parts.watch.visit(arrivalOf('ws', request, uri, route), true);
    visit.traffic.clientHeaderReceived += this.requestHeadBytes();
    this.visit = visit;
  }

  private requestHeadBytes(): number {
    const { request, uri } = this;
    return request.method.length + uri.path.length + uri.query.length + headerBytes(request.headers);
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
    // Built-in backends answer at once, but it may take a moment until the client can be held.
    this.door.onGone = () => this.log({ kind: 'error' });
    if (target.kind === 'test') {
      const { path } = targetPlace(route, this.uri);
      decide(testWebSocket({ path, query: this.uri.query.slice(1), pathBeg: route.pathBeg }, this.gripFor(route)));
      return;
    }
    if (target.kind === 'pinghub') {
      // Where there is no WebSocket there is no handshake of one.
      const isHandshake = this.door.handOver !== undefined;
      decide(askPinghubSocket(this.parts, { route, target, request: this.request, uri: this.uri, isHandshake }));
      return;
    }
    if (!target.options.overHttp && target.kind === 'origin') {
      this.open(route, target, decide);
      return;
    }
    if (!target.options.overHttp && target.kind === 'zhttp') {
      this.openPackets(route, target, decide);
      return;
    }
    if (!target.options.overHttp && target.kind === 'zhttpreq') {
      const text = 'WebSockets cannot be used with zhttpreq target';
      const { file, line } = route.source;
      this.parts.holds.warnings.warn('needs-over-http', `${this.uriText()}: ${text} (${file}:${line})`);
      this.refuse(errorAnswer(502, this.debug ? text : ORIGIN_ERROR));
      return;
    }
    const backend = target.options.overHttp ? this.parts.backendFor(target) : undefined;
    if (backend === undefined) {
      decide({ kind: 'failed', failure: { kind: 'unreachable' } });
      return;
    }
    const { holds, websocket } = this.parts;
    const sessionParts = {
      backend,
      target,
      wheel: holds.wheel,
      random: holds.random,
      limits: websocket,
      requests: new EventRequests(this.parts, this.askOf(route, target)),
      visit: this.visit,
    };
    const session = new WebSocketOverHttp(sessionParts, decide);
    this.door.onGone = () => {
      this.log({ kind: 'error' });
      session.abandon();
    };
    session.open();
  }

  /** Asks an origin that speaks WebSocket itself. */
  private open(
    route: Route,
    target: Target & { readonly kind: 'origin' },
    decide: (verdict: WebSocketVerdict) => void,
  ): void {
    const { parts, door } = this;
    // What is published to the target's channels has to find its place between the origin's messages.
    const raw = !this.gripFor(route) && door.handOver !== undefined && target.options.subscriptions.length === 0;
    this.send(route, target, raw ? 'raw' : 'frames', (request, ended) =>
      parts.webSockets.open(target, request, parts.websocket.maxRejectBytes, (result) => {
        ended(result);
        decide(verdictOfFrames(this.handshake, result, raw, request.offers !== undefined));
      }),
    );
  }

  /** Asks a ZeroMQ handler. */
  private openPackets(
    route: Route,
    target: Target & { readonly kind: 'zhttp' },
    decide: (verdict: WebSocketVerdict) => void,
  ): void {
    const { zhttp, websocket } = this.parts;
    const limits = { maxMessageBytes: websocket.maxRelayedMessageBytes, maxRejectBytes: websocket.maxRejectBytes };
    this.send(route, target, 'packets', (request, ended) =>
      zhttp.open(target, request, limits, (result) => {
        ended(result);
        decide(verdictOfPackets(this.handshake, result));
      }),
    );
  }

  /** Makes the handshake and sends it, unless the client has gone meanwhile. */
  private send(
    route: Route,
    target: Target,
    way: 'raw' | 'frames' | 'packets',
    open: (request: OpeningRequest, ended: (end: HandshakeEnd) => void) => Call,
  ): void {
    const { parts, door } = this;
    let call: Call | undefined;
    let step: OriginStep | undefined;
    door.onGone = () => {
      this.log({ kind: 'error' });
      if (step !== undefined) endStep(step, 'cancelled');
      call?.cancel();
    };
    void openingRequest(parts, this.askOf(route, target), way).then((request) => {
      if (door.gone) return;
      step = this.handshakeStep(target, request);
      call = open(request, (end) => {
        if (step !== undefined) endStep(step, end);
        // A client that goes now cancels no handshake any more.
        step = undefined;
      });
    });
  }

  private handshakeStep(target: Target, { authority, path, headers }: OpeningRequest): OriginStep | undefined {
    if (this.visit === undefined) return undefined;
    const uri = `${target.options.ssl ? 'wss' : 'ws'}://${authority}${path}`;
    return beginStep(this.visit, 'handshake', target, { method: 'GET', uri, headers });
  }

  private get handshake(): AnsweredHandshake {
    const { parts, request } = this;
    return { parts, client: request.headers, broken: (text) => parts.holds.log.debug(`${this.uriText()}: ${text}`) };
  }

  private askOf(route: Route, target: Target): WebSocketAsk {
    const { request, uri, scheme, trusted, visit } = this;
    return { request, uri, scheme, route, target, trusted, visit };
  }

  private decide(route: Route, target: Target, index: number, verdict: WebSocketVerdict): void {
    if (this.door.gone) {
      // Its going is announced a moment later, when the session does not take it for opening any more.
      if (verdict.kind === 'accept') verdict.origin.gone();
      if (verdict.kind === 'tunnel') verdict.socket.destroy();
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
        this.whenReady(route, target, verdict, () => this.hold(route, target, verdict));
        return;
      case 'tunnel':
        this.join(verdict);
    }
  }

  /** The client's 101 is written only when nothing that is published to its first channels can be missed. */
  private whenReady(
    route: Route,
    target: Target,
    { origin, channels, subscriptions = [] }: Extract<WebSocketVerdict, { kind: 'accept' }>,
    hold: () => void,
  ): void {
    const { door } = this;
    const names = (): string[] => {
      const named = this.gripFor(route) ? (channels?.() ?? []) : [];
      return [...target.options.subscriptions, ...subscriptions, ...named.map((name) => route.prefix + name)];
    };
    this.parts.holds.hub.ready(names, () => {
      if (door.gone) origin.gone();
      else hold();
    });
  }

  private hold(route: Route, target: Target, verdict: Extract<WebSocketVerdict, { kind: 'accept' }>): void {
    const { parts, door } = this;
    door.onGone = undefined;
    const grip = this.gripFor(route);
    const uri = ownText(this.uriText());
    // Without GRIP on the route its messages and control messages are the client's business (11.1).
    const prefix = grip && verdict.grip !== undefined ? prefixBytes(verdict.grip.prefix) : undefined;
    // A proxy in front of us does GRIP itself when the origin has agreed to it.
    const passesGrip = !grip && (this.trusted || offersGrip(this.request.headers));
    const extension = passesGrip && verdict.grip !== undefined ? gripExtension(verdict.grip) : undefined;
    const { hold, begin } = door.accept(
      { ...verdict, extension },
      new WebSocketTerms(
        parts,
        route,
        target,
        uri,
        prefix,
        this.debug,
        this.visit,
        verdict.terms ?? parts.websocket.terms,
      ),
    );
    this.countHeads(verdict);
    this.log({ kind: 'answered', code: 101, size: 0 });
    for (const channel of target.options.subscriptions) hold.subscribe(channel);
    for (const channel of verdict.subscriptions ?? []) hold.subscribe(channel);
    verdict.origin.attached(hold);
    begin();
  }

  /** Lets client and origin speak with each other. */
  private join({ reason, headers, socket, first }: Extract<WebSocketVerdict, { kind: 'tunnel' }>): void {
    const { door } = this;
    door.onGone = undefined;
    const client = door.handOver?.(reason, headers);
    if (client === undefined) {
      socket.destroy();
      return;
    }
    this.countHeads({ reason, headers });
    this.log({ kind: 'answered', code: 101, size: 0 });
    new RawWebSocket(this.parts.holds, client.socket, socket, this.visit).join(client, { socket, first });
  }

  /** What was said to the origin is much the same as what the client said. */
  private countHeads({ reason, headers }: { readonly reason: string; readonly headers: HeaderList }): void {
    const { visit } = this;
    if (visit === undefined) return;
    const answer = responseHeadBytes(101, reason, headers);
    visit.traffic.serverHeaderSent += this.requestHeadBytes();
    visit.traffic.serverHeaderReceived += answer;
    visit.traffic.clientHeaderSent += answer;
  }

  private countRefusal({ code, reason, headers, body }: CompleteResponse, own: boolean): void {
    const { visit } = this;
    if (visit === undefined) return;
    const head = responseHeadBytes(code, reason, own ? [] : headers);
    visit.traffic.clientHeaderSent += head;
    visit.traffic.clientContentSent += body.length;
    if (own) return;
    visit.traffic.serverHeaderSent += this.requestHeadBytes();
    visit.traffic.serverHeaderReceived += head;
    visit.traffic.serverContentReceived += body.length;
  }

  /** @param own - the answer is ours: it has no Content-Type (specification 3.2) and counts as an error */
  private refuse(response: CompleteResponse, own = true): void {
    if (own) this.parts.holds.counters.requestErrors += 1;
    this.countRefusal(response, own);
    this.door.reject(own ? { ...response, headers: [] } : response);
    this.log({ kind: 'answered', code: response.code, size: response.body.length });
  }

  private get debug(): boolean {
    return this.parts.settings.debug || this.route?.debug === true;
  }

  private uriText(): string {
    return clientUri(this.scheme, this.uri);
  }

  private log(result: RequestResult): void {
    const { request, scheme, uri, route, trusted } = this;
    logRequest(this.parts, { request, scheme, uri, route, target: this.tried.at(-1), trusted, retry: false, result });
    // One that is open goes on.
    if (result.kind === 'answered' && result.code === 101) this.visit?.end({ kind: 'accepted' });
    else this.visit?.end(result);
  }
}

/**
 * One HTTP request from its route to its answer or hold (specification 3 and 4).
 *
 *     routed ──► prefetching ──► asking target 1 ──cannot connect──► asking target 2 …
 *                                      │
 *                                      ├─ relay:    passed through as it comes
 *                                      ├─ answer:   a whole response
 *                                      ├─ instruct: answered, or held; a hold may start a new session ("retry")
 *                                      ├─ long-instruct: passed through, then held
 *                                      └─ failed:   502 and the like
 */
import { Judge } from '../backend/judge.js';
import type { AnswerCall, BodySource, Call, Verdict } from '../backend/verdict.js';
import { EVENTS_TYPE } from '../backend/websocket-over-http/response-headers.js';
import type { ClientRequest } from '../front/client-request.js';
import { isBodiless } from '../front/response-head.js';
import type { ClientExchange } from '../hold/client-connection.js';
import type { ResponseHoldOptions } from '../hold/response-hold.js';
import type { Visit } from '../observe/visit.js';
import { getHeader, hasHeader, parseFirstPlain } from '../protocol/headers.js';
import type { CompleteResponse, Instruct } from '../protocol/instruct.js';
import type { Route, Target } from '../routes/route.js';
import { askPinghub } from './ask-pinghub.js';
import { askTestBackend, type ClientAsk, keptLimit, prefetchLimit, sendClientRequest } from './client-ask.js';
import { JsonpExchange } from './dressed-exchange.js';
import {
  checkAnswer,
  EVENTS_NOT_ALLOWED,
  errorAnswer,
  failureAnswer,
  failureForLog,
  REQUEST_TOO_LARGE,
  ROUTE_NOT_FOUND,
} from './error-answers.js';
import { findRouteAgain } from './find-route.js';
import { firstBody } from './first-body.js';
import { channelNames, type HeldClient, holdResponse, holdStream } from './hold-client.js';
import { LateSink } from './late-sink.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';
import { Relay } from './relay.js';
import { ForwardedBody } from './request-body.js';
import { clientUri, logRequest, type RequestResult } from './request-log.js';
import { type RequestUri, requestUri } from './request-uri.js';
import { generalParts, partsFor } from './route-parts.js';
import type { SharedCall } from './shared-requests.js';

const NO_IDS: ReadonlyMap<string, string> = new Map();

/** What a retry takes over from the session that held the client. */
interface Retry {
  readonly body: Buffer;
  readonly lastIds: ReadonlyMap<string, string>;
}

/** What was found out about a request before it is served. */
export interface Admission {
  readonly route: Route | undefined;
  /** The client is a proxy we trust: GRIP is its business. */
  readonly trusted: boolean;
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
}

export class HttpSession {
  private readonly scheme: 'http' | 'https';
  private readonly tried: Target[] = [];
  private call: Call | undefined = undefined;
  private sent: AnswerCall | SharedCall | undefined = undefined;
  private body = ForwardedBody.none();
  private readonly parts: ProxyParts;

  constructor(
    parts: ProxyParts,
    private readonly request: ClientRequest,
    private readonly uri: RequestUri,
    private exchange: ClientExchange,
    private readonly admission: Admission,
    private readonly retry: Retry | undefined = undefined,
  ) {
    this.parts = partsFor(retry === undefined ? parts : generalParts(parts), admission.route);
    this.scheme = uri.secure ? 'https' : 'http';
  }

  start(): void {
    const { parts, request, exchange } = this;
    const { route } = this.admission;
    if (hasHeader(request.headers, 'pushpin-check')) {
      this.answer(checkAnswer());
      return;
    }
    if (route === undefined) {
      this.refuse(errorAnswer(502, ROUTE_NOT_FOUND));
      return;
    }
    if (exchange.gone) {
      // While its signature was checked.
      this.log({ kind: 'error' });
      return;
    }
    exchange.onGone = () => this.clientGone();
    if (this.retry !== undefined) {
      this.body = new ForwardedBody({ bytes: this.retry.body, complete: true }, undefined, this.retry.body.length);
      this.ask(route, 0);
    } else if (request.body === undefined) {
      this.ask(route, 0);
    } else {
      const source = request.body;
      const { settings } = parts;
      source.prefetch(prefetchLimit(settings, source.length), (prefetched) => {
        this.body = new ForwardedBody(prefetched, source, keptLimit(route, settings));
        this.ask(route, 0);
      });
    }
  }

  private ask(route: Route, index: number): void {
    const target = route.targets[index];
    if (target === undefined) return;
    this.tried.push(target);
    if (target.options.overHttp && !this.admission.trusted && this.carriesEvents()) {
      this.refuse(errorAnswer(403, EVENTS_NOT_ALLOWED));
      return;
    }
    const decide = (verdict: Verdict): void => this.decide(route, target, index, verdict);
    if (target.kind === 'test' || target.kind === 'pinghub') {
      this.body.complete((body) => {
        if (this.exchange.gone) return;
        if (target.kind === 'test') decide(askTestBackend(route, this.uri, body, this.gripFor(route)));
        else askPinghub(this.parts, { route, target, request: this.request, uri: this.uri, body }, decide);
      });
      return;
    }
    const backend = this.parts.backendFor(target);
    if (backend === undefined) {
      decide({ kind: 'failed', failure: { kind: 'unreachable' } });
      return;
    }
    const { maxInstructBytes } = this.parts.settings;
    const judge = new Judge({ grip: this.gripFor(route), maxInstructBytes, verdict: decide });
    this.call = judge;
    const signature = this.gripFor(route) ? signatureFor(this.parts, route) : undefined;
    const send = (token: string | undefined): void => {
      if (this.exchange.gone) return;
      this.sent = sendClientRequest(this.parts, backend, this.asked(route, target, token), judge);
      judge.attach(this.sent);
    };
    if (signature === undefined) send(undefined);
    else signature.then(send, () => send(undefined));
  }

  private asked(route: Route, target: Target, signature: string | undefined): ClientAsk {
    const { request, uri, scheme, body, retry } = this;
    const { trusted, visit } = this.admission;
    const lastIds = retry?.lastIds ?? NO_IDS;
    const grip = this.gripFor(route);
    return { request, uri, scheme, route, target, trusted, grip, signature, lastIds, body, visit };
  }

  private decide(route: Route, target: Target, index: number, verdict: Verdict): void {
    if (this.exchange.gone) return;
    switch (verdict.kind) {
      case 'answer':
        this.answer(verdict.response);
        return;
      case 'relay': {
        const { code, reason, headers, length, body } = verdict;
        const wrapped = this.exchange instanceof JsonpExchange;
        const relay = new Relay(this.exchange, { code, reason, headers }, length, body, wrapped, (complete) => {
          if (!complete) this.parts.holds.counters.originFailures += 1;
          this.log(complete ? this.answered(code, relay.size) : { kind: 'error' });
        });
        return;
      }
      case 'instruct':
        this.accept(route, verdict.instruct);
        return;
      case 'long-instruct':
        this.acceptLong(route, verdict.instruct, verdict.body);
        return;
      case 'failed': {
        const { failure } = verdict;
        const { counters, log } = this.parts.holds;
        counters.originFailures += 1;
        if (failure.kind === 'connect' && index + 1 < route.targets.length) {
          log.debug(`target ${target.name} cannot be connected to, trying the next`);
          this.ask(route, index + 1);
          return;
        }
        log.debug(`${this.uriText()}: ${failureForLog(failure, this.tried)}`);
        this.refuse(failureAnswer(failure, this.tried, this.debug));
      }
    }
  }

  private accept(route: Route, instruct: Instruct): void {
    if (instruct.hold === undefined && instruct.nextLink === undefined) {
      this.answerFiltered(instruct);
      return;
    }
    this.body.complete((body) => {
      if (this.exchange.gone) return;
      if (body === undefined) this.refuse(errorAnswer(400, REQUEST_TOO_LARGE));
      else this.whenReady(route, instruct, () => this.hold(route, instruct, body));
    });
  }

  /** The client's head is written only when nothing that is published to its channels can be missed. */
  private whenReady(route: Route, instruct: Instruct, run: () => void): void {
    const { exchange, parts } = this;
    const target = this.tried.at(-1);
    if (target === undefined) return;
    parts.holds.hub.ready(
      () => channelNames({ parts, route, target }, instruct),
      () => {
        if (!exchange.gone) run();
      },
    );
  }

  /** @param request - body of the client's request */
  private hold(route: Route, instruct: Instruct, request: Buffer): void {
    if (instruct.hold !== 'response') {
      if (this.exchange instanceof JsonpExchange) this.exchange = this.exchange.forStreams;
      this.exchange.begin(instruct.response, undefined);
      if (this.endedWithHead(instruct)) return;
      const body = firstBody(instruct);
      if (body.kind === 'rendered') {
        this.exchange.write(body.content);
        this.holdStream(route, instruct);
      } else {
        this.endWithError(body.detail);
      }
    } else this.holdResponse(route, instruct, request);
  }

  /** The answer to a HEAD and a status without a body are whole with their head: nothing is left to hold. */
  private endedWithHead({ response }: Instruct): boolean {
    const { exchange } = this;
    if (exchange.framing !== 'none') return false;
    this.call?.cancel();
    exchange.end();
    this.log(this.answered(response.code, 0));
    return true;
  }

  /** A plain response, after the filters of the channels that are named all the same. */
  private answerFiltered(instruct: Instruct): void {
    const body = firstBody(instruct);
    if (body.kind === 'rendered') this.answer({ ...instruct.response, body: body.content });
    else this.refuse(failureAnswer({ kind: 'instruct-invalid', detail: body.detail }, this.tried, this.debug));
  }

  /** Ends a stream whose head is on its way (specification 4.11). */
  private endWithError(text: string): void {
    this.parts.holds.log.debug(`${this.uriText()}: ${text}`);
    if (this.debug) this.exchange.write(Buffer.from(`\n\n${text}\n`));
    this.exchange.end();
    this.log({ kind: 'error' });
  }

  /** A first body of any length goes through as it comes; the hold begins when it has ended. */
  private acceptLong(route: Route, instruct: Instruct, source: BodySource): void {
    if (this.exchange instanceof JsonpExchange) this.exchange = this.exchange.forStreams;
    const { exchange } = this;
    const late = new LateSink(source);
    this.whenReady(route, instruct, () => {
      exchange.begin(instruct.response, undefined);
      if (this.endedWithHead(instruct)) return;
      exchange.onDrain = () => source.resume();
      late.open({
        write: (chunk) => exchange.write(chunk),
        end: () => {
          exchange.onDrain = undefined;
          this.holdStream(route, instruct);
        },
        fail: () => {
          this.parts.holds.counters.originFailures += 1;
          exchange.abort();
          this.log({ kind: 'error' });
        },
      });
    });
    source.pipe(late);
  }

  /** The answer has begun; what comes now is the hold. */
  private holdStream(route: Route, instruct: Instruct): void {
    const client = this.releasedClient(route);
    if (client !== undefined) holdStream(client, instruct);
  }

  private holdResponse(route: Route, instruct: Instruct, body: Buffer): void {
    // Taken out of the session, so that the hold keeps what a retry needs and not all that the first try left.
    const { exchange, parts, request, admission } = this;
    const client = this.releasedClient(route);
    if (client !== undefined) holdResponse(client, instruct, retryOf(parts, request, exchange, admission, body));
  }

  /** Lets go of the request: from here on the client is a hold's. */
  private releasedClient(route: Route): HeldClient | undefined {
    const { exchange, parts, debug } = this;
    const target = this.tried.at(-1);
    if (target === undefined) return undefined;
    exchange.onGone = undefined;
    exchange.release();
    this.log({ kind: 'accepted' });
    const { visit } = this.admission;
    return { parts, exchange, route, target, uri: this.uriText(), debug, retried: this.retry !== undefined, visit };
  }

  private answer(response: CompleteResponse): void {
    this.exchange.answer(response);
    this.log(this.answered(response.code, response.body.length));
  }

  private refuse(response: CompleteResponse): void {
    this.parts.holds.counters.requestErrors += 1;
    this.answer(response);
  }

  /** @param size - bytes of the body that the exchange was given */
  private answered(code: number, size: number): RequestResult {
    const { exchange } = this;
    const written = exchange instanceof JsonpExchange ? exchange.size : isBodiless(code) ? 0 : size;
    return { kind: 'answered', code, size: exchange.framing === 'none' ? 0 : written };
  }

  private clientGone(): void {
    this.call?.cancel();
    this.log({ kind: 'error' });
  }

  /** Whether GRIP is ours to do for this request. */
  private gripFor(route: Route): boolean {
    return route.grip && !this.admission.trusted;
  }

  private get debug(): boolean {
    return this.parts.settings.debug || this.admission.route?.debug === true;
  }

  /** Clients may not speak WebSocket-over-HTTP to an origin that trusts us to do it. */
  private carriesEvents(): boolean {
    const type = getHeader(this.request.headers, 'content-type');
    return type !== undefined && parseFirstPlain(type)?.first === EVENTS_TYPE;
  }

  private uriText(): string {
    return clientUri(this.scheme, this.uri);
  }

  private log(result: RequestResult): void {
    const { request, scheme, uri } = this;
    const { route, trusted, visit } = this.admission;
    const target = this.tried.at(-1);
    const retry = this.retry !== undefined;
    const { sent } = this;
    const shared = sent !== undefined && 'sharedAs' in sent ? sent.sharedAs : undefined;
    logRequest(this.parts, { request, scheme, uri, route, target, trusted, retry, shared, result });
    visit?.end(result);
  }
}

function retryOf(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  admission: Admission,
  body: Buffer,
): ResponseHoldOptions['retry'] {
  return (lastIds) => {
    if (exchange instanceof JsonpExchange) exchange.startAnew();
    const { route, trusted, visit } = admission;
    const uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
    // Routes are found by what the client itself has asked for.
    const place = { ...uri, ...uri.asked };
    const now = { route: route && findRouteAgain(parts, route, place), trusted, visit };
    new HttpSession(parts, request, uri, exchange, now, { body, lastIds }).start();
  };
}

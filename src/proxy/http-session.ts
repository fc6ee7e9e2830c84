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
import { Judge, judgeComplete } from '../backend/judge.js';
import { originHeaders } from '../backend/request-headers.js';
import { testResponse } from '../backend/test-backend.js';
import type { BodySource, Call, OriginRequest, Verdict } from '../backend/verdict.js';
import { EVENTS_TYPE } from '../backend/websocket-over-http/response-headers.js';
import type { ClientRequest } from '../front/client-request.js';
import type { ClientExchange } from '../hold/client-connection.js';
import type { ResponseHoldOptions } from '../hold/response-hold.js';
import { parseFilters } from '../protocol/filters/filters.js';
import { filterResponseBody } from '../protocol/filters/response-content.js';
import { getHeader, hasHeader, parseFirstPlain } from '../protocol/headers.js';
import { type CompleteResponse, type Instruct, isGripResponse } from '../protocol/instruct.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
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
import { type HeldClient, holdResponse, holdStream } from './hold-client.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';
import { Relay } from './relay.js';
import { ForwardedBody } from './request-body.js';
import { clientUri, logRequest, type RequestResult } from './request-log.js';
import { type RequestUri, requestUri } from './request-uri.js';

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
}

export class HttpSession {
  private readonly uri: RequestUri;
  private readonly scheme: 'http' | 'https';
  private readonly tried: Target[] = [];
  private call: Call | undefined = undefined;
  private body = ForwardedBody.none();

  constructor(
    private readonly parts: ProxyParts,
    private readonly request: ClientRequest,
    private exchange: ClientExchange,
    private readonly admission: Admission,
    private readonly retry: Retry | undefined = undefined,
  ) {
    this.uri = requestUri(request, parts.settings.acceptXForwardedProtocol);
    this.scheme = this.uri.secure ? 'https' : 'http';
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
    exchange.onGone = () => this.clientGone();
    if (this.retry !== undefined) {
      this.body = new ForwardedBody({ bytes: this.retry.body, complete: true }, undefined, this.retry.body.length);
      this.ask(route, 0);
    } else if (request.body === undefined) {
      this.ask(route, 0);
    } else {
      const source = request.body;
      const { prefetchBytes, maxAcceptRequestBytes } = parts.settings;
      // The built-in backend reads the whole body before it answers.
      const limit = route.targets[0]?.kind === 'test' ? maxAcceptRequestBytes + 1 : prefetchBytes;
      source.prefetch(limit, (prefetched) => {
        this.body = new ForwardedBody(prefetched, source, parts.settings.maxAcceptRequestBytes);
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
    if (target.kind === 'test') {
      decide(this.askTest(route));
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
    this.parts.holds.counters.originRequests += 1;
    const signature = this.gripFor(route) ? signatureFor(this.parts, route) : undefined;
    const send = (token: string | undefined): void => {
      if (this.exchange.gone) return;
      judge.attach(backend.send(this.originRequest(route, target, token), target, judge));
    };
    if (signature === undefined) send(undefined);
    else signature.then(send, () => send(undefined));
  }

  /** The built-in backend: an answer without a network. */
  private askTest(route: Route): Verdict {
    if (this.body.whole() === undefined) return { kind: 'answer', response: errorAnswer(400, 'request too large') };
    const { path } = rewriteRequest(route, this.uri.authority, this.uri.path);
    const response = testResponse({ path, query: this.uri.query.slice(1), pathBeg: route.pathBeg });
    return this.gripFor(route) && isGripResponse(response.headers)
      ? judgeComplete(response)
      : { kind: 'answer', response };
  }

  private originRequest(route: Route, target: Target, signature: string | undefined): OriginRequest {
    const { uri, request } = this;
    const { host, path } = rewriteRequest(route, uri.authority, uri.path);
    return {
      method: request.method,
      scheme: target.options.ssl ? 'https' : 'http',
      authority: target.options.host ?? host,
      path: path + uri.query,
      headers: originHeaders(request.headers, this.parts.settings, {
        routeHeaders: route.headers,
        origHeaders: route.origHeaders,
        grip: this.gripFor(route),
        trusted: this.admission.trusted,
        signature,
        lastIds: this.retry?.lastIds ?? new Map(),
        scheme: this.scheme,
        peerAddress: request.peerAddress,
      }),
      body: this.body.toSend(),
    };
  }

  private decide(route: Route, target: Target, index: number, verdict: Verdict): void {
    if (this.exchange.gone) return;
    switch (verdict.kind) {
      case 'answer':
        this.answer(verdict.response);
        return;
      case 'relay': {
        const { code, reason, headers, length, body } = verdict;
        const relay = new Relay(this.exchange, { code, reason, headers }, length, body, (complete) => {
          if (!complete) this.parts.holds.counters.originFailures += 1;
          this.log(complete ? { kind: 'answered', code, size: relay.size } : { kind: 'error' });
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
    const body = this.body.whole();
    if (body === undefined) {
      this.refuse(errorAnswer(400, REQUEST_TOO_LARGE));
      return;
    }
    if (instruct.hold !== 'response') {
      if (this.exchange instanceof JsonpExchange) this.exchange = this.exchange.forStreams;
      this.exchange.begin(instruct.response, undefined);
      const body = firstBody(instruct);
      if (body.kind === 'rendered') {
        this.exchange.write(body.content);
        this.holdStream(route, instruct);
      } else {
        this.endWithError(body.detail);
      }
    } else this.holdResponse(route, instruct, body);
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
    exchange.begin(instruct.response, undefined);
    exchange.onDrain = () => source.resume();
    source.pipe({
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
    return { parts, exchange, route, target, uri: this.uriText(), debug, retried: this.retry !== undefined };
  }

  private answer(response: CompleteResponse): void {
    this.exchange.answer(response);
    this.log({ kind: 'answered', code: response.code, size: response.body.length });
  }

  private refuse(response: CompleteResponse): void {
    this.parts.holds.counters.requestErrors += 1;
    this.answer(response);
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
    const { route } = this.admission;
    const target = this.tried.at(-1);
    logRequest(this.parts, { request, scheme, uri, route, target, retry: this.retry !== undefined, result });
  }
}

function retryOf(
  parts: ProxyParts,
  request: ClientRequest,
  exchange: ClientExchange,
  admission: Admission,
  body: Buffer,
): ResponseHoldOptions['retry'] {
  return (lastIds) => new HttpSession(parts, request, exchange, admission, { body, lastIds }).start();
}

/** The body of an instruct after the filters that work on it; `detail` is the text of the error. */
function firstBody({
  channels,
  meta,
  response,
}: Instruct): { kind: 'rendered'; content: Buffer } | { kind: 'error'; detail: string } {
  const stacks = channels.map(({ filters }) => parseFilters(filters));
  const rendered = filterResponseBody(stacks, meta, response.body);
  return rendered.kind === 'error' ? { kind: 'error', detail: `filter error: ${rendered.detail}` } : rendered;
}

/**
 * One request of ours on behalf of a held client: for a next link, an HTTP filter or a gone link (specification 4.10,
 * 4.13, 6.3). It goes the way of the client's own requests when it leads to the same place, straight to the host it
 * names otherwise; none of the client's headers go along.
 */
import { sendObserved } from '../backend/observed-call.js';
import { originHeaders } from '../backend/request-headers.js';
import { testResponse } from '../backend/test-backend.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from '../backend/verdict.js';
import type { Visit } from '../observe/visit.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import { errorAnswer, ROUTE_NOT_FOUND } from './error-answers.js';
import { findRouteAgain } from './find-route.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';
import { logSubrequest } from './request-log.js';

/** The client on whose behalf it is made. */
export interface Behalf {
  /** The route it came by; what is asked later goes by the one that has its place then. */
  readonly route: Route;
  /** The target that answered the client; a direct request is trusted as far as it is. */
  readonly target: Target;
  /** The client's URI. */
  readonly uri: string;
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
}

export interface SubrequestLine {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** Through the client's route, with its targets and its rewriting; otherwise to the host of the URL. */
  readonly internal: boolean;
  /** Last id by channel name as the origin knows it. */
  readonly lastIds: ReadonlyMap<string, string>;
  /** Besides those that every request to an origin gets. */
  readonly headers?: HeaderList;
  readonly body?: Buffer;
  /** Number of the answer, while more than one client gets it. */
  readonly sharedAs?: () => number | undefined;
}

const NOTHING = Buffer.alloc(0);

/** Whether a link leads to where the client's own requests go. */
export function isInternal(url: URL, { route, uri }: Behalf): boolean {
  return url.origin === new URL(uri).origin && url.pathname.startsWith(route.pathBeg);
}

/** The route of a request that is made now; undefined: none any more. A direct one is signed as the client's was. */
export function routeNow(parts: ProxyParts, { route }: Behalf, url: URL, internal: boolean): Route | undefined {
  if (!internal) return route;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return findRouteAgain(parts, route, { secure: url.protocol === 'https:', host, path: url.pathname });
}

/** Sends it; the receiver hears of it later, never before this returns. */
export function sendSubrequest(
  parts: ProxyParts,
  behalf: Behalf,
  line: SubrequestLine,
  receiver: AnswerReceiver,
): AnswerCall {
  const subrequest = new Subrequest(parts, behalf, line, receiver);
  subrequest.start();
  return subrequest;
}

class Subrequest implements AnswerCall, AnswerReceiver {
  private readonly route: Route;
  /** None when the client's route is no longer there. */
  private readonly targets: readonly Target[];
  private readonly visit: Visit | undefined;
  private tried = 0;
  private call: AnswerCall | undefined = undefined;
  private over = false;
  private code = 0;
  private size = 0;

  constructor(
    private readonly parts: ProxyParts,
    behalf: Behalf,
    private readonly line: SubrequestLine,
    private readonly receiver: AnswerReceiver,
  ) {
    const route = routeNow(parts, behalf, line.url, line.internal);
    this.route = route ?? behalf.route;
    this.visit = behalf.visit;
    this.targets = line.internal ? (route?.targets ?? []) : [directTarget(line.url, behalf.target)];
  }

  start(): void {
    if (this.targets.length === 0) {
      queueMicrotask(() => this.answer(errorAnswer(502, ROUTE_NOT_FOUND)));
      return;
    }
    const signature = signatureFor(this.parts, this.route);
    if (signature === undefined) queueMicrotask(() => this.ask(undefined));
    else
      signature.then(
        (token) => this.ask(token),
        () => this.ask(undefined),
      );
  }

  resume(): void {
    this.call?.resume();
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.call?.cancel();
    // A receiver that wants no more of such an answer has seen what it is.
    this.log(this.code !== 0 && !isSuccess(this.code));
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.over) return;
    this.code = code;
    this.receiver.head(code, reason, headers);
  }

  data(chunk: Buffer): boolean {
    if (this.over) return true;
    this.size += chunk.length;
    return this.receiver.data(chunk);
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.log(true);
    this.receiver.end();
  }

  failed(failure: Failure): void {
    if (this.over) return;
    if (failure.kind === 'connect' && this.tried < this.targets.length) {
      this.start();
      return;
    }
    this.over = true;
    this.parts.holds.counters.originFailures += 1;
    this.log(false);
    this.receiver.failed(failure);
  }

  private ask(signature: string | undefined): void {
    const target = this.targets[this.tried];
    if (target === undefined || this.over) return;
    this.tried += 1;
    if (target.kind === 'test') {
      this.askTest();
      return;
    }
    const backend = this.parts.backendFor(target);
    if (backend === undefined) {
      this.failed({ kind: 'unreachable' });
      return;
    }
    this.parts.holds.counters.originRequests += 1;
    const { visit } = this;
    const way = { backend, target, visit, purpose: 'subrequest' } as const;
    this.call = sendObserved(way, this.request(target, signature), this);
  }

  /** The built-in backend: an answer without a network. */
  private askTest(): void {
    const { route } = this;
    const { url } = this.line;
    const { path } = rewriteRequest(route, url.host, url.pathname);
    this.answer(testResponse({ path, query: url.search.slice(1), pathBeg: route.pathBeg }));
  }

  /** Answers without a network. */
  private answer({ code, reason, headers, body }: CompleteResponse): void {
    this.head(code, reason, headers);
    this.data(body);
    this.end();
  }

  private request(target: Target, signature: string | undefined): OriginRequest {
    const { route } = this;
    const { method, url, internal, lastIds, headers = [], body = NOTHING } = this.line;
    const to = internal ? rewriteRequest(route, url.host, url.pathname) : { host: url.host, path: url.pathname };
    return {
      method,
      scheme: target.options.ssl ? 'https' : 'http',
      authority: target.options.host ?? to.host,
      path: to.path + url.search,
      headers: originHeaders(headers, this.parts.settings, {
        // They may hold secrets that are the route's own origin's.
        routeHeaders: internal ? route.headers : [],
        origHeaders: false,
        grip: route.grip,
        signature,
        lastIds,
        scheme: url.protocol === 'https:' ? 'https' : 'http',
        peer: undefined,
      }),
      body,
    };
  }

  private log(complete: boolean): void {
    const { method, url, lastIds, sharedAs } = this.line;
    logSubrequest(this.parts, {
      method,
      uri: url.href,
      target: this.targets[this.tried - 1],
      route: this.route,
      result: complete ? { kind: 'answered', code: this.code, size: this.size } : { kind: 'error' },
      shared: sharedAs?.(),
      lastIds,
    });
  }
}

export function isSuccess(code: number): boolean {
  return code >= 200 && code <= 299;
}

/** The host a URL names, as a target. @param like - it is trusted as far as this one; undefined: it is the operator's own */
export function directTarget(url: URL, like: Target | undefined): Target {
  const ssl = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (ssl ? 443 : 80) : Number(url.port);
  return {
    kind: 'origin',
    name: url.host,
    host,
    port,
    options: {
      ssl,
      untrusted: like?.options.untrusted === true,
      trustConnectHost: false,
      insecure: false,
      host: undefined,
      subscriptions: [],
      overHttp: false,
      oneEvent: false,
      ipcFileMode: undefined,
      clientCert: undefined,
      clientKey: undefined,
    },
  };
}

/**
 * The question whether a request may come in, put to a service of the operator's before any target is asked (pinghub
 * specification 10). It sees the client's own headers, the original URI and the original method; 204 lets the request
 * through, with another path where `X-Rewrite` names one, 403 keeps it out, and anything else is a fault of ours.
 *
 *     asking ──204──► let through     asking ──403──► forbidden     asking ──anything else, no answer──► 500
 */
import { sendObserved } from '../backend/observed-call.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from '../backend/verdict.js';
import type { ClientRequest } from '../front/client-request.js';
import type { Visit } from '../observe/visit.js';
import { getHeader, type HeaderList, withoutHeaders } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { Route } from '../routes/route.js';
import { Timed } from '../time/wheel.js';
import { errorAnswer } from './error-answers.js';
import type { ProxyParts } from './proxy-parts.js';
import type { RequestUri } from './request-uri.js';
import { directTarget } from './subrequest.js';

/** Milliseconds that an answer may take. */
const TIMEOUT = 60_000;
const NOTHING = Buffer.alloc(0);

/** Of the client's request: they speak of its body and its connection, or could be taken for ours. Lower case. */
const NOT_ASKED_WITH = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
  'x-original-method',
  'x-original-uri',
]);
/** Target of a request that `X-Rewrite` may name: a path, and perhaps a query. */
const REWRITTEN = /^\/[!-~\x80-\xff]*$/;

/** The front of a target in absolute form. */
const HOST_IN_TARGET = /^[A-Za-z]+:\/\/[^/?#]*/;

export type Authorization =
  /** The request as it goes on. */
  | { readonly kind: 'allowed'; readonly request: ClientRequest }
  | { readonly kind: 'refused'; readonly response: CompleteResponse };

export interface Question {
  cancel(): void;
}

/**
 * Asks for a route that wants it. `done` is called once, not after `cancel`, and never before this returns.
 * @param auth - URL of the service
 */
export function authorize(
  parts: ProxyParts,
  { route, auth, visit }: { readonly route: Route; readonly auth: string; readonly visit: Visit | undefined },
  request: ClientRequest,
  uri: RequestUri,
  done: (result: Authorization) => void,
): Question {
  const asking = new Asking(parts, route, visit, request, done);
  asking.start(new URL(auth), uri);
  return asking;
}

class Asking extends Timed implements AnswerReceiver, Question {
  private call: AnswerCall | undefined = undefined;
  private over = false;

  constructor(
    private readonly parts: ProxyParts,
    private readonly route: Route,
    private readonly visit: Visit | undefined,
    private readonly request: ClientRequest,
    private readonly done: (result: Authorization) => void,
  ) {
    super();
  }

  start(url: URL, { authority }: RequestUri): void {
    const target = directTarget(url, undefined);
    const backend = this.parts.backendFor(target);
    if (backend === undefined) return;
    const headers: HeaderList = [
      ...withoutHeaders(this.request.headers, NOT_ASKED_WITH),
      ['X-Original-URI', this.request.target.replace(HOST_IN_TARGET, '') || '/'],
      ['X-Original-Method', this.request.method],
    ];
    const ask: OriginRequest = {
      method: 'GET',
      scheme: target.options.ssl ? 'https' : 'http',
      authority,
      path: url.pathname + url.search,
      headers,
      body: NOTHING,
    };
    this.parts.holds.counters.originRequests += 1;
    this.parts.holds.wheel.start(this, TIMEOUT);
    this.call = sendObserved({ backend, target, visit: this.visit, purpose: 'subrequest' }, ask, this);
  }

  cancel(): void {
    if (!this.finish()) return;
    this.call?.cancel();
  }

  head(code: number, _reason: string, headers: HeaderList): void {
    if (!this.finish()) return;
    // What it has to say besides is not wanted; after a 204 there is nothing, and the connection can be used again.
    if (code !== 204) this.call?.cancel();
    this.done(this.judge(code, getHeader(headers, 'x-rewrite')));
  }

  data(): boolean {
    return true;
  }

  end(): void {}

  failed(failure: Failure): void {
    if (this.finish()) this.done(this.fault(troubleOf(failure)));
  }

  onTime(): void {
    if (!this.finish()) return;
    this.call?.cancel();
    this.done(this.fault(`did not answer for ${TIMEOUT / 1_000} seconds`));
  }

  private judge(code: number, rewrite: string | undefined): Authorization {
    if (code === 403) return { kind: 'refused', response: errorAnswer(403, 'Forbidden') };
    if (code !== 204) return this.fault(`answered ${code}, neither 204 nor 403`);
    if (rewrite === undefined || rewrite === '') return { kind: 'allowed', request: this.request };
    if (!REWRITTEN.test(rewrite)) return this.fault('named something else than a path in X-Rewrite');
    const { request } = this;
    return { kind: 'allowed', request: { ...request, target: this.rewritten(rewrite), askedFor: request.target } };
  }

  /** The query stays, unless the new path has its own. */
  private rewritten(path: string): string {
    const { target } = this.request;
    const [host = ''] = HOST_IN_TARGET.exec(target) ?? [];
    const mark = target.indexOf('?');
    const query = path.includes('?') || mark < 0 ? '' : target.slice(mark);
    return host + path + query;
  }

  private fault(what: string): Authorization {
    const { holds } = this.parts;
    const { file, line } = this.route.source;
    const { auth } = this.route;
    holds.counters.requestErrors += 1;
    holds.warnings.warn(`auth ${auth} ${what}`, `the auth service ${auth} (${file}:${line}) ${what}: answering 500`);
    return { kind: 'refused', response: errorAnswer(500, 'Internal Server Error') };
  }

  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.parts.holds.wheel.stop(this);
    return true;
  }
}

/** Why there is no answer, for the log. */
function troubleOf(failure: Failure): string {
  switch (failure.kind) {
    case 'connect':
      return `cannot be reached (${failure.detail ?? 'refused'})`;
    case 'other':
      if (failure.timedOut === true) return 'was silent for too long';
      return failure.disconnected === true ? 'broke off before it had answered' : `gave no answer: ${failure.detail}`;
    default:
      return `cannot be reached (${failure.kind})`;
  }
}

/**
 * One question to an HTTP filter (specification 6.3): waits until its URL may be asked, asks, and judges the answer.
 *
 *     waiting ──its turn──► asking ──answer, too much of it, failure, time up──► over (verdict)
 *        └────────────────────┴──cancel()──► over (no verdict)
 */
import type { AnswerCall, AnswerReceiver, ConnectTrouble, Failure } from '../backend/verdict.js';
import type { HttpFilterName } from '../protocol/filters/filters.js';
import {
  HTTP_FILTER_BODY_MAX,
  HTTP_FILTER_TIMEOUT,
  type HttpFilterFailure,
  type HttpFilterRequest,
  judgeHttpFilterAnswer,
  judgeHttpFilterFailure,
} from '../protocol/filters/http-filter.js';
import type { FilterVerdict } from '../protocol/filters/message-filters.js';
import type { HeaderList } from '../protocol/headers.js';
import { Timed } from '../time/wheel.js';
import type { ProxyParts } from './proxy-parts.js';
import { type Behalf, sendSubrequest } from './subrequest.js';

const CONNECT_FAILURES: Readonly<Record<ConnectTrouble, HttpFilterFailure>> = {
  refused: 'connection-refused',
  'timed-out': 'connection-timed-out',
  tls: 'tls-error',
};

export interface FilterQuestion {
  readonly filter: HttpFilterName;
  readonly request: HttpFilterRequest;
  /** Of the item, as the filters before this one left it. */
  readonly content: Buffer;
}

export class FilterRequest extends Timed implements AnswerReceiver {
  private turn: { cancel(): void } | undefined = undefined;
  private call: AnswerCall | undefined = undefined;
  private over = false;
  private code = 0;
  private headers: HeaderList = [];
  private readonly chunks: Buffer[] = [];
  private size = 0;

  /** @param done - called once; not after `cancel` */
  constructor(
    private readonly parts: ProxyParts,
    private readonly behalf: Behalf,
    private readonly question: FilterQuestion,
    private readonly done: (verdict: FilterVerdict) => void,
  ) {
    super();
  }

  start(): void {
    this.turn = this.parts.filterRate.enter(this.question.request.url.href, () => this.ask());
  }

  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.turn?.cancel();
    this.parts.holds.wheel.stop(this);
    this.call?.cancel();
  }

  head(code: number, _reason: string, headers: HeaderList): void {
    this.code = code;
    this.headers = headers;
  }

  data(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > HTTP_FILTER_BODY_MAX) {
      this.call?.cancel();
      this.judge();
    }
    return true;
  }

  end(): void {
    this.judge();
  }

  failed(failure: Failure): void {
    this.finish(judgeHttpFilterFailure(filterFailureOf(failure)));
  }

  onTime(): void {
    this.call?.cancel();
    this.finish(judgeHttpFilterFailure('request-timed-out'));
  }

  private ask(): void {
    const { url, lastIds, headers, body, ...request } = this.question.request;
    // What the route does to paths makes sense only for those it is for.
    const internal = request.internal && url.pathname.startsWith(this.behalf.route.pathBeg);
    this.parts.holds.wheel.start(this, HTTP_FILTER_TIMEOUT);
    this.call = sendSubrequest(
      this.parts,
      this.behalf,
      { method: 'POST', url, internal, lastIds, headers, body },
      this,
    );
  }

  private judge(): void {
    const { filter, content } = this.question;
    const body = Buffer.concat(this.chunks);
    this.finish(judgeHttpFilterAnswer(filter, { code: this.code, headers: this.headers, body }, content));
  }

  private finish(verdict: FilterVerdict): void {
    if (this.over) return;
    this.over = true;
    this.parts.holds.wheel.stop(this);
    this.done(verdict);
  }
}

function filterFailureOf(failure: Failure): HttpFilterFailure {
  if (failure.kind === 'connect') return failure.detail === undefined ? 'other' : CONNECT_FAILURES[failure.detail];
  return failure.kind === 'other' && failure.disconnected === true ? 'disconnected' : 'other';
}

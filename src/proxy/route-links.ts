/** What held clients ask of their origin besides their own requests: next links, and HTTP filters (specification 4.10, 6.3). */
import type { AnswerCall, AnswerReceiver } from '../backend/verdict.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { LinkCall, LinkReceiver, LinkSource } from '../hold/next-link.js';
import type { HttpFilterName } from '../protocol/filters/filters.js';
import { httpFilterRequest } from '../protocol/filters/http-filter.js';
import type { FilterInput, FilterVerdict } from '../protocol/filters/message-filters.js';
import type { HeaderList } from '../protocol/headers.js';
import { parseInstruct } from '../protocol/instruct.js';
import { FilterRequest } from './filter-request.js';
import type { ProxyParts } from './proxy-parts.js';
import { type Behalf, isInternal, isSuccess, routeNow, sendSubrequest } from './subrequest.js';

const NOTHING = Buffer.alloc(0);

export class RouteLinks implements LinkSource {
  /** @param queryCounts - links that differ in their query are never fetched as one */
  constructor(
    private readonly parts: ProxyParts,
    private readonly behalf: Behalf,
    private readonly queryCounts = false,
  ) {}

  resolve(link: string, base: string): string | undefined {
    if (!URL.canParse(link, base)) return undefined;
    const url = new URL(link, base);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  }

  open(uri: string, lastIds: ReadonlyMap<string, string>, receiver: LinkReceiver): LinkCall {
    const { parts, behalf } = this;
    const url = new URL(uri);
    const internal = isInternal(url, behalf);
    const line = { method: 'GET', url, internal, lastIds } as const;
    const route = routeNow(parts, behalf, url, internal) ?? behalf.route;
    const answer = new LinkAnswer(receiver);
    const key = linkKey(url, lastIds, behalf, this.queryCounts);
    const call = parts.shared.join(route, key, answer, (shared, sharedAs) =>
      sendSubrequest(parts, behalf, { ...line, sharedAs }, shared),
    );
    answer.attach(call);
    return call;
  }

  askFilter(
    filter: HttpFilterName,
    input: FilterInput,
    currentUri: string,
    done: (verdict: FilterVerdict) => void,
  ): { cancel(): void } {
    const asked = httpFilterRequest(filter, input, currentUri, this.behalf.uri);
    if (asked.kind === 'error') return later(() => done(asked));
    const { request } = asked;
    const question = new FilterRequest(this.parts, this.behalf, { filter, request, content: input.content }, done);
    question.start();
    return question;
  }
}

/**
 * Which fetches are one: those with the same last ids, whatever their query (specification 3.12). Without any last id
 * only the query tells one page from another, and it counts.
 */
function linkKey(url: URL, lastIds: ReadonlyMap<string, string>, { target }: Behalf, queryCounts: boolean): string {
  const query = queryCounts || lastIds.size === 0 ? url.search : '';
  const ids = [...lastIds].map(([channel, id]) => `${channel}; last-id=${id}`).sort();
  return JSON.stringify(['auto', url.origin + url.pathname + query, target.options.untrusted, ...ids]);
}

function later(run: () => void): { cancel(): void } {
  let open = true;
  queueMicrotask(() => {
    if (open) run();
  });
  return {
    cancel: () => {
      open = false;
    },
  };
}

/** The answer to a link, read as what it says to the stream. */
class LinkAnswer implements AnswerReceiver {
  private call: AnswerCall | undefined = undefined;
  private over = false;

  constructor(private readonly receiver: LinkReceiver) {}

  attach(call: AnswerCall): void {
    this.call = call;
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (!isSuccess(code)) {
      this.giveUp();
      this.receiver.failed(code);
      return;
    }
    try {
      // The body is the client's, not the instruct's: an instruct in JSON cannot come this way.
      this.receiver.opened(parseInstruct({ code, reason, headers, body: NOTHING }));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.giveUp();
      this.receiver.refused(error.message);
    }
  }

  data(chunk: Buffer): boolean {
    return this.over || this.receiver.data(chunk);
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.receiver.ended();
  }

  failed(): void {
    if (this.over) return;
    this.over = true;
    this.receiver.failed();
  }

  private giveUp(): void {
    this.over = true;
    this.call?.cancel();
  }
}

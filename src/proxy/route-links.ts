/**
 * Fetches next links for held streams (specification 4.10): through the client's own route when the link leads to the
 * same place, straight to the host it names otherwise.
 */
import { originHeaders } from '../backend/request-headers.js';
import { testResponse } from '../backend/test-backend.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from '../backend/verdict.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { LinkCall, LinkReceiver, LinkSource } from '../hold/next-link.js';
import type { HeaderList } from '../protocol/headers.js';
import { parseInstruct } from '../protocol/instruct.js';
import { rewriteRequest } from '../routes/rewrite.js';
import type { Route, Target } from '../routes/route.js';
import { type ProxyParts, signatureFor } from './proxy-parts.js';

const NOTHING = Buffer.alloc(0);

export interface LinkOrigin {
  readonly route: Route;
  /** The target that answered the client; a direct request is trusted as far as it is. */
  readonly target: Target;
  /** The client's URI. */
  readonly uri: string;
}

export class RouteLinks implements LinkSource {
  constructor(
    private readonly parts: ProxyParts,
    private readonly origin: LinkOrigin,
  ) {}

  resolve(link: string, base: string): string | undefined {
    if (!URL.canParse(link, base)) return undefined;
    const url = new URL(link, base);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  }

  open(uri: string, lastIds: ReadonlyMap<string, string>, receiver: LinkReceiver): LinkCall {
    const fetch = new LinkFetch(this.parts, this.origin, new URL(uri), lastIds, receiver);
    fetch.start();
    return fetch;
  }
}

/** One GET of a link. */
class LinkFetch implements LinkCall, AnswerReceiver {
  private readonly targets: readonly Target[];
  private readonly internal: boolean;
  private tried = 0;
  private call: AnswerCall | undefined = undefined;
  private over = false;

  constructor(
    private readonly parts: ProxyParts,
    private readonly origin: LinkOrigin,
    private readonly url: URL,
    private readonly lastIds: ReadonlyMap<string, string>,
    private readonly receiver: LinkReceiver,
  ) {
    const { route, target, uri } = origin;
    this.internal = url.origin === new URL(uri).origin && url.pathname.startsWith(route.pathBeg);
    this.targets = this.internal ? route.targets : [directTarget(url, target)];
  }

  start(): void {
    const signature = signatureFor(this.parts, this.origin.route);
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
    this.over = true;
    this.call?.cancel();
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.over) return;
    if (code < 200 || code > 299) {
      this.cancel();
      this.receiver.failed();
      return;
    }
    try {
      // The body is the client's, not the instruct's: an instruct in JSON cannot come this way.
      this.receiver.opened(parseInstruct({ code, reason, headers, body: NOTHING }));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.cancel();
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

  failed(failure: Failure): void {
    if (this.over) return;
    if (failure.kind === 'connect' && this.tried < this.targets.length) {
      this.start();
      return;
    }
    this.over = true;
    this.parts.holds.counters.originFailures += 1;
    this.receiver.failed();
  }

  private ask(signature: string | undefined): void {
    const target = this.targets[this.tried];
    this.tried += 1;
    if (target === undefined || this.over) return;
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
    this.call = backend.send(this.request(target, signature), target, this);
  }

  private askTest(): void {
    const { route } = this.origin;
    const { path } = rewriteRequest(route, this.url.host, this.url.pathname);
    const { code, reason, headers, body } = testResponse({
      path,
      query: this.url.search.slice(1),
      pathBeg: route.pathBeg,
    });
    this.head(code, reason, headers);
    this.data(body);
    this.end();
  }

  private request(target: Target, signature: string | undefined): OriginRequest {
    const { route } = this.origin;
    const { url } = this;
    const secure = url.protocol === 'https:';
    const to = this.internal ? rewriteRequest(route, url.host, url.pathname) : { host: url.host, path: url.pathname };
    return {
      method: 'GET',
      scheme: target.options.ssl ? 'https' : 'http',
      authority: target.options.host ?? to.host,
      path: to.path + url.search,
      headers: originHeaders([], this.parts.settings, {
        routeHeaders: route.headers,
        origHeaders: false,
        grip: route.grip,
        signature,
        lastIds: this.lastIds,
        scheme: secure ? 'https' : 'http',
        peerAddress: undefined,
      }),
      body: NOTHING,
    };
  }
}

/** The host a link names, as a target. */
function directTarget(url: URL, like: Target): Target {
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
      untrusted: like.options.untrusted,
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

/**
 * The half of Holdfast that clients see: listeners, proxy, holds, and the ways to origins. A single process has it
 * beside the half for publishers; each worker has one of its own.
 */
import { readFileSync } from 'node:fs';
import type { BackendPublishing } from '../backend/backend-publishing.js';
import { Signer } from '../backend/signature.js';
import { verificationKeyOf, verifyGripSig } from '../backend/trust.js';
import type { HttpBackend } from '../backend/verdict.js';
import type { ZhttpSessions } from '../backend/zhttp/sessions.js';
import type { ListenAddress, Settings } from '../config/settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import { EdgeServer } from '../front/edge/edge-server.js';
import type { Front, FrontOptions } from '../front/front.js';
import { Http1Server } from '../front/http1-server.js';
import type { ClientExchange } from '../hold/client-connection.js';
import { Compression } from '../hold/compression.js';
import type { ConnectionTerms } from '../hold/connection-terms.js';
import type { HoldParts, OpenHold } from '../hold/hold-parts.js';
import { RefreshGroups } from '../hold/refresh-groups.js';
import { UpdateQueue } from '../hold/update-queue.js';
import { CLOSE_TIMEOUT } from '../hold/websocket-connection.js';
import type { Hub } from '../hub/hub.js';
import { ConnectionMinutes } from '../observe/connection-minutes.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import { OriginMeter } from '../observe/origin-meter.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { ConnectionStats } from '../observe/stats/connection-stats.js';
import { emptySurvey, type Survey } from '../observe/survey.js';
import { Watch } from '../observe/visit.js';
import { HTTP_FILTER_RATE } from '../protocol/filters/http-filter.js';
import { parseKey } from '../protocol/key-format.js';
import type { ProxyParts } from '../proxy/proxy-parts.js';
import { RequestRate } from '../proxy/request-rate.js';
import { serveHttp } from '../proxy/serve-http.js';
import { refuseHandshake, serveWebSocket } from '../proxy/serve-websocket.js';
import { SharedRequests } from '../proxy/shared-requests.js';
import { type HandedRequest, type SockjsElsewhere, serveHanded } from '../proxy/sockjs/elsewhere.js';
import { iframePage } from '../proxy/sockjs/iframe-page.js';
import { SockjsSessions } from '../proxy/sockjs/sessions.js';
import type { RouteTable } from '../routes/route-table.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { Wheel } from '../time/wheel.js';
import { Backends } from './backends.js';

/** Milliseconds that clients and origins get to take what is on its way when the process ends. */
const CLOSE_GRACE = 1_000;

export interface ClientHalfParts {
  readonly settings: Settings;
  readonly hub: Hub;
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly publishing: BackendPublishing;
  /** The way to ZeroMQ handlers; undefined while there is none. */
  readonly zeroMq: () => HttpBackend | undefined;
  /** The sessions with ZeroMQ handlers that stream. */
  readonly zhttp: ZhttpSessions;
  /** SockJS sessions of other processes. */
  readonly sockjsElsewhere?: SockjsElsewhere;
  /** Undefined: there is no stats socket. */
  readonly stats?: ConnectionStats | undefined;
  /** A client connection has opened or closed. */
  readonly onClients?: (open: number) => void;
}

export class ClientHalf {
  private readonly fronts: Front[] = [];
  private readonly minutes: ConnectionMinutes;
  private readonly holds: HoldParts;
  private readonly backends: Backends;
  private readonly signer: Signer;
  private readonly proxy: ProxyParts;
  private table: RouteTable;

  constructor(
    private readonly parts: ClientHalfParts,
    table: RouteTable,
  ) {
    const { settings, hub, wheel, log, warnings, counters, random } = parts;
    const { clock } = wheel;
    this.table = table;
    this.minutes = new ConnectionMinutes(clock, (minutes) => {
      counters.connectionMinutes += minutes;
    });
    this.holds = {
      hub,
      wheel,
      log,
      warnings,
      counters,
      limits: {
        ...settings.hold,
        slowCloseCode: settings.websocket.slowCloseCode,
        maxRecoveryBytes: settings.websocket.maxResponseBytes,
      },
      random,
      updates: new UpdateQueue(wheel),
      refreshes: new RefreshGroups(wheel),
      open: new Set(),
    };
    const { originClient, connectTimeout, originIdleTimeout, originKeepAlive, maxOriginHeadBytes } = settings.proxy;
    this.backends = new Backends(
      {
        client: originClient,
        connectTimeout,
        idleTimeout: originIdleTimeout,
        keepAlive: originKeepAlive,
        maxHeadBytes: maxOriginHeadBytes,
        meter: new OriginMeter(counters, settings.metrics.listen === undefined ? undefined : systemClock.now),
      },
      parts.zeroMq,
      parts.zhttp,
    );
    this.signer = new Signer(() => clock.wallTime(), { keyFailed: (text) => log.error(text) });
    this.proxy = {
      settings: { ...settings.proxy, logFrom: settings.log.from, logUserAgent: settings.log.userAgent },
      websocket: { ...settings.websocket, terms: termsOf(settings.websocket) },
      publishing: parts.publishing,
      routes: () => this.table,
      backendFor: (target) => this.backends.backendFor(target),
      webSockets: this.backends.webSockets,
      zhttp: this.backends.openings,
      signer: this.signer,
      isTrusted: trustOf(settings.proxy.upstreamKey, clock, log),
      holds: this.holds,
      watch: new Watch(parts.stats),
      shared: new SharedRequests(),
      filterRate: new RequestRate(wheel, HTTP_FILTER_RATE),
      sockjs: {
        sessions: new SockjsSessions(settings.sockjs.maxSessions),
        page: iframePage(settings.proxy.sockjsUrl),
        elsewhere: parts.sockjsElsewhere,
      },
    };
  }

  /** Number of routes in force. */
  get routeCount(): number {
    return this.table.size;
  }

  /**
   * Listens for clients; resolves with the real addresses.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED
   */
  async open(): Promise<readonly ListenAddress[]> {
    const { settings, counters, warnings } = this.parts;
    const { minutes } = this;
    const { http, websocket } = settings;
    const compression = websocket.allowCompression ? new Compression(websocket.compressionThreshold) : undefined;
    const addresses: ListenAddress[] = [];
    const Server = http.parser === 'node' ? Http1Server : EdgeServer;
    const shared = { ...http, counters, minutes, warnings, onCount: this.parts.onClients };
    const front = (options: Pick<FrontOptions, 'setting' | 'transport'>): Front => {
      const made = new Server(
        { ...shared, ...options },
        {
          request: (request, exchange) => serveHttp(this.proxy, request, exchange),
          webSocket: (request, upgrade) => serveWebSocket(this.proxy, request, upgrade, compression),
          badHandshake: (request) => refuseHandshake(this.proxy, request),
        },
      );
      this.fronts.push(made);
      return made;
    };
    for (const address of http.listen) addresses.push(await front({ setting: 'http.listen' }).listen(address));
    for (const path of http.unix) await front({ setting: 'http.unix', transport: 'unix' }).listen({ path });
    return addresses;
  }

  /** Looks at every client connection, and brings their minutes up to date. */
  survey(): Survey {
    const survey = emptySurvey();
    this.minutes.count();
    for (const front of this.fronts) front.survey(survey);
    return survey;
  }

  /** Leaves new clients to the other processes that listen on the same addresses; one has to. */
  pause(): void {
    for (const front of this.fronts) front.pause();
  }

  /** Accepts clients again; resolves when it does. */
  async resume(): Promise<void> {
    await Promise.all(this.fronts.map((front) => front.resume()));
  }

  /** New requests find these routes; held connections stay as they are. */
  putInForce(table: RouteTable): void {
    this.signer.forgetKeys();
    this.table = table;
  }

  /** Serves a request of a SockJS session that another process has handed over. */
  serveHanded(request: HandedRequest, exchange: ClientExchange): void {
    serveHanded(this.proxy, request, exchange);
  }

  /** Those of `ids` that are open here. @param refresh - only the WebSockets, which ask their origins now where that can be */
  find(ids: readonly string[], refresh: boolean): string[] {
    const wanted = new Set(ids);
    const found = new Set<string>();
    const due: OpenHold[] = [];
    // Nobody pays for an index of all connections: commands are rare.
    for (const hold of this.holds.open) {
      const { connectionId } = hold;
      if (connectionId === undefined || !wanted.has(connectionId)) continue;
      if (refresh && hold.refresh === undefined) continue;
      found.add(connectionId);
      if (refresh) due.push(hold);
    }
    for (const hold of due) hold.refresh?.();
    // Those that are not held, none of which can be refreshed.
    if (!refresh) for (const id of wanted) if (this.proxy.watch.has(id)) found.add(id);
    return [...found];
  }

  /** Lets everybody who is held ask their origin again, where it can be asked. */
  askAll(): void {
    for (const hold of [...this.holds.open]) hold.askAgain?.();
  }

  /** Ends every hold in order, and every connection; what is published already is written first. */
  async close(): Promise<void> {
    const { fronts, holds, signer } = this;
    const gone = fronts.map((front) => front.stopAccepting());
    this.parts.hub.close();
    for (const hold of [...holds.open]) hold.shutDown();
    for (const front of fronts) front.endConnections(CLOSE_GRACE);
    await Promise.all(gone);
    this.proxy.watch.close();
    // Goodbyes to origins that wait for their signature go out before the connections close.
    await signer.settled();
    await new Promise((resolve) => setImmediate(resolve));
    await this.backends.close(CLOSE_GRACE);
  }
}

/**
 * What all WebSockets are held to; undefined where the settings ask for nothing besides bytes.
 * @throws HoldfastError HOLDFAST_CONFIG_INVALID_VALUE when everybody would be cut off before the first ping
 */
export function termsOf(settings: Settings['websocket']): ConnectionTerms | undefined {
  const { outboxMessages, slowCloseCode, pingInterval, pongTimeout } = settings;
  if (pingInterval >= pongTimeout) {
    const text = `websocket.pong_timeout (${pongTimeout}) must be longer than websocket.ping_interval (${pingInterval})`;
    throw new HoldfastError('HOLDFAST_CONFIG_INVALID_VALUE', text);
  }
  if (outboxMessages === 0 && pingInterval === 0) return undefined;
  const pings = pingInterval === 0 ? undefined : { interval: pingInterval * 1_000, timeout: pongTimeout * 1_000 };
  return { outboxMessages, slowCloseCode, closeTimeout: CLOSE_TIMEOUT, pings };
}

/** The check for trusted clients; undefined when nobody is trusted. */
function trustOf(setting: string, clock: Clock, log: Logger): ProxyParts['isTrusted'] {
  if (setting === '') return undefined;
  const key = verificationKeyOf(parseKey(setting, (path) => readFileSync(path, 'utf8')));
  if (key === undefined) {
    log.warn('no key in proxy.upstream_key that signatures could be checked with: no client is trusted');
    return undefined;
  }
  return (token) => verifyGripSig(token, key, () => clock.wallTime());
}

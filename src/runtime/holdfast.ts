/**
 * One Holdfast in this process: every room put together, started and ended. The command line and the library both
 * come through here.
 */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { Signer } from '../backend/signature.js';
import { verificationKeyOf, verifyGripSig } from '../backend/trust.js';
import type { ListenAddress, Settings } from '../config/settings.js';
import { PublishDoor } from '../control/publish-door.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import { Http1Server } from '../front/http1-server.js';
import { Compression } from '../hold/compression.js';
import type { HoldParts } from '../hold/hold-parts.js';
import { RefreshGroups } from '../hold/refresh-groups.js';
import { UpdateQueue } from '../hold/update-queue.js';
import { Hub, type PublishOutcome } from '../hub/hub.js';
import { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import { ReadableRate } from '../observe/readable-rate.js';
import { HTTP_FILTER_RATE } from '../protocol/filters/http-filter.js';
import type { Item } from '../protocol/item.js';
import { parseItemJson } from '../protocol/item-json.js';
import { parseKey } from '../protocol/key-format.js';
import type { ProxyParts } from '../proxy/proxy-parts.js';
import { RequestRate } from '../proxy/request-rate.js';
import { serveHttp } from '../proxy/serve-http.js';
import { serveWebSocket } from '../proxy/serve-websocket.js';
import { SharedRequests } from '../proxy/shared-requests.js';
import { iframePage } from '../proxy/sockjs/iframe-page.js';
import { SockjsSessions } from '../proxy/sockjs/sessions.js';
import { COMMAND_LINE, type LoadedRoutes, loadRoutesFile, parseRoutesLines } from '../routes/load-routes.js';
import type { RouteTable } from '../routes/route-table.js';
import { type Clock, systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';
import { Backends } from './backends.js';
import { FirstSubscriptions } from './first-subscriptions.js';
import { type PublisherAddresses, Publishers } from './publishers.js';
import { RoutesWatch } from './routes-watch.js';
import { routesWithoutEffect } from './without-effect.js';

/** Milliseconds that clients and origins get to take what is on its way when the process ends. */
const CLOSE_GRACE = 1_000;

export interface StartOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Lines of the routes that cannot be understood are left out with a warning; otherwise they are an error. */
  readonly forgiveRoutes: boolean;
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}

/** Where a running Holdfast can be reached. */
export interface Addresses extends PublisherAddresses {
  readonly http: readonly ListenAddress[];
}

/** What a running Holdfast tells. */
export interface HoldfastEvents {
  /** An item came in, by whatever way. */
  publish: [item: Item, outcome: PublishOutcome];
  /** A channel got its first subscriber. */
  subscribe: [channel: string];
  /** The last subscriber of a channel has gone, and its time to linger is over. */
  unsubscribe: [channel: string];
  /** Everything is closed. */
  close: [];
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

export class Holdfast extends EventEmitter<HoldfastEvents> {
  private readonly fronts: Http1Server[] = [];
  private readonly wheel: Wheel;
  private readonly hub: Hub;
  private readonly holds: HoldParts;
  private readonly backends: Backends;
  private readonly publishers: Publishers;
  private readonly door: PublishDoor;
  private readonly parts: ProxyParts;
  private readonly signer: Signer;
  private watch: RoutesWatch | undefined = undefined;
  /** Route tables on their way into force, in order. */
  private loading: Promise<void> = Promise.resolve();
  private table: RouteTable = parseRoutesLines([], COMMAND_LINE).table;
  private closing: Promise<void> | undefined = undefined;
  private reachable: Addresses = { http: [], control: undefined, pull: [], sub: [] };
  /** What has been counted since the start; live. */
  readonly counters = new Counters();

  private constructor(private readonly options: StartOptions) {
    super();
    const { settings, logger } = options;
    const clock = options.clock ?? systemClock;
    this.wheel = new Wheel(clock);
    const warnings = new ReadableRate(logger, clock);
    const shared = { wheel: this.wheel, log: logger, warnings, counters: this.counters };
    this.hub = new Hub({
      ...shared,
      settings: { ...settings.publish, subscriptionLinger: settings.hold.subscriptionLinger },
    });
    this.hub.observe({
      channelOpened: (channel) => this.emit('subscribe', channel),
      channelClosed: (channel) => this.emit('unsubscribe', channel),
    });
    if (settings.hold.updateOnFirstSubscription) this.hub.observe(new FirstSubscriptions(this.hub, this.wheel));
    const random = options.random ?? Math.random;
    this.holds = {
      ...shared,
      hub: this.hub,
      limits: {
        ...settings.hold,
        slowCloseCode: settings.websocket.slowCloseCode,
        maxRecoveryBytes: settings.websocket.maxResponseBytes,
      },
      random,
      updates: new UpdateQueue(this.wheel),
      refreshes: new RefreshGroups(this.wheel),
      open: new Set(),
    };
    const { originClient, connectTimeout, originIdleTimeout, originKeepAlive, maxOriginHeadBytes } = settings.proxy;
    this.backends = new Backends(this.holds, {
      client: originClient,
      connectTimeout,
      idleTimeout: originIdleTimeout,
      keepAlive: originKeepAlive,
      maxHeadBytes: maxOriginHeadBytes,
    });
    const askAll = (): void => {
      for (const hold of [...this.holds.open]) hold.askAgain?.();
    };
    this.door = new PublishDoor(this.hub, this.wheel, this.counters, warnings, askAll, (item, outcome) => {
      if (this.listenerCount('publish') > 0) this.emit('publish', item, outcome);
    });
    this.publishers = new Publishers(settings, this.hub, this.door, logger);
    this.signer = new Signer(() => clock.wallTime(), { keyFailed: (text) => logger.error(text) });
    this.parts = {
      settings: { ...settings.proxy, logFrom: settings.log.from, logUserAgent: settings.log.userAgent },
      websocket: settings.websocket,
      routes: () => this.table,
      backendFor: (target) => this.backends.backendFor(target),
      webSockets: this.backends.webSockets,
      signer: this.signer,
      isTrusted: trustOf(settings.proxy.upstreamKey, clock, logger),
      holds: this.holds,
      shared: new SharedRequests(),
      filterRate: new RequestRate(this.wheel, HTTP_FILTER_RATE),
      sockjs: {
        sessions: new SockjsSessions(settings.sockjs.maxSessions),
        page: iframePage(settings.proxy.sockjsUrl),
      },
    };
  }

  /**
   * Starts, and resolves when everything listens.
   * @throws HoldfastError naming setting, file and line; what was opened is closed again
   */
  static async start(options: StartOptions): Promise<Holdfast> {
    const holdfast = new Holdfast(options);
    try {
      await holdfast.open();
    } catch (error) {
      await holdfast.close();
      throw error;
    }
    return holdfast;
  }

  /** Where clients and publishers reach this Holdfast; real port numbers where 0 was asked for. */
  get addresses(): Addresses {
    return this.reachable;
  }

  /** Number of routes in force. */
  get routeCount(): number {
    return this.table.size;
  }

  /**
   * Publishes an item in the form of the control port's JSON: `{ channel, formats: { 'http-stream': { content } } }`.
   * @throws HoldfastError HOLDFAST_ITEM_INVALID
   */
  publish(item: object): PublishOutcome {
    if (this.closing !== undefined) throw new HoldfastError('HOLDFAST_CLOSED', 'cannot publish: Holdfast is closed');
    return this.door.publish(parseItemJson(item));
  }

  /** Reads the routes file again, as a change of it does by itself; held connections stay as they are. */
  async reload(): Promise<void> {
    await this.watch?.reloadNow();
    await this.loading;
  }

  /** Ends every hold in order and closes everything; resolves when nothing is left open. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async open(): Promise<void> {
    const { http, websocket } = this.options.settings;
    const compression = websocket.allowCompression ? new Compression(websocket.compressionThreshold) : undefined;
    this.watchRoutes();
    this.table = await this.loadRoutes();
    await this.backends.prepare(this.table);
    const publishers = await this.publishers.open();
    const addresses: ListenAddress[] = [];
    for (const address of http.listen) {
      const front = new Http1Server(
        { ...http, counters: this.counters, setting: 'http.listen' },
        {
          request: (request, exchange) => serveHttp(this.parts, request, exchange),
          webSocket: (request, upgrade) => serveWebSocket(this.parts, request, upgrade, compression),
        },
      );
      this.fronts.push(front);
      addresses.push(await front.listen(address));
    }
    this.reachable = { http: addresses, ...publishers };
  }

  /** Requests find the new targets only when these can be reached; one table after the other. */
  private async putInForce(table: RouteTable): Promise<void> {
    if (this.closing !== undefined) return;
    try {
      await this.backends.prepare(table);
      this.table = table;
    } catch (error) {
      this.options.logger.error(`the routes cannot be put in force: ${String(error)}`);
    }
  }

  /** From before the first reading on, so that no change is missed. */
  private watchRoutes(): void {
    const { settings, logger, clock = systemClock } = this.options;
    const { file } = settings.routes;
    if (file === undefined) return;
    this.watch = new RoutesWatch({
      file,
      clock,
      log: logger,
      onLoaded: ({ table }) => {
        this.signer.forgetKeys();
        this.loading = this.loading.then(() => this.putInForce(table));
      },
      onFailed: () => {},
    });
    this.watch.start();
  }

  private async loadRoutes(): Promise<RouteTable> {
    const { settings, logger, forgiveRoutes } = this.options;
    const { file, lines } = settings.routes;
    const loaded: LoadedRoutes =
      file === undefined ? parseRoutesLines(lines, COMMAND_LINE) : await loadRoutesFile(file, forgiveRoutes);
    const [error] = loaded.errors;
    if (error !== undefined && !forgiveRoutes) throw new HoldfastError('HOLDFAST_ROUTE_INVALID', error);
    const without = routesWithoutEffect(loaded.table.routes());
    for (const text of [...loaded.errors, ...loaded.warnings, ...without]) logger.warn(text);
    return loaded.table;
  }

  private async shutDown(): Promise<void> {
    const fronts = this.fronts.map((front) => front.stopAccepting());
    this.hub.close();
    for (const hold of [...this.holds.open]) hold.shutDown();
    const publishers = Promise.all([this.publishers.close(), this.watch?.close()]);
    for (const front of this.fronts) front.endConnections(CLOSE_GRACE);
    await Promise.all([publishers, this.loading, ...fronts]);
    // Goodbyes to origins that wait for their signature go out before the connections close.
    await this.signer.settled();
    await new Promise((resolve) => setImmediate(resolve));
    await this.backends.close(CLOSE_GRACE);
    this.wheel.close();
    this.emit('close');
    this.removeAllListeners();
  }
}

/**
 * One Holdfast in this process: the half for clients and the half for publishers with one hub between them. The
 * library comes through here, and the command line when there is a single process.
 */
import { EventEmitter } from 'node:events';
import type { BackendPublishing } from '../backend/backend-publishing.js';
import { ZhttpSessions } from '../backend/zhttp/sessions.js';
import type { ListenAddress, MetricsAddress, Settings } from '../config/settings.js';
import { PublishDoor } from '../control/publish-door.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { PublishOutcome } from '../hub/admission.js';
import { Hub } from '../hub/hub.js';
import { WriteMeter } from '../hub/write-meter.js';
import { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import { ReadableRate } from '../observe/readable-rate.js';
import type { Item } from '../protocol/item.js';
import { parseItemJson } from '../protocol/item-json.js';
import { COMMAND_LINE, parseRoutesLines } from '../routes/load-routes.js';
import type { RouteTable } from '../routes/route-table.js';
import { clearPath } from '../sockets/unix-socket.js';
import { type Clock, systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';
import { ClientHalf } from './client-half.js';
import { FirstSubscriptions } from './first-subscriptions.js';
import { MetricsPort, WITHOUT_WORKERS } from './metrics-port.js';
import { TracingOnDemand } from './open-tracing.js';
import { type PublisherAddresses, Publishers } from './publishers.js';
import { RoutesSource } from './routes-source.js';
import { ServiceState } from './service-state.js';
import { connectionStats, statsPublisher } from './stats.js';
import { ZeroMqTargets } from './zeromq-targets.js';

export interface StartOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Lines of the routes that cannot be understood are left out with a warning; otherwise they are an error. */
  readonly forgiveRoutes: boolean;
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
  readonly listeners?: HoldfastListeners;
}

/** Where a running Holdfast can be reached. */
export interface Addresses extends PublisherAddresses {
  readonly http: readonly ListenAddress[];
  /** Paths of Unix sockets. */
  readonly unix: readonly string[];
  /** Undefined: metrics are off. */
  readonly metrics: MetricsAddress | undefined;
}

/** Before anything listens. */
export const NOWHERE: Addresses = {
  unix: [],
  http: [],
  metrics: undefined,
  control: undefined,
  pull: [],
  sub: [],
  rep: [],
  stats: [],
};

/** A Holdfast, in however many processes. */
export interface Running {
  /** Where clients and publishers reach it; real port numbers where 0 was asked for. */
  readonly addresses: Addresses;
  /** Number of routes in force. */
  readonly routeCount: number;
  /** Reads the routes file again, as a change of it does by itself; held connections stay as they are. */
  reload(): Promise<void>;
  /** Ends every hold in order and closes everything; resolves when nothing is left open. */
  close(): Promise<void>;
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

/** Who listens from before anything is open: waiting publishers may come before `start` resolves. */
export type HoldfastListeners = {
  readonly [Event in keyof HoldfastEvents]?: (...told: HoldfastEvents[Event]) => void;
};

export class Holdfast extends EventEmitter<HoldfastEvents> implements Running {
  private readonly wheel: Wheel;
  private readonly clients: ClientHalf;
  private readonly publishers: Publishers;
  private readonly door: PublishDoor;
  private readonly zeroMq: ZeroMqTargets;
  private readonly routes: RoutesSource;
  private readonly metrics: MetricsPort;
  private readonly unix: readonly string[];
  private readonly hub: Hub;
  private readonly state = new ServiceState();
  private readonly tracing: TracingOnDemand;
  private readonly warnings: ReadableRate;
  private closing: Promise<void> | undefined = undefined;
  private reachable: Addresses = NOWHERE;
  /** What has been counted since the start; live. */
  readonly counters = new Counters();

  private constructor(options: StartOptions) {
    super();
    const { settings, logger, clock = systemClock, random = Math.random, listeners = {} } = options;
    if (listeners.publish !== undefined) this.on('publish', listeners.publish);
    if (listeners.subscribe !== undefined) this.on('subscribe', listeners.subscribe);
    if (listeners.unsubscribe !== undefined) this.on('unsubscribe', listeners.unsubscribe);
    if (listeners.close !== undefined) this.on('close', listeners.close);
    this.wheel = new Wheel(clock);
    this.unix = settings.http.unix;
    const warnings = new ReadableRate(logger, clock);
    this.warnings = warnings;
    const shared = { wheel: this.wheel, log: logger, warnings, counters: this.counters };
    this.tracing = new TracingOnDemand(settings.tracing, shared);
    const stats = statsPublisher(settings, this.wheel);
    const connections = connectionStats(settings, this.wheel, {
      packet: (packet) => stats?.packet(packet),
      traffic: (routes) => stats?.traffic(this, routes),
    });
    const hub = new Hub({
      ...shared,
      watch: stats,
      blocks: settings.publish.messageBlockSize > 0 ? connections : undefined,
      settings: { ...settings.publish, subscriptionLinger: settings.hold.subscriptionLinger },
      meter: settings.metrics.listen && new WriteMeter(clock, this.counters.publishLatencies),
    });
    this.hub = hub;
    hub.observe({
      channelOpened: (channel) => this.emit('subscribe', channel),
      channelClosed: (channel) => this.emit('unsubscribe', channel),
    });
    if (settings.hold.updateOnFirstSubscription) hub.observe(new FirstSubscriptions(hub, this.wheel));
    this.zeroMq = new ZeroMqTargets(shared);
    const zeroMq = () => this.zeroMq.requests;
    const { sockets, instanceId } = this.zeroMq;
    const zhttp = new ZhttpSessions({ ...shared, instanceId, link: (taker) => sockets.link(taker) });
    this.clients = new ClientHalf(
      {
        ...shared,
        settings,
        hub,
        random,
        zeroMq,
        zhttp,
        stats: connections,
        publishing: publishingBy(() => this.door),
      },
      parseRoutesLines([], COMMAND_LINE).table,
    );
    this.door = new PublishDoor({
      ...shared,
      hub,
      askAll: () => this.clients.askAll(),
      onPublish: (item, outcome) => {
        if (this.listenerCount('publish') > 0) this.emit('publish', item, outcome);
      },
    });
    this.publishers = new Publishers(settings, hub, {
      ...shared,
      door: this.door,
      connections: { find: (ids, refresh, done) => done(this.clients.find(ids, refresh)) },
      stats,
      onWatched: () => connections?.wake(),
    });
    this.routes = new RoutesSource({
      settings: settings.routes,
      clock,
      log: logger,
      forgive: options.forgiveRoutes,
      onTable: (table) => this.putInForce(table),
    });
    this.metrics = new MetricsPort({
      settings: settings.metrics,
      clock,
      warnings,
      state: this.state,
      look: () => ({
        survey: this.clients.survey(),
        counters: this.counters,
        channels: hub.channelCount,
        routes: this.routeCount,
        ...WITHOUT_WORKERS,
      }),
    });
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

  get addresses(): Addresses {
    return this.reachable;
  }

  /** Channels that are open. */
  get channelCount(): number {
    return this.hub.channelCount;
  }

  get routeCount(): number {
    return this.clients.routeCount;
  }

  /**
   * Publishes an item in the form of the control port's JSON: `{ channel, formats: { 'http-stream': { content } } }`.
   *
   * @param traceparent - trace context (W3C) of who publishes: the span of this publish goes below it
   * @throws HoldfastError HOLDFAST_ITEM_INVALID
   */
  publish(item: object, traceparent?: string): PublishOutcome {
    if (this.closing !== undefined) throw new HoldfastError('HOLDFAST_CLOSED', 'cannot publish: Holdfast is closed');
    return this.door.publish(parseItemJson(item), 'library', traceparent);
  }

  reload(): Promise<void> {
    return this.routes.reload();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async open(): Promise<void> {
    // Whoever watches the start can be answered from the first moment on.
    const metrics = await this.metrics.open();
    await this.tracing.open();
    await this.putInForce(await this.routes.load());
    this.state.routesLoaded();
    const publishers = await this.publishers.open();
    for (const path of this.unix) await clearPath(path);
    this.reachable = { http: await this.clients.open(), unix: this.unix, metrics, ...publishers };
    this.state.opened();
  }

  /** Requests find the new targets only when these can be reached. */
  private async putInForce(table: RouteTable): Promise<void> {
    if (this.closing !== undefined) return;
    await this.zeroMq.prepare(table);
    this.clients.putInForce(table);
  }

  private async shutDown(): Promise<void> {
    this.state.closes();
    const clients = this.clients.close();
    await Promise.all([clients, this.publishers.close(), this.routes.close()]);
    await this.zeroMq.close();
    await this.publishers.closeStats();
    await this.tracing.close();
    await this.metrics.close();
    this.wheel.close();
    this.warnings.close();
    this.emit('close');
    this.removeAllListeners();
  }
}

/** Publishing for built-in backends in the process that takes items in. */
function publishingBy(door: () => PublishDoor): BackendPublishing {
  return {
    publish: (item, traceparent) => void door().publish(item, 'backend', traceparent),
    get congested() {
      return door().congested;
    },
    whenClear: (run) => door().whenClear(run),
  };
}

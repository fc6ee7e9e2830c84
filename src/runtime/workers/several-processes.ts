/**
 * One Holdfast in several processes. This one, the main process, has everything that publishers and operators reach,
 * once; the workers have the clients. To the outside it looks like a single server.
 *
 *     publisher ──► control port, ZeroMQ ──► central hub ══ bus ══► worker: hub ──► holds ──► clients
 */
import { availableParallelism } from 'node:os';
import type { Settings } from '../../config/settings.js';
import { PublishDoor } from '../../control/publish-door.js';
import { Counters, type CounterValues, sumOf } from '../../observe/counters.js';
import type { Logger } from '../../observe/logger.js';
import { ReadableRate } from '../../observe/readable-rate.js';
import type { Item } from '../../protocol/item.js';
import { COMMAND_LINE, parseRoutesLines } from '../../routes/load-routes.js';
import type { RouteTable } from '../../routes/route-table.js';
import { clearPath } from '../../sockets/unix-socket.js';
import { systemClock } from '../../time/clock.js';
import { Wheel } from '../../time/wheel.js';
import { termsOf } from '../client-half.js';
import { FirstSubscriptions } from '../first-subscriptions.js';
import { type Addresses, NOWHERE, type Running } from '../holdfast.js';
import { MetricsPort } from '../metrics-port.js';
import { TracingOnDemand } from '../open-tracing.js';
import { Publishers } from '../publishers.js';
import { RoutesSource } from '../routes-source.js';
import { ServiceState } from '../service-state.js';
import { statsPublisher } from '../stats.js';
import { ZeroMqTargets } from '../zeromq-targets.js';
import { CentralHub } from './central-hub.js';
import { ConnectionSearch } from './connection-search.js';
import { SessionRelay } from './session-relay.js';
import { WorkerPool } from './worker-pool.js';

export interface SeveralOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly forgiveRoutes: boolean;
}

/** Processes that the setting asks for. */
export function workerCount({ workers }: Settings): number {
  return workers.count === 'auto' ? availableParallelism() : workers.count;
}

export class SeveralProcesses implements Running {
  private readonly wheel = new Wheel(systemClock);
  private readonly own = new Counters();
  private readonly hub: CentralHub;
  private readonly pool: WorkerPool;
  private readonly publishers: Publishers;
  private readonly zeroMq: ZeroMqTargets;
  private readonly routes: RoutesSource;
  private readonly metrics: MetricsPort;
  private readonly unix: readonly string[];
  private readonly state = new ServiceState(() => this.pool.troubles);
  private readonly tracing: TracingOnDemand;
  private readonly warnings: ReadableRate;
  private table: RouteTable = parseRoutesLines([], COMMAND_LINE).table;
  private closing: Promise<void> | undefined = undefined;
  /** The workers have been told that what their clients publish should wait. */
  private holdingBack = false;
  private reachable: Addresses = NOWHERE;

  private constructor({ settings, logger, forgiveRoutes }: SeveralOptions) {
    const { wheel } = this;
    const { clock } = wheel;
    const count = workerCount(settings);
    // Each worker would say it once more.
    termsOf(settings.websocket);
    this.unix = settings.http.unix;
    const warnings = new ReadableRate(logger, clock);
    this.warnings = warnings;
    const shared = { wheel, log: logger, warnings, counters: this.own };
    this.tracing = new TracingOnDemand(settings.tracing, shared);
    const stats = statsPublisher(settings, wheel);
    this.hub = new CentralHub({ ...shared, settings: settings.publish, watch: stats });
    if (settings.hold.updateOnFirstSubscription) this.hub.observe(new FirstSubscriptions(this.hub, wheel));
    this.zeroMq = new ZeroMqTargets(shared);
    const search = new ConnectionSearch(wheel, () => this.pool.allServing);
    this.pool = new WorkerPool({
      count,
      clock,
      log: logger,
      link: {
        hub: this.hub,
        publish: (item, traceparent) => this.publishForWorker(door, item, traceparent),
        zeroMq: () => this.zeroMq.requests,
        zhttp: this.zeroMq.sockets,
        relay: new SessionRelay((number) => this.pool.serving(number)),
        search,
        stats,
      },
      start: (number) => ({
        kind: 'start',
        settings: shareOf(settings, count),
        routes: this.table.routes(),
        number,
        count,
        watched: stats?.awake === true,
        instanceId: this.zeroMq.instanceId,
      }),
    });
    const door = new PublishDoor({
      ...shared,
      hub: this.hub,
      askAll: () => this.pool.broadcast({ kind: 'recover' }),
      onPublish: () => {},
      congestion: this.pool,
    });
    const onWatched = (): void => this.pool.broadcast({ kind: 'watch' });
    this.publishers = new Publishers(settings, this.hub, { ...shared, door, connections: search, stats, onWatched });
    this.routes = new RoutesSource({
      settings: settings.routes,
      clock,
      log: logger,
      forgive: forgiveRoutes,
      onTable: (table) => this.putInForce(table),
    });
    this.metrics = new MetricsPort({
      settings: settings.metrics,
      clock,
      warnings,
      state: this.state,
      look: () => ({
        survey: undefined,
        counters: this.counters,
        channels: this.hub.channelCount,
        routes: this.routeCount,
        workers: this.pool.reading,
        workerReadings: this.pool.processReadings,
      }),
    });
  }

  /**
   * Starts, and resolves when every worker listens.
   * @throws HoldfastError naming setting, file and line; what was opened is closed again
   */
  static async start(options: SeveralOptions): Promise<SeveralProcesses> {
    const several = new SeveralProcesses(options);
    try {
      const metrics = await several.metrics.open();
      await several.tracing.open();
      several.table = await several.routes.load();
      several.state.routesLoaded();
      await several.zeroMq.prepare(several.table);
      const publishers = await several.publishers.open();
      for (const path of several.unix) await clearPath(path);
      const { addresses } = await several.pool.open();
      several.reachable = { http: addresses, unix: several.unix, metrics, ...publishers };
      several.state.opened();
    } catch (error) {
      await several.close();
      throw error;
    }
    return several;
  }

  get addresses(): Addresses {
    return this.reachable;
  }

  get routeCount(): number {
    return this.table.size;
  }

  /** What all processes together have counted since the start; that of workers a second ago at most. */
  get counters(): CounterValues {
    return sumOf([this.own, this.pool.counters]);
  }

  reload(): Promise<void> {
    return this.routes.reload();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Its clients cannot be told to wait here: the workers are, as long as one of them cannot keep up. */
  private publishForWorker(door: PublishDoor, item: Item, traceparent: string | undefined): void {
    door.publish(item, 'backend', traceparent);
    if (!door.congested || this.holdingBack) return;
    this.holdingBack = true;
    this.pool.broadcast({ kind: 'congested', on: true });
    door.whenClear(() => {
      this.holdingBack = false;
      this.pool.broadcast({ kind: 'congested', on: false });
    });
  }

  private async putInForce(table: RouteTable): Promise<void> {
    if (this.closing !== undefined) return;
    await this.zeroMq.prepare(table);
    this.table = table;
    this.pool.broadcast({ kind: 'reload', routes: table.routes() });
  }

  private async shutDown(): Promise<void> {
    this.state.closes();
    // What publishers have been told is published is on the bus before its workers are told to end.
    await Promise.all([this.publishers.close(), this.routes.close()]);
    await this.pool.close();
    await this.zeroMq.close();
    await this.publishers.closeStats();
    await this.tracing.close();
    this.hub.close();
    await this.metrics.close();
    this.wheel.close();
    this.warnings.close();
  }
}

/** Limits that hold for all together are divided; what two workers cannot share evenly is rounded up. */
function shareOf(settings: Settings, count: number): Settings {
  const share = (value: number): number => Math.ceil(value / count);
  const { http, publish, sockjs } = settings;
  return {
    ...settings,
    http: { ...http, maxConnections: share(http.maxConnections) },
    publish: { ...publish, messageRate: share(publish.messageRate), messageHwm: share(publish.messageHwm) },
    sockjs: { ...sockjs, maxSessions: share(sockjs.maxSessions) },
  };
}

/**
 * What a worker is: the half for clients, with its own hub, which gets its items from the main process. It lives as long
 * as the pipe to that does.
 */

import { ZhttpSessions } from '../../backend/zhttp/sessions.js';
import type { ListenAddress } from '../../config/settings.js';
import { Hub } from '../../hub/hub.js';
import { WriteMeter } from '../../hub/write-meter.js';
import { Counters } from '../../observe/counters.js';
import { ReadableRate } from '../../observe/readable-rate.js';
import type { ConnectionStats } from '../../observe/stats/connection-stats.js';
import { Vitals } from '../../observe/vitals.js';
import { RouteTable } from '../../routes/route-table.js';
import { systemClock } from '../../time/clock.js';
import { Wheel } from '../../time/wheel.js';
import { ClientHalf } from '../client-half.js';
import { IdleMemory } from '../idle-memory.js';
import { type ProcessLog, processLog } from '../log.js';
import { TracingOnDemand } from '../open-tracing.js';
import { connectionStats } from '../stats.js';
import { tuneEngine } from '../tune-engine.js';
import { type ClientLimits, ClientShare, limitsOf, openFilesLimit } from './client-share.js';
import type { FramePayload } from './frames.js';
import { HandlersBeyond } from './handlers-beyond.js';
import { FRAMES, type MainMessage, type StartMessage } from './messages.js';
import { SessionsBeyond } from './sessions-beyond.js';
import { StatsUplink } from './stats-uplink.js';
import type { WorkerBus, WorkerUplink } from './worker-uplink.js';
import { PacketsBeyond, takePacketFrame } from './zhttp-frames.js';

/** Milliseconds between two reports of what has been counted. */
const COUNTERS_INTERVAL = 1_000;

export class WorkerProcess {
  private readonly log: ProcessLog;
  private readonly wheel = new Wheel(systemClock);
  private readonly counters = new Counters();
  private readonly hub: Hub;
  private readonly clients: ClientHalf;
  private readonly handlers: HandlersBeyond;
  private readonly zhttp: ZhttpSessions;
  private readonly sessions: SessionsBeyond;
  private readonly share: ClientShare;
  private readonly tracing: TracingOnDemand;
  private readonly warnings: ReadableRate;
  private readonly stats: ConnectionStats | undefined;
  private readonly telling: NodeJS.Timeout;
  /** Undefined where metrics are off. */
  private readonly vitals: Vitals | undefined;

  constructor(
    private readonly bus: WorkerBus,
    readonly uplink: WorkerUplink,
    { settings, routes, number, count, watched, instanceId }: StartMessage,
  ) {
    if (settings.workers.tuneEngine) tuneEngine();
    this.log = processLog(settings.log.level, settings.log.format, 1);
    const { logger: log } = this.log;
    const { wheel, counters } = this;
    const warnings = new ReadableRate(log, wheel.clock);
    this.warnings = warnings;
    const shared = { wheel, log, warnings, counters };
    this.tracing = new TracingOnDemand(settings.tracing, shared);
    this.stats = connectionStats(settings, wheel, new StatsUplink(bus));
    if (watched) this.stats?.wake();
    const { stats } = this;
    this.hub = new Hub({
      ...shared,
      blocks: settings.publish.messageBlockSize > 0 ? stats : undefined,
      settings: { ...settings.publish, subscriptionLinger: settings.hold.subscriptionLinger },
      uplink,
      meter: settings.metrics.listen && new WriteMeter(wheel.clock, counters.publishLatencies),
    });
    this.vitals = settings.metrics.listen && new Vitals(wheel.clock);
    uplink.attach(this.hub);
    this.handlers = new HandlersBeyond(bus);
    const zeroMq = () => this.handlers;
    this.zhttp = new ZhttpSessions({ ...shared, instanceId, link: () => new PacketsBeyond(bus) });
    const { hub, zhttp } = this;
    const { table } = RouteTable.from(routes);
    this.sessions = new SessionsBeyond(bus, number, count, (request, exchange) =>
      this.clients.serveHanded(request, exchange),
    );
    this.share = new ClientShare(limitsOf(settings.http.maxConnections, openFilesLimit()), (open) =>
      bus.send({ kind: 'clients', open }),
    );
    const { sessions: sockjsElsewhere } = this;
    const onClients = (open: number): void => this.share.count(open);
    this.clients = new ClientHalf(
      {
        ...shared,
        settings,
        hub,
        random: Math.random,
        zeroMq,
        zhttp,
        sockjsElsewhere,
        onClients,
        stats,
        publishing: uplink,
      },
      table,
    );
    this.telling = setInterval(() => this.tellCounters(), COUNTERS_INTERVAL);
    this.telling.unref();
    if (settings.workers.giveBackMemory) new IdleMemory(systemClock, log).start();
  }

  /**
   * Listens for clients; resolves with the addresses, and the numbers of clients that are enough.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED, HOLDFAST_TRACING_MISSING
   */
  async open(): Promise<{ addresses: readonly ListenAddress[]; limits: ClientLimits }> {
    await this.tracing.open();
    return { addresses: await this.clients.open(), limits: this.share.limits };
  }

  /** A frame of the main process. */
  frame(type: number, payload: FramePayload): void {
    if (type < FRAMES.zhttpPacket) this.uplink.frame(type, payload);
    else takePacketFrame(this.zhttp, type, payload);
  }

  take(message: Exclude<MainMessage, StartMessage>): void {
    switch (message.kind) {
      case 'forget':
        this.hub.dropLastId(message.channel);
        return;
      case 'ask-again':
        this.hub.askAgain(message.channel);
        return;
      case 'refresh':
        this.hub.refresh(message.channel);
        return;
      case 'recover':
        this.hub.forgetLastIds();
        this.clients.askAll();
        return;
      case 'reload':
        this.clients.putInForce(RouteTable.from(message.routes).table);
        return;
      case 'answer':
      case 'no-answer':
        this.handlers.take(message);
        return;
      case 'serve':
      case 'unserve':
      case 'served':
        this.sessions.take(message);
        return;
      case 'find': {
        const { id, ids, refresh } = message;
        this.bus.send({ kind: 'found', id, ids: this.clients.find(ids, refresh) });
        return;
      }
      case 'congested':
        this.uplink.setCongested(message.on);
        return;
      case 'watch':
        this.stats?.wake();
        return;
      case 'pause':
        this.clients.pause();
        return;
      case 'resume':
        void this.resume(message.turn);
        return;
      case 'close':
        void this.close();
    }
  }

  /** A worker that cannot listen any more goes on serving those it has. */
  private async resume(turn: number): Promise<void> {
    try {
      await this.clients.resume();
      this.bus.send({ kind: 'resumed', turn });
    } catch (error) {
      this.log.logger.error(`new clients are left to the other workers: ${String(error)}`);
    }
  }

  private async close(): Promise<void> {
    await this.clients.close();
    await this.tracing.close();
    clearInterval(this.telling);
    this.wheel.close();
    this.tellCounters();
    this.warnings.close();
    await this.log.close();
    await this.bus.end();
    process.exit(0);
  }

  private tellCounters(): void {
    const { vitals, clients } = this;
    // The survey brings some of the counters up to date.
    const reading = vitals && { vitals: vitals.read(), survey: clients.survey() };
    this.bus.send({ kind: 'counters', values: { ...this.counters }, reading });
  }
}

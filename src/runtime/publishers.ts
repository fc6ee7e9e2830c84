/** The ways in for publishers and commands: the control port and the ZeroMQ sockets, opened and closed together. */
import type { Settings } from '../config/settings.js';
import { Commands, type Connections } from '../control/commands.js';
import { HttpControl } from '../control/http-control.js';
import type { PublishDoor } from '../control/publish-door.js';
import { parsePullEndpoint } from '../control/pull-endpoint.js';
import type { StatsPublisher } from '../control/stats-publisher.js';
import { ZmqPull, ZmqSub } from '../control/zmq-in.js';
import { ZmqRep } from '../control/zmq-rep.js';
import { ZmqStats } from '../control/zmq-stats.js';
import { ZmtpPull } from '../control/zmtp-pull.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { ChannelObserver } from '../hub/hub.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { Wheel } from '../time/wheel.js';
import { lineOf, loadZeroMq, type ZeroMq } from '../zeromq/load-zeromq.js';

/** Where publishers find us, after opening. */
export interface PublisherAddresses {
  readonly control: { readonly host: string; readonly port: number } | undefined;
  readonly pull: readonly string[];
  readonly sub: readonly string[];
  readonly rep: readonly string[];
  readonly stats: readonly string[];
}

export interface PublisherParts {
  readonly door: PublishDoor;
  readonly connections: Connections;
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  /** Undefined: the stats socket is off. */
  readonly stats: StatsPublisher | undefined;
  /** Called once, when somebody listens to the stats socket. */
  readonly onWatched: () => void;
}

export class Publishers {
  private control: HttpControl | undefined = undefined;
  private pull: ZmtpPull | undefined = undefined;
  private libzmqPull: ZmqPull | undefined = undefined;
  private sub: ZmqSub | undefined = undefined;
  private rep: ZmqRep | undefined = undefined;
  private statsSocket: ZmqStats | undefined = undefined;
  private readonly commands: Commands;
  /** Where the ZeroMQ sockets are, as far as they are open. */
  private readonly bound = { pull: [] as string[], sub: [] as string[], rep: [] as string[], stats: [] as string[] };

  constructor(
    private readonly settings: Settings,
    private readonly hub: { observe(observer: ChannelObserver): void; refresh(channel: string): void; recount(): void },
    private readonly parts: PublisherParts,
  ) {
    this.commands = new Commands({ ...parts, hub, uris: () => this.uris() });
  }

  /** @throws HoldfastError when an address cannot be had */
  async open(): Promise<PublisherAddresses> {
    const control = await this.openControl();
    await this.openPull();
    await this.openSub();
    await this.openRep();
    await this.openStats();
    return { control, ...this.bound };
  }

  async close(): Promise<void> {
    this.libzmqPull?.close();
    this.sub?.close();
    this.rep?.close();
    await Promise.all([this.pull?.close(), this.control?.close()]);
  }

  /** What clients' ends have to say is said by then. */
  async closeStats(): Promise<void> {
    this.parts.stats?.close();
    await this.statsSocket?.close();
  }

  private async openControl(): Promise<PublisherAddresses['control']> {
    const { listen, ...limits } = this.settings.control;
    if (listen === undefined) return undefined;
    this.control = new HttpControl(
      { ...limits, setting: 'control.listen', warnings: this.parts.warnings },
      this.parts.door,
      this.commands,
      this.parts.log,
    );
    return this.control.listen(listen.host, listen.port);
  }

  private async openPull(): Promise<void> {
    const { zeromq: settings } = this.settings;
    const {
      pullMaxMessageBytes: maxMessageBytes,
      pullMaxConnections: maxConnections,
      ipcFileMode: fileMode,
    } = settings;
    const pull = new ZmtpPull({ ...this.parts, maxMessageBytes, maxConnections, fileMode });
    this.pull = pull;
    for (const spec of settings.pull) {
      const endpoint = settings.pullEngine === 'holdfast' ? parsePullEndpoint(spec) : undefined;
      if (endpoint !== undefined) {
        this.bound.pull.push(await pull.bind(spec, endpoint, 'zeromq.pull'));
        continue;
      }
      const zeromq = await this.libzmq(
        settings.pullEngine === 'libzmq'
          ? 'reading PULL by libzmq (setting zeromq.pull_engine)'
          : `the address ${spec} (setting zeromq.pull)`,
      );
      if (zeromq === undefined) {
        // One sentence for a setting, and one for an address.
        if (settings.pullEngine === 'libzmq') return;
        continue;
      }
      if (settings.pullEngine === 'holdfast') {
        this.parts.log.info(
          `zeromq.pull ${spec} is left to libzmq: it is neither an IP address nor the path of a file`,
        );
      }
      this.libzmqPull ??= new ZmqPull(zeromq, this.parts.door, maxMessageBytes, fileMode);
      this.bound.pull.push(await this.libzmqPull.bind(spec, 'zeromq.pull'));
    }
  }

  private async openSub(): Promise<void> {
    const { zeromq: settings } = this.settings;
    if (settings.sub.length === 0) return;
    const zeromq = await this.libzmq('publishing by topic (setting zeromq.sub)');
    if (zeromq === undefined) return;
    this.sub = new ZmqSub(zeromq, this.parts.door, settings.subMaxMessageBytes, settings.ipcFileMode);
    for (const spec of settings.sub) {
      this.bound.sub.push(await this.sub.open(spec, settings.subConnect, 'zeromq.sub'));
    }
    this.hub.observe(this.sub);
  }

  private async openRep(): Promise<void> {
    const { zeromq: settings } = this.settings;
    if (settings.rep.length === 0) return;
    const zeromq = await this.libzmq('commands over ZeroMQ (setting zeromq.rep)');
    if (zeromq === undefined) return;
    this.rep = new ZmqRep({
      ...this.parts,
      zeromq,
      commands: this.commands,
      maxRequestBytes: this.settings.control.maxBodyBytes,
      fileMode: settings.ipcFileMode,
    });
    for (const spec of settings.rep) this.bound.rep.push(await this.rep.bind(spec, 'zeromq.rep'));
  }

  private async openStats(): Promise<void> {
    const { stats, counters, warnings, onWatched } = this.parts;
    const { zeromq: settings } = this.settings;
    if (stats === undefined) return;
    const zeromq = await this.libzmq('telling what happens (setting zeromq.stats)');
    if (zeromq === undefined) return;
    const { format } = this.settings.stats;
    const wanted = (): void => {
      stats.wake((packet) => socket.send(packet));
      this.hub.recount();
      onWatched();
    };
    const socket = new ZmqStats(zeromq, { counters, warnings, format, from: `handler_${process.pid}`, wanted });
    this.statsSocket = socket;
    for (const spec of settings.stats) {
      this.bound.stats.push(await socket.bind(spec, 'zeromq.stats', settings.ipcFileMode));
    }
    socket.start();
  }

  /** By the names the original has for them; a SUB socket that connects is nowhere to be found. */
  private uris(): ReadonlyMap<string, string> {
    const uris = new Map<string, string>();
    const name = (key: string, [address]: readonly string[]): void => {
      if (address !== undefined) uris.set(key, address);
    };
    name('command', this.bound.rep);
    name('publish-pull', this.bound.pull);
    if (!this.settings.zeromq.subConnect) name('publish-sub', this.bound.sub);
    return uris;
  }

  /** Undefined, and a line in the log, where the package is not installed. */
  private async libzmq(wantedBy: string): Promise<ZeroMq | undefined> {
    try {
      return await loadZeroMq(wantedBy);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      // On by default, so its absence must not keep anybody from starting.
      this.parts.log.warn(lineOf(error));
      return undefined;
    }
  }
}

/** The ways in for publishers: the control port and the ZeroMQ sockets, opened and closed together. */
import type { Settings } from '../config/settings.js';
import { HttpControl } from '../control/http-control.js';
import type { PublishDoor } from '../control/publish-door.js';
import { ZmqPull, ZmqSub } from '../control/zmq-in.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { ChannelObserver } from '../hub/hub.js';
import type { Logger } from '../observe/logger.js';
import { loadZeroMq } from '../zeromq/load-zeromq.js';

/** Where publishers find us, after opening. */
export interface PublisherAddresses {
  readonly control: { readonly host: string; readonly port: number } | undefined;
  readonly pull: readonly string[];
  readonly sub: readonly string[];
}

export class Publishers {
  private control: HttpControl | undefined = undefined;
  private pull: ZmqPull | undefined = undefined;
  private sub: ZmqSub | undefined = undefined;

  constructor(
    private readonly settings: Settings,
    private readonly hub: { observe(observer: ChannelObserver): void },
    private readonly door: PublishDoor,
    private readonly log: Logger,
  ) {}

  /** @throws HoldfastError when an address cannot be had */
  async open(): Promise<PublisherAddresses> {
    const control = await this.openControl();
    const { pull, sub } = await this.openZeroMq();
    return { control, pull, sub };
  }

  async close(): Promise<void> {
    this.pull?.close();
    this.sub?.close();
    await this.control?.close();
  }

  private async openControl(): Promise<PublisherAddresses['control']> {
    const { listen, ...limits } = this.settings.control;
    if (listen === undefined) return undefined;
    this.control = new HttpControl({ ...limits, setting: 'control.listen' }, this.door, this.log);
    return this.control.listen(listen.host, listen.port);
  }

  private async openZeroMq(): Promise<{ pull: string[]; sub: string[] }> {
    const { zeromq: settings } = this.settings;
    const opened = { pull: [] as string[], sub: [] as string[] };
    if (settings.pull.length === 0 && settings.sub.length === 0) return opened;
    try {
      const zeromq = await loadZeroMq('publishing over ZeroMQ (settings zeromq.pull and zeromq.sub)');
      this.pull = new ZmqPull(zeromq, this.door, settings.ipcFileMode);
      this.sub = new ZmqSub(zeromq, this.door, settings.ipcFileMode);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      // On by default, so its absence must not keep anybody from starting.
      this.log.warn(`${error.message}. ${error.hint}`);
      return opened;
    }
    for (const spec of settings.pull) opened.pull.push(await this.pull.bind(spec, 'zeromq.pull'));
    for (const spec of settings.sub) opened.sub.push(await this.sub.open(spec, settings.subConnect, 'zeromq.sub'));
    this.hub.observe(this.sub);
    return opened;
  }
}

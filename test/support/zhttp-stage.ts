/**
 * Everything between a client and a ZHTTP worker, put together as a process is, with its sessions and sockets at hand: a
 * real client half, real sockets, and a clock moved by hand.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZhttpSessions } from '../../src/backend/zhttp/sessions.js';
import { ZhttpSockets } from '../../src/backend/zhttp/zhttp-sockets.js';
import { type DeepPartial, resolveSettings } from '../../src/config/schema.js';
import type { Settings } from '../../src/config/settings.js';
import type { Hub } from '../../src/hub/hub.js';
import type { Uplink } from '../../src/hub/uplink.js';
import type { Counters } from '../../src/observe/counters.js';
import { COMMAND_LINE, parseRoutesLines } from '../../src/routes/load-routes.js';
import { ClientHalf } from '../../src/runtime/client-half.js';
import { systemClock } from '../../src/time/clock.js';
import { Wheel } from '../../src/time/wheel.js';
import { loadZeroMq } from '../../src/zeromq/load-zeromq.js';
import type { Opened } from './closing.js';
import type { CollectedLog } from './collected-log.js';
import { turnUntil } from './deadline.js';
import type { ManualClock } from './manual-clock.js';
import type { RawClient } from './raw-client.js';
import { sampleHub } from './sample-hub.js';
import { EventsClient, knock } from './websocket-client.js';
import { type WorkerOptions, type WorkerSession, ZhttpWorker } from './zhttp-worker.js';

export interface ZhttpStageOptions {
  /** In front of the target; default `*,debug`, so that the client is told what happened. */
  readonly condition?: string;
  /** Behind the target: `,over_http`, or further targets. */
  readonly properties?: string;
  readonly settings?: DeepPartial<Settings>;
  /** Where items come from, when the hub does not take them in itself. */
  readonly uplink?: Uplink;
}

/** An ipc address in a folder of its own. */
export function ipcAddress(opened: Opened): string {
  const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
  return `ipc://${folder}/workers`;
}

export class ZhttpStage {
  private constructor(
    private readonly opened: Opened,
    readonly spec: string,
    readonly port: number,
    readonly sessions: ZhttpSessions,
    readonly sockets: ZhttpSockets,
    readonly hub: Hub,
    readonly clock: ManualClock,
    readonly log: CollectedLog,
    readonly counters: Counters,
  ) {}

  static async start(opened: Opened, options: ZhttpStageOptions = {}): Promise<ZhttpStage> {
    const { condition = '*,debug', properties = '', settings = {}, uplink } = options;
    const spec = ipcAddress(opened);
    const { hub, wheel, clock, log, warnings, counters } = sampleHub({}, uplink);
    const instanceId = 'proxy_1-test';
    const socketWheel = opened.add(new Wheel(systemClock), (one) => one.close());
    const parts = { wheel: socketWheel, log, warnings, counters, instanceId };
    const sockets = opened.add(new ZhttpSockets(parts), (one) => one.close());
    await sockets.bind(await loadZeroMq('the test'), spec, 'the test');
    const link: ConstructorParameters<typeof ZhttpSessions>[0]['link'] = (taker) => sockets.link(taker);
    const zhttp = new ZhttpSessions({ wheel, warnings, counters, instanceId, link });
    const { table } = parseRoutesLines([`${condition} zhttp/${spec}${properties}`], COMMAND_LINE);
    const resolved = resolveSettings({ http: { listen: [{ host: '127.0.0.1', port: 0 }] }, ...settings });
    const shared = { hub, wheel, log, warnings, counters };
    const half = {
      ...shared,
      settings: resolved,
      random: () => 0,
      zeroMq: () => undefined,
      publishing: { publish: () => {}, congested: false, whenClear: (run: () => void) => run() },
      zhttp,
    };
    const clients = opened.add(new ClientHalf(half, table), (one) => one.close());
    const [address] = await clients.open();
    return new ZhttpStage(opened, spec, address?.port ?? 0, zhttp, sockets, hub, clock, log, counters);
  }

  worker(name?: string, options?: WorkerOptions): Promise<ZhttpWorker> {
    return ZhttpWorker.connect(this.opened, this.spec, name, options);
  }

  get(path: string, ...headers: readonly string[]): Promise<RawClient> {
    return this.opened.get(this.port, path, ...headers);
  }

  /** A client that sends these bytes. */
  async send(bytes: string | Buffer): Promise<RawClient> {
    const client = await this.opened.client(this.port);
    client.write(bytes);
    return client;
  }

  webSocket(path = '/chat', headers: Record<string, string> = {}): EventsClient {
    return this.opened.add(new EventsClient(this.port, path, headers), (client) => client.socket.terminate());
  }

  /** A raw client whose handshake is sent. */
  async knock(path = '/chat', ...headers: readonly string[]): Promise<RawClient> {
    return this.opened.add(await knock(this.port, path, ...headers), (client) => client.close());
  }

  /** A WebSocket that a worker has accepted. */
  async accepted(worker: ZhttpWorker, ...headers: readonly (readonly [string, string])[]) {
    const client = this.webSocket();
    const session: WorkerSession = await worker.session();
    await session.send({ code: 101, reason: 'Switching Protocols', headers, credits: 200_000 });
    await client.sees(0);
    return { client, session };
  }

  /** Resolves when no session is left, neither here nor at the sockets. */
  async empty(): Promise<void> {
    await turnUntil('the end of all sessions', () => this.sessions.size === 0 && this.sockets.sessions() === 0);
    if (this.counters.zhttpSessions !== 0) throw new Error(`${this.counters.zhttpSessions} sessions are still counted`);
  }
}

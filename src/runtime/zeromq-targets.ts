/** The ZeroMQ sockets that the routes in force need, opened when a route asks for them. */
import { randomUUID } from 'node:crypto';
import type { HttpBackend } from '../backend/verdict.js';
import { ZhttpSockets } from '../backend/zhttp/zhttp-sockets.js';
import { ZhttpReq } from '../backend/zhttpreq.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { RouteTable } from '../routes/route-table.js';
import { systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';
import { lineOf, loadZeroMq } from '../zeromq/load-zeromq.js';

/** What tells processes with the same number apart. */
const INSTANCE_DIGITS = 8;

const HINT = 'Free the address or give the route another one; of ipc: the folder must be writable, and the path short.';

export interface ZeroMqTargetsParts {
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
}

export class ZeroMqTargets {
  /** Goes into every packet as `from`. Handlers may serve several of us, on other machines as well. */
  readonly instanceId = `proxy_${process.pid}-${randomUUID().slice(0, INSTANCE_DIGITS)}`;
  /** Those of `zhttp/` targets. */
  readonly sockets: ZhttpSockets;
  private zhttpreq: ZhttpReq | undefined = undefined;
  /** Sockets are waited for in real time, whatever clock the holds go by. */
  private readonly socketWheel = new Wheel(systemClock);

  constructor(private readonly parts: ZeroMqTargetsParts) {
    const { log, warnings, counters } = parts;
    this.sockets = new ZhttpSockets({ wheel: this.socketWheel, log, warnings, counters, instanceId: this.instanceId });
  }

  /** Where requests to `zhttpreq/` targets go; undefined when no route has one that could be opened. */
  get requests(): HttpBackend | undefined {
    return this.zhttpreq;
  }

  /**
   * Opens what the routes need, and lets go of what they do not. What cannot be opened is reported; requests to it are
   * answered 502.
   */
  async prepare(table: RouteTable): Promise<void> {
    const { log } = this.parts;
    this.sockets.retain(specsOf(table, 'zhttp'));
    this.zhttpreq?.retain(specsOf(table, 'zhttpreq'));
    for (const { kind, spec } of table.zhttpAddresses()) {
      const wantedBy = `the route target ${kind}/${spec}`;
      const fileMode = fileModeOf(table, spec);
      try {
        if (kind === 'zhttp') {
          await this.sockets.bind(await loadZeroMq(wantedBy), spec, wantedBy, fileMode);
        } else {
          this.zhttpreq ??= await this.makeZhttpReq(wantedBy);
          await this.zhttpreq.bind(spec, wantedBy, fileMode);
        }
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        log.error(troubleOf(error));
      }
    }
  }

  async close(): Promise<void> {
    await this.zhttpreq?.close();
    this.sockets.close();
    this.socketWheel.close();
  }

  private async makeZhttpReq(wantedBy: string): Promise<ZhttpReq> {
    const { wheel, log, warnings, counters } = this.parts;
    const { instanceId } = this;
    return new ZhttpReq({ zeromq: await loadZeroMq(wantedBy), wheel, log, warnings, counters, instanceId });
  }
}

/** What the log says of a target that cannot be bound: no setting has its address. */
function troubleOf(error: HoldfastError): string {
  return error.code === 'HOLDFAST_LISTEN_FAILED' ? `${error.message}. ${HINT}` : lineOf(error);
}

function specsOf(table: RouteTable, kind: 'zhttp' | 'zhttpreq'): ReadonlySet<string> {
  return new Set(table.zhttpAddresses().flatMap((address) => (address.kind === kind ? [address.spec] : [])));
}

/** `ipc_file_mode` of the first target with this address. */
function fileModeOf(table: RouteTable, spec: string): number | undefined {
  for (const { targets } of table.routes()) {
    for (const target of targets) if ('spec' in target && target.spec === spec) return target.options.ipcFileMode;
  }
  return undefined;
}

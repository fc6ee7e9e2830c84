/** The ZeroMQ sockets that the routes in force need, opened when a route asks for them. */
import type { HttpBackend } from '../backend/verdict.js';
import { ZhttpReq } from '../backend/zhttpreq.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { RouteTable } from '../routes/route-table.js';
import type { Wheel } from '../time/wheel.js';
import { lineOf, loadZeroMq } from '../zeromq/load-zeromq.js';

export interface ZeroMqTargetsParts {
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
}

export class ZeroMqTargets {
  private zhttpreq: ZhttpReq | undefined = undefined;

  constructor(private readonly parts: ZeroMqTargetsParts) {}

  /** Where requests to `zhttpreq/` targets go; undefined when no route has one that could be opened. */
  get requests(): HttpBackend | undefined {
    return this.zhttpreq;
  }

  /** Opens what the routes need. What cannot be opened is reported; requests to it are answered 502. */
  async prepare(table: RouteTable): Promise<void> {
    const { log } = this.parts;
    for (const { kind, spec } of table.zhttpAddresses()) {
      const wantedBy = `the route target ${kind}/${spec}`;
      if (kind === 'zhttp') {
        log.warn(`${wantedBy} is not supported in this version (zhttpreq/ is): requests to it are answered 502`);
        continue;
      }
      try {
        this.zhttpreq ??= await this.makeZhttpReq(wantedBy);
        await this.zhttpreq.bind(spec, wantedBy, fileModeOf(table, spec));
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        log.error(lineOf(error));
      }
    }
  }

  async close(): Promise<void> {
    await this.zhttpreq?.close();
  }

  private async makeZhttpReq(wantedBy: string): Promise<ZhttpReq> {
    const { wheel, warnings, counters } = this.parts;
    const zeromq = await loadZeroMq(wantedBy);
    return new ZhttpReq({ zeromq, wheel, warnings, counters, instanceId: `proxy_${process.pid}` });
  }
}

/** `ipc_file_mode` of the first target with this address. */
function fileModeOf(table: RouteTable, spec: string): number | undefined {
  for (const { targets } of table.routes()) {
    for (const target of targets) if ('spec' in target && target.spec === spec) return target.options.ipcFileMode;
  }
  return undefined;
}

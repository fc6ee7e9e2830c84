/** The ways to the targets of the route table in force: HTTP always, ZeroMQ when a route asks for it. */
import { HttpOrigin, type HttpOriginOptions } from '../backend/http-origin.js';
import type { HttpBackend } from '../backend/verdict.js';
import { WebSocketOrigins } from '../backend/websocket-origin/websocket-origins.js';
import { ZhttpReq } from '../backend/zhttpreq.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { HoldParts } from '../hold/hold-parts.js';
import type { Target } from '../routes/route.js';
import type { RouteTable } from '../routes/route-table.js';
import { systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';
import { loadZeroMq } from '../zeromq/load-zeromq.js';

export class Backends {
  readonly webSockets: WebSocketOrigins;
  private readonly origins: HttpOrigin;
  /** Sockets are waited for in real time, whatever clock the holds go by. */
  private readonly originWheel = new Wheel(systemClock);
  private zhttpreq: ZhttpReq | undefined = undefined;

  constructor(
    private readonly holds: HoldParts,
    options: Omit<HttpOriginOptions, 'wheel'>,
  ) {
    this.origins = new HttpOrigin({ ...options, wheel: this.originWheel });
    this.webSockets = new WebSocketOrigins(options);
  }

  /** Opens what the routes need. What cannot be opened is reported; requests to it are answered 502. */
  async prepare(table: RouteTable): Promise<void> {
    const { log } = this.holds;
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
        log.error(`${error.message}. ${error.hint}`);
      }
    }
  }

  backendFor(target: Target): HttpBackend | undefined {
    switch (target.kind) {
      case 'origin':
        return this.origins;
      case 'zhttpreq':
        return this.zhttpreq;
      case 'zhttp':
      case 'test':
        return undefined;
    }
  }

  /** @param grace - milliseconds that requests under way may still take */
  async close(grace: number): Promise<void> {
    await Promise.all([this.origins.close(grace), this.webSockets.close(grace), this.zhttpreq?.close()]);
    this.originWheel.close();
  }

  private async makeZhttpReq(wantedBy: string): Promise<ZhttpReq> {
    const { wheel, warnings, counters } = this.holds;
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

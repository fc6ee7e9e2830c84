/** The ways to the targets of the route table in force. */
import { HttpOrigin, type HttpOriginOptions } from '../backend/http-origin.js';
import { MeteredBackend } from '../backend/metered-backend.js';
import type { HttpBackend } from '../backend/verdict.js';
import { WebSocketOrigins } from '../backend/websocket-origin/websocket-origins.js';
import { MeteredOpenings } from '../backend/zhttp/metered-openings.js';
import type { ZhttpSessions } from '../backend/zhttp/sessions.js';
import type { OriginMeter } from '../observe/origin-meter.js';
import type { Target } from '../routes/route.js';
import { systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';

export class Backends {
  readonly webSockets: WebSocketOrigins;
  /** WebSockets with handlers that stream. */
  readonly openings: MeteredOpenings;
  private readonly origins: HttpOrigin;
  private readonly streaming: HttpBackend;
  /** The way to ZeroMQ handlers, counted. */
  private handlers: MeteredBackend | undefined = undefined;
  private readonly meter: OriginMeter;
  /** Sockets are waited for in real time, whatever clock the holds go by. */
  private readonly originWheel = new Wheel(systemClock);

  /** @param zeroMq - the way to `zhttpreq/` targets; undefined while there is none */
  constructor(
    options: Omit<HttpOriginOptions, 'wheel'> & { readonly meter: OriginMeter },
    private readonly zeroMq: () => HttpBackend | undefined,
    private readonly zhttp: ZhttpSessions,
  ) {
    this.meter = options.meter;
    this.streaming = new MeteredBackend(zhttp, options.meter);
    this.openings = new MeteredOpenings(zhttp, options.meter);
    this.origins = new HttpOrigin({ ...options, wheel: this.originWheel });
    this.webSockets = new WebSocketOrigins(options);
  }

  backendFor(target: Target): HttpBackend | undefined {
    switch (target.kind) {
      case 'origin':
        return this.origins;
      case 'zhttpreq':
        return this.metered(this.zeroMq());
      case 'zhttp':
        return this.streaming;
      case 'test':
      case 'pinghub':
        return undefined;
    }
  }

  private metered(backend: HttpBackend | undefined): HttpBackend | undefined {
    if (backend !== undefined && this.handlers?.backend !== backend) {
      this.handlers = new MeteredBackend(backend, this.meter);
    }
    return backend === undefined ? undefined : this.handlers;
  }

  /** @param grace - milliseconds that requests under way may still take */
  async close(grace: number): Promise<void> {
    await Promise.all([this.origins.close(grace), this.webSockets.close(grace), this.zhttp.close(grace)]);
    this.originWheel.close();
  }
}

/** The ways to the targets of the route table in force. */
import { HttpOrigin, type HttpOriginOptions } from '../backend/http-origin.js';
import type { HttpBackend } from '../backend/verdict.js';
import { WebSocketOrigins } from '../backend/websocket-origin/websocket-origins.js';
import type { Target } from '../routes/route.js';

export class Backends {
  readonly webSockets: WebSocketOrigins;
  private readonly origins: HttpOrigin;

  /** @param zeroMq - the way to `zhttpreq/` targets; undefined while there is none */
  constructor(
    options: HttpOriginOptions,
    private readonly zeroMq: () => HttpBackend | undefined,
  ) {
    this.origins = new HttpOrigin(options);
    this.webSockets = new WebSocketOrigins(options);
  }

  backendFor(target: Target): HttpBackend | undefined {
    switch (target.kind) {
      case 'origin':
        return this.origins;
      case 'zhttpreq':
        return this.zeroMq();
      case 'zhttp':
      case 'test':
        return undefined;
    }
  }

  /** @param grace - milliseconds that requests under way may still take */
  async close(grace: number): Promise<void> {
    await Promise.all([this.origins.close(grace), this.webSockets.close(grace)]);
  }
}

/** Counts the handshakes with handlers, as those with origins that speak WebSocket themselves are. */
import type { OriginMeter } from '../../observe/origin-meter.js';
import type { Target } from '../../routes/route.js';
import { resultOf } from '../origin-result.js';
import type { Call } from '../verdict.js';
import type { OpeningRequest } from '../websocket-origin/opening.js';
import type { ZhttpSessions } from './sessions.js';
import type { SocketLimits, SocketResult } from './zhttp-socket.js';

export class MeteredOpenings {
  constructor(
    private readonly sessions: ZhttpSessions,
    private readonly meter: OriginMeter,
  ) {}

  /** As `ZhttpSessions` does it. */
  open(
    target: Target & { readonly kind: 'zhttp' },
    request: OpeningRequest,
    limits: SocketLimits,
    done: (result: SocketResult) => void,
  ): Call {
    const opening = new MeteredOpening(this.meter, done);
    opening.call = this.sessions.open(target, request, limits, (result) => opening.settle(result));
    return opening;
  }
}

class MeteredOpening implements Call {
  call: Call | undefined = undefined;
  private over = false;
  private readonly since: number;

  constructor(
    private readonly meter: OriginMeter,
    private readonly done: (result: SocketResult) => void,
  ) {
    this.since = meter.begins();
  }

  settle(result: SocketResult): void {
    this.over = true;
    if (result.kind === 'failed') this.meter.ends(resultOf(result.failure));
    else this.meter.answered(this.since, result.kind === 'opened' ? 101 : result.response.code);
    this.done(result);
  }

  cancel(): void {
    if (!this.over) this.meter.ends('cancelled');
    this.over = true;
    this.call?.cancel();
  }
}

/**
 * The ZeroMQ sockets that the routes in force need, opened when a route asks for them.
 *
 *     wanted ──► bound
 *        └──taken──► missing ──an old address was closed──► tried again, for a second ──► bound, or missing still
 *
 * A new target may want what an old route still holds: such an address stays for a while after its last route.
 */
import { randomUUID } from 'node:crypto';
import type { HttpBackend } from '../backend/verdict.js';
import { ZhttpSockets } from '../backend/zhttp/zhttp-sockets.js';
import { ZhttpReq } from '../backend/zhttpreq.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { RouteTable, ZhttpAddress } from '../routes/route-table.js';
import { systemClock } from '../time/clock.js';
import { Timed, Wheel } from '../time/wheel.js';
import { isTaken } from '../zeromq/bind.js';
import { lineOf, loadZeroMq } from '../zeromq/load-zeromq.js';

/** What tells processes with the same number apart. */
const INSTANCE_DIGITS = 8;

/** libzmq gives an address up a moment after its socket was closed: milliseconds between two tries, and how many there are. */
const TRY_INTERVAL = 50;
const TRIES = 20;

const HINT = 'Free the address or give the route another one; of ipc: the folder must be writable, and the path short.';
const AGAIN = 'It is tried again when the addresses that no route has any more are closed';

export interface ZeroMqTargetsParts {
  readonly wheel: Wheel;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
}

/** What a route needs. */
type Wanted = ZhttpAddress & { readonly fileMode: number | undefined };

export class ZeroMqTargets extends Timed {
  /** Goes into every packet as `from`. Handlers may serve several of us, on other machines as well. */
  readonly instanceId = `proxy_${process.pid}-${randomUUID().slice(0, INSTANCE_DIGITS)}`;
  /** Those of `zhttp/` targets. */
  readonly sockets: ZhttpSockets;
  private zhttpreq: ZhttpReq | undefined = undefined;
  /** Sockets are waited for in real time, whatever clock the holds go by. */
  private readonly socketWheel = new Wheel(systemClock);
  /** What the table in force needs and somebody else has. */
  private missing: readonly Wanted[] = [];
  private triesLeft = 0;
  /** One table after the other, and no try in the middle of one. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly parts: ZeroMqTargetsParts) {
    super();
    const { log, warnings, counters } = parts;
    const { socketWheel: wheel, instanceId } = this;
    this.sockets = new ZhttpSockets({ wheel, log, warnings, counters, instanceId, onClosed: () => this.beginTries() });
  }

  /** Where requests to `zhttpreq/` targets go; undefined when no route has one that could be opened. */
  get requests(): HttpBackend | undefined {
    return this.zhttpreq;
  }

  /**
   * Opens what the routes need, and lets go of what they do not. What cannot be opened is reported; requests to it are
   * answered 502.
   */
  prepare(table: RouteTable): Promise<void> {
    return this.inTurn(async () => {
      this.sockets.retain(specsOf(table, 'zhttp'));
      this.zhttpreq?.retain(specsOf(table, 'zhttpreq'));
      const wanted = table
        .zhttpAddresses()
        .map((address) => ({ ...address, fileMode: fileModeOf(table, address.spec) }));
      const troubles = await this.bindAll(wanted);
      for (const error of troubles) this.report(error);
    });
  }

  /** A try is due. */
  onTime(): void {
    void this.inTurn(() => this.tryAgain());
  }

  async close(): Promise<void> {
    // Nothing is tried again from now on.
    this.socketWheel.close();
    await this.turn;
    await this.zhttpreq?.close();
    this.sockets.close();
  }

  private inTurn(run: () => Promise<void>): Promise<void> {
    const over = this.turn.then(run);
    this.turn = over.catch(() => {});
    return over;
  }

  /** Addresses have been given up: not only those of before may be wanted, a table may be on its way into force. */
  private beginTries(): void {
    this.triesLeft = TRIES;
    this.socketWheel.start(this, TRY_INTERVAL);
  }

  private async tryAgain(): Promise<void> {
    const { log } = this.parts;
    const before = this.missing;
    const troubles = await this.bindAll(before);
    for (const wanted of before) {
      if (this.missing.includes(wanted) || !log.enabled('info')) continue;
      log.info(`${wanted.kind}/${wanted.spec}: bound, the address is free now`);
    }
    this.triesLeft -= 1;
    if (this.missing.length > 0 && this.triesLeft > 0) this.socketWheel.start(this, TRY_INTERVAL);
    else for (const error of troubles) this.report(error);
  }

  /** @returns why some cannot be bound; those that somebody else has are missing from now on, and no others */
  private async bindAll(all: readonly Wanted[]): Promise<HoldfastError[]> {
    const troubles: HoldfastError[] = [];
    const missing: Wanted[] = [];
    for (const wanted of all) {
      try {
        await this.bind(wanted);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        troubles.push(error);
        if (isTaken(error)) missing.push(wanted);
      }
    }
    this.missing = missing;
    return troubles;
  }

  private async bind({ kind, spec, fileMode }: Wanted): Promise<void> {
    const wantedBy = `the route target ${kind}/${spec}`;
    if (kind === 'zhttp') {
      await this.sockets.bind(await loadZeroMq(wantedBy), spec, wantedBy, fileMode);
    } else {
      this.zhttpreq ??= await this.makeZhttpReq(wantedBy);
      await this.zhttpreq.bind(spec, wantedBy, fileMode);
    }
  }

  /** What to do about it is not what the catalogue says: no setting has the address. */
  private report(error: HoldfastError): void {
    const isLeaving = this.sockets.leaving || this.zhttpreq?.leaving === true;
    const advice = isLeaving && isTaken(error) ? AGAIN : HINT;
    this.parts.log.error(error.code === 'HOLDFAST_LISTEN_FAILED' ? `${error.message}. ${advice}` : lineOf(error));
  }

  private async makeZhttpReq(wantedBy: string): Promise<ZhttpReq> {
    const { wheel, log, warnings, counters } = this.parts;
    const { instanceId } = this;
    const zeromq = await loadZeroMq(wantedBy);
    return new ZhttpReq({ zeromq, wheel, log, warnings, counters, instanceId, onClosed: () => this.beginTries() });
  }
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

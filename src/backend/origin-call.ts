/**
 * One request at an origin: on which connection, whether it may be repeated, and what its failure means.
 *
 *     open ──► answered ──► over          open ──connection was stale──► open, on a new one, once
 *       └────────┴── failed ──► over        └── cancelled ──► over
 */
import type { OriginMeter } from '../observe/origin-meter.js';
import type { HeaderList } from '../protocol/headers.js';
import type { Target } from '../routes/route.js';
import type { OriginConnection, OriginExchange } from './origin-connection.js';
import { asError, failureOf, isClosed } from './origin-failure.js';
import type { OriginPools } from './origin-pools.js';
import { resultOf } from './origin-result.js';
import type { AnswerCall, AnswerReceiver, Failure, OriginRequest } from './verdict.js';

/** Methods that mean the same twice as once (RFC 9110 9.2.2): no others may be repeated by a proxy. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class OriginCall implements OriginExchange, AnswerCall {
  private state: 'open' | 'over' = 'open';
  private connection: OriginConnection | undefined = undefined;
  private sending = false;
  private repeated = false;
  /** The request is on a connection. */
  private started = false;
  /** The first byte of an answer has come. */
  private heard = false;
  /** Its head has come. */
  private answered = false;
  /** What the meter gave when the request was sent. */
  private since = 0;

  /**
   * @param over - called once, by whatever way the call ends
   * @param meter - undefined: nobody counts
   */
  constructor(
    private readonly pools: OriginPools,
    private readonly request: OriginRequest,
    private readonly target: Target,
    private readonly receiver: AnswerReceiver,
    private readonly over: () => void,
    private readonly meter: OriginMeter | undefined,
  ) {}

  /** Sends the request; the receiver hears nothing before this returns. */
  start(): void {
    this.since = this.meter?.begins() ?? 0;
    this.send();
  }

  cancel(): void {
    if (this.state !== 'open') return;
    if (!this.answered) this.meter?.ends('cancelled');
    this.leave();
    this.breakOff();
  }

  resume(): void {
    if (this.state === 'open') this.connection?.resume();
  }

  requestStarts(): void {
    this.started = true;
  }

  answerBegins(): void {
    this.heard = true;
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.state !== 'open') return;
    this.answered = true;
    this.meter?.answered(this.since, code);
    this.receiver.head(code, reason, headers);
  }

  data(piece: Buffer): boolean {
    return this.state !== 'open' || this.receiver.data(piece);
  }

  ended(reusable: boolean): void {
    if (this.state !== 'open') return;
    this.leave();
    if (!reusable) this.breakOff();
    else if (this.connection !== undefined) this.pools.giveBack(this.connection);
    this.receiver.end();
  }

  failed(error: Error): void {
    if (this.state !== 'open') return;
    if (this.sending) {
      queueMicrotask(() => this.failed(error));
    } else if (this.mayRepeat(error)) {
      this.breakOff();
      this.repeated = true;
      this.started = false;
      this.send();
    } else {
      this.fail(failureOf(error, this.target.options.ssl, this.started));
    }
  }

  private send(): void {
    this.sending = true;
    try {
      this.connection = this.pools.take(this.target, this.request.authority, this.repeated);
      this.connection.send(this.request, this);
    } catch (error) {
      this.failed(asError(error));
    } finally {
      this.sending = false;
    }
  }

  /**
   * Whether this is the fate of a connection that the origin gave up at the very moment it was used again. What was
   * not written is no risk at all; what was written may have been acted on.
   */
  private mayRepeat(error: Error): boolean {
    const { connection } = this;
    if (connection === undefined || this.repeated || this.heard || !isClosed(error)) return false;
    if (!this.started) return connection.used;
    const { method, body } = this.request;
    return connection.reused && Buffer.isBuffer(body) && IDEMPOTENT.has(method);
  }

  private fail(failure: Failure): void {
    if (this.answered) this.meter?.breaks();
    else this.meter?.ends(resultOf(failure));
    this.leave();
    this.breakOff();
    this.receiver.failed(failure);
  }

  private leave(): void {
    this.state = 'over';
    this.over();
  }

  /** Ends the connection, which cannot be used after half an exchange. */
  private breakOff(): void {
    if (this.connection !== undefined) this.pools.discard(this.connection);
  }
}

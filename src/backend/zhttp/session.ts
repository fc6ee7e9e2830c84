/**
 * What all sessions with a handler have in common (specification 9.4 to 9.6): numbered packets both ways, windows both
 * ways, signs of life, and an end that the other side hears of.
 *
 *     open ──error, cancel, wrong number, silence, too much──► over          open ──end(), cancel()──► over
 */
import { randomUUID } from 'node:crypto';
import type { Counters } from '../../observe/counters.js';
import type { ReadableRate } from '../../observe/readable-rate.js';
import type { ZhttpRequestPacket, ZhttpResponsePacket } from '../../protocol/zhttp.js';
import { encodeZhttpRequest } from '../../protocol/zhttp.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import type { Failure } from '../verdict.js';
import { failureOf } from './conditions.js';
import { EXPIRY, type Loss, type PacketLink, WINDOW } from './packet-link.js';

/** More than a handler may reasonably grant. */
const MAX_CREDITS = 0x7fff_ffff;

/** Where sessions live. */
export interface SessionHome {
  readonly link: PacketLink;
  readonly wheel: Wheel;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  readonly instanceId: string;
  /** Has `session.flush` called at the end of this turn of the event loop. */
  flushLater(session: ZhttpSession): void;
  over(session: ZhttpSession): void;
}

/** What differs from packet to packet. */
export type PacketFields = Omit<ZhttpRequestPacket, 'from' | 'id' | 'seq'>;

export abstract class ZhttpSession extends Timed {
  readonly id: string = randomUUID();
  /** The handler that has it; undefined before it has spoken, and while it hands the session over. */
  peer: string | undefined = undefined;
  /** The handler takes packets that speak for several sessions. */
  multi = false;
  /** Clock time of the last packet to the handler, in milliseconds. */
  saidAt = 0;
  /** Bytes that may be sent. */
  protected credits = 0;
  private state: 'new' | 'open' | 'over' = 'new';
  private nextIn = 0;
  private nextOut = 1;
  private heardAt = 0;
  /** Bytes that the handler may still send; below 0 when it has not kept to that. */
  private allowance = WINDOW;
  /** Bytes that were taken, and that the handler has not been told of. */
  private owed = 0;
  /** The handler is to hear that we have heard of it. */
  private ackDue = false;

  constructor(
    protected readonly home: SessionHome,
    /** Of the target. */
    readonly spec: string,
  ) {
    super();
  }

  get isOver(): boolean {
    return this.state === 'over';
  }

  /** A packet for this session. @param seq - its number in it */
  take(packet: ZhttpResponsePacket, seq: number | undefined): void {
    if (this.state !== 'open') return;
    const { type, from, credits } = packet;
    if (type === 'error') {
      this.end(false);
      this.refused(packet);
      return;
    }
    if (type === 'cancel') {
      this.end(false);
      this.failed({ kind: 'other', detail: 'the handler cancelled', disconnected: true });
      return;
    }
    if (seq !== this.nextIn) {
      this.broken('sequence', `packet ${seq ?? 'without a number'} came where ${this.nextIn} was due`);
      return;
    }
    this.nextIn += 1;
    this.heardAt = this.home.wheel.clock.now();
    if (packet.ext.multi) this.multi = true;
    if (from !== undefined) this.metBy(from);
    if (credits !== undefined) this.credits = Math.min(this.credits + credits, MAX_CREDITS);
    if (type === 'handoff-start') this.handOver();
    else this.took(packet);
    if (this.isOver) return;
    if (this.peer === undefined && type !== 'handoff-start') {
      this.broken('from', 'a packet does not say whom it is from');
      return;
    }
    this.moved();
  }

  /** The other end is not there. */
  lost(loss: Loss): void {
    if (this.isOver) return;
    this.end(false);
    this.failed(LOST[loss]);
  }

  /** Tells the handler what it is owed; called at the end of a turn in which something came. */
  flush(): void {
    if (this.state !== 'open' || this.peer === undefined) return;
    if (this.owed > 0) this.say({ type: 'credit' });
    else if (this.ackDue) this.say({ type: 'keep-alive' });
  }

  /** A sign of life in a packet of its own. */
  keepAlive(): void {
    this.say({ type: 'keep-alive' });
  }

  /** The number of a packet that is sent for several sessions together. */
  nextSeq(): number {
    this.saidAt = this.home.wheel.clock.now();
    this.ackDue = false;
    this.nextOut += 1;
    return this.nextOut - 1;
  }

  onTime(): void {
    const left = this.heardAt + EXPIRY - this.home.wheel.clock.now();
    if (left > 0) {
      this.home.wheel.start(this, left);
      return;
    }
    this.end(true);
    this.failed({ kind: 'unreachable', timedOut: true });
  }

  /** Calls it off; nothing is told any more. */
  abstract cancel(): void;

  /** Sends the first packet. */
  protected begin(fields: PacketFields): void {
    const { link, wheel, instanceId: from } = this.home;
    const { id } = this;
    this.state = 'open';
    this.heardAt = wheel.clock.now();
    this.saidAt = this.heardAt;
    wheel.start(this, EXPIRY);
    const own = { from, id, seq: 0, credits: WINDOW, routerResp: true, ext: { multi: true } };
    link.begin(this.spec, id, encodeZhttpRequest({ ...own, ...fields }));
  }

  /** Sends a packet to the handler, which has to be known; what it is owed goes along. */
  protected say(fields: PacketFields): void {
    const { peer, id, owed } = this;
    if (this.state !== 'open' || peer === undefined) return;
    const { link, instanceId: from } = this.home;
    const seq = this.nextSeq();
    this.owed = 0;
    this.allowance += owed;
    const packet = { from, id, seq, ...fields, ...(owed > 0 ? { credits: owed } : {}) };
    link.follow(this.spec, peer, id, seq, encodeZhttpRequest(packet));
  }

  /** Counts bytes that have come. @returns false when it was too much: the session is over then */
  protected received(bytes: number): boolean {
    this.allowance -= bytes;
    if (this.allowance >= 0) return true;
    if (this.allowance < -WINDOW) {
      this.broken('overshoot', `${-this.allowance} bytes more than it had credits for`);
      return false;
    }
    this.warn('beyond-credits', `the handler sends more than it has credits for`);
    return true;
  }

  /** These bytes are where they are to go: the handler may send as many more. */
  protected taken(bytes: number): void {
    this.owed += bytes;
    this.home.flushLater(this);
  }

  /** Nothing more is said. @param cancel - the handler does not expect it, and is told */
  protected end(cancel: boolean): void {
    if (this.isOver) return;
    const begun = this.state === 'open';
    this.state = 'over';
    this.home.wheel.stop(this);
    if (begun) this.home.link.end(this.spec, this.id, cancel);
    this.home.over(this);
  }

  /** The handler does not keep to the protocol: nothing it says is of use any more. */
  protected broken(kind: string, what: string): void {
    this.home.counters.dropped['invalid-item'] += 1;
    this.warn(kind, what);
    this.end(true);
    this.failed({ kind: 'other', detail: `zhttp/${this.spec}: ${what}` });
  }

  /** A packet that is neither an error nor a cancel. */
  protected abstract took(packet: ZhttpResponsePacket): void;
  /** There may be more to send: credits have come, or the handler is known. */
  protected abstract moved(): void;
  /** It is over, for a reason that is not ours. */
  protected abstract failed(failure: Failure): void;

  /** It is over by an error of the handler. */
  protected refused({ condition }: ZhttpResponsePacket): void {
    this.failed(failureOf(condition));
  }

  private metBy(from: string): void {
    if (this.peer === undefined) {
      this.ackDue = true;
      this.home.flushLater(this);
    }
    this.peer = from;
  }

  /** The session goes to another handler, which makes itself known by its first packet. */
  private handOver(): void {
    this.say({ type: 'handoff-proceed' });
    this.peer = undefined;
  }

  private warn(kind: string, what: string): void {
    this.home.warnings.warn(`zhttp-${kind}`, `zhttp/${this.spec}: session ${this.id}: ${what}`);
  }
}

const LOST: Readonly<Record<Loss, Failure>> = {
  'not-bound': { kind: 'unreachable' },
  'no-handler': { kind: 'other', detail: 'no handler takes requests at the address of the target' },
  gone: { kind: 'other', detail: 'the handler has gone', disconnected: true },
  dropped: { kind: 'other', detail: 'a packet of the handler was dropped', disconnected: true },
};

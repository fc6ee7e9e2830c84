/** The sessions of this process with handlers behind `zhttp/` targets: HTTP requests and WebSockets. */
import type { Counters } from '../../observe/counters.js';
import type { ReadableRate } from '../../observe/readable-rate.js';
import type { ZhttpResponsePacket } from '../../protocol/zhttp.js';
import type { Target } from '../../routes/route.js';
import type { Wheel } from '../../time/wheel.js';
import type { AnswerCall, AnswerReceiver, Call, Failure, HttpBackend, OriginRequest } from '../verdict.js';
import type { OpeningRequest } from '../websocket-origin/opening.js';
import { KeepAlives } from './keep-alives.js';
import type { Loss, PacketLink, PacketTaker } from './packet-link.js';
import type { SessionHome, ZhttpSession } from './session.js';
import { ZhttpCall } from './zhttp-call.js';
import { type SocketLimits, type SocketResult, ZhttpSocket } from './zhttp-socket.js';

/** Sessions of one process; each may have a window of bytes waiting both ways. */
const MAX_SESSIONS = 50_000;

export interface ZhttpSessionsParts {
  readonly wheel: Wheel;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  readonly instanceId: string;
  /** The way to the sockets. */
  readonly link: (taker: PacketTaker) => PacketLink;
}

export class ZhttpSessions implements HttpBackend, SessionHome, PacketTaker {
  readonly link: PacketLink;
  readonly wheel: Wheel;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  readonly instanceId: string;
  private readonly sessions = new Map<string, ZhttpSession>();
  private readonly keepAlives: KeepAlives;
  private due = new Set<ZhttpSession>();
  private turn: NodeJS.Immediate | undefined = undefined;
  private onEmpty: (() => void) | undefined = undefined;

  constructor({ link, wheel, warnings, counters, instanceId }: ZhttpSessionsParts) {
    this.wheel = wheel;
    this.warnings = warnings;
    this.counters = counters;
    this.instanceId = instanceId;
    this.link = link(this);
    this.keepAlives = new KeepAlives(this, this.sessions);
  }

  /** Sessions there are. */
  get size(): number {
    return this.sessions.size;
  }

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    if (target.kind !== 'zhttp') return refuse({ kind: 'unreachable' }, (failure) => receiver.failed(failure));
    if (this.isFull) return refuse(FULL, (failure) => receiver.failed(failure));
    const call = new ZhttpCall(this, request, target, receiver);
    this.add(call);
    call.start();
    return call;
  }

  /**
   * Asks a handler for a WebSocket.
   *
   * @param done - called once, never before this returns; with an open one its owner has to listen at once
   */
  open(
    target: Target & { readonly kind: 'zhttp' },
    request: OpeningRequest,
    limits: SocketLimits,
    done: (result: SocketResult) => void,
  ): Call {
    if (this.isFull) return refuse(FULL, (failure) => done({ kind: 'failed', failure }));
    const session = new ZhttpSocket(this, target, limits, done);
    this.add(session);
    session.start(request);
    return session;
  }

  packet(packet: ZhttpResponsePacket): true {
    const { id } = packet;
    if (typeof id === 'string') this.sessions.get(id)?.take(packet, packet.seq);
    else for (const one of id ?? []) this.sessions.get(one.id)?.take(packet, one.seq);
    return true;
  }

  lost(id: string, loss: Loss): void {
    this.sessions.get(id)?.lost(loss);
  }

  probe(spec: string): void {
    const asked = new Set<string>();
    for (const session of this.sessions.values()) {
      const { peer } = session;
      if (session.spec !== spec || peer === undefined || asked.has(peer)) continue;
      asked.add(peer);
      session.keepAlive();
    }
  }

  flushLater(session: ZhttpSession): void {
    this.due.add(session);
    this.turn ??= setImmediate(this.flush);
  }

  over(session: ZhttpSession): void {
    if (!this.sessions.delete(session.id)) return;
    this.counters.zhttpSessions -= 1;
    if (this.sessions.size > 0) return;
    this.keepAlives.rest();
    this.onEmpty?.();
  }

  /** Waits for what is under way, `grace` milliseconds at most; then cancels what is left. */
  async close(grace: number): Promise<void> {
    if (this.sessions.size > 0) {
      const timer = setTimeout(() => {
        for (const session of [...this.sessions.values()]) session.cancel();
      }, grace);
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve;
      });
      clearTimeout(timer);
    }
    this.keepAlives.rest();
    if (this.turn !== undefined) clearImmediate(this.turn);
  }

  private get isFull(): boolean {
    if (this.sessions.size < MAX_SESSIONS) return false;
    this.warnings.warn('zhttp-sessions', `zhttp: ${MAX_SESSIONS} sessions are open, more are refused`);
    return true;
  }

  private add(session: ZhttpSession): void {
    this.sessions.set(session.id, session);
    this.counters.zhttpSessions += 1;
    this.keepAlives.start();
  }

  private readonly flush = (): void => {
    this.turn = undefined;
    const { due } = this;
    this.due = new Set();
    for (const session of due) session.flush();
  };
}

const FULL: Failure = { kind: 'other', detail: `more than ${MAX_SESSIONS} sessions with handlers` };

function refuse(failure: Failure, failed: (failure: Failure) => void): AnswerCall {
  let over = false;
  queueMicrotask(() => {
    if (!over) failed(failure);
  });
  return {
    cancel: () => {
      over = true;
    },
    resume: () => {},
  };
}

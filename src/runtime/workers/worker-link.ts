/**
 * One worker as the main process sees it: its process, the pipe to it, and what it says.
 *
 *     starting ──listening──► serving ──close()──► closing ──exit──► gone
 *         └──failed, exit────────┴──exit─────────────────────────────►┘
 */
import type { Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { AnswerCall, HttpBackend } from '../../backend/verdict.js';
import { WholeAnswer } from '../../backend/whole-answer.js';
import type { PacketLink } from '../../backend/zhttp/packet-link.js';
import type { ZhttpSockets } from '../../backend/zhttp/zhttp-sockets.js';
import type { StatsPublisher } from '../../control/stats-publisher.js';
import { HoldfastError } from '../../errors/holdfast-error.js';
import { Counters, type CounterValues } from '../../observe/counters.js';
import type { ProcessReading } from '../../observe/reading.js';
import type { Item } from '../../protocol/item.js';
import type { Clock } from '../../time/clock.js';
import { Bus } from './bus.js';
import type { CentralHub, ItemTaker } from './central-hub.js';
import type { ClientLimits } from './client-share.js';
import type { ConnectionSearch } from './connection-search.js';
import type { FramePayload } from './frames.js';
import { readItem } from './item-frames.js';
import { CHANNEL, FRAMES, type MainMessage, type StartMessage, type WorkerMessage } from './messages.js';
import type { SessionRelay } from './session-relay.js';
import type { Acceptor } from './spread.js';
import { ToldConnections } from './told-connections.js';
import { obeyPacketFrame, SessionsBeyondBus } from './zhttp-frames.js';

/** Where the pipe is in the worker's list of descriptors. */
export const BUS_DESCRIPTOR = 4;
/** Bytes that may wait for a worker before packets of ZeroMQ handlers are dropped: they bound themselves, if they keep to their credits. */
const MAX_QUEUED_PACKETS = 64 * 1024 * 1024;

export interface LinkParts {
  readonly hub: CentralHub;
  /** Takes what the built-in backends of a worker publish. */
  readonly publish: (item: Item, traceparent: string | undefined) => void;
  /** The way to ZeroMQ handlers, whose sockets are in this process. */
  readonly zeroMq: () => HttpBackend | undefined;
  /** The sockets of `zhttp/` targets. */
  readonly zhttp: ZhttpSockets;
  /** The way to SockJS sessions of other workers. */
  readonly relay: SessionRelay;
  /** Who looks for connections. */
  readonly search: ConnectionSearch;
  /** Undefined: there is no stats socket. */
  readonly stats: StatsPublisher | undefined;
}

/** What a worker says when it listens. */
export type Listening = Extract<WorkerMessage, { kind: 'listening' }>;

/** How a worker came to its end. */
export interface WorkerEnd {
  readonly pid: number | undefined;
  /** Such as `signal SIGKILL`, `exit code 1`. */
  readonly how: string;
}

export class WorkerLink implements ItemTaker, Acceptor {
  /** Last counters it has told. */
  counters: CounterValues = new Counters();
  /** What it has told of itself last; undefined while metrics are off. */
  reading: ProcessReading | undefined = undefined;
  /** It listens. */
  serving = false;
  /** It has listened, whatever has become of it. */
  hasServed = false;
  /** It has said something since this was last set to false; it does every second, unless it is stuck. */
  heard = false;
  heardAt = 0;
  provenAt = Number.POSITIVE_INFINITY;
  open = 0;
  limits: ClientLimits = { full: Number.POSITIVE_INFINITY, brink: Number.POSITIVE_INFINITY, step: 1 };
  accepting = false;
  /** Number of times it was told whether to accept. */
  private turn = 0;
  private readonly bus: Bus<MainMessage, WorkerMessage>;
  private readonly calls = new Map<number, AnswerCall>();
  private readonly sessions: SessionsBeyondBus;
  private readonly packets: PacketLink;
  private readonly told: ToldConnections;
  private listening: ((answer: Listening) => void) | undefined = undefined;
  private refused: ((error: Error) => void) | undefined = undefined;
  private readonly ended: Promise<WorkerEnd>;

  /** @param clientsChanged - it has more or fewer clients, serves from now on or no more, or tells that it lives */
  constructor(
    private readonly worker: Worker,
    private readonly parts: LinkParts,
    private readonly clock: Clock,
    /** Milliseconds that it has to serve before others depend on it. */
    private readonly probation: number,
    private readonly clientsChanged: () => void,
  ) {
    const { process: child } = worker;
    let lost: (() => void) | undefined;
    // Its last words may come after the news of its end: it is gone when both are here.
    const silent = new Promise<void>((resolve) => {
      lost = resolve;
    });
    this.bus = new Bus(child.stdio[BUS_DESCRIPTOR] as Socket, {
      message: (message) => this.take(message),
      frame: (type, payload) => this.takeFrame(type, payload),
      lost: () => {
        this.release();
        lost?.();
      },
    });
    this.sessions = new SessionsBeyondBus(this.bus, MAX_QUEUED_PACKETS);
    this.packets = parts.zhttp.link(this.sessions);
    this.told = new ToldConnections((packet) => parts.stats?.packet(packet));
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.refused?.(new Error(`the worker process ended with ${how} while it started`));
        resolve({ pid: child.pid, how });
      };
      worker.once('exit', (code: number, signal: string | null) => {
        void silent.then(() => end(signal ? `signal ${signal}` : `exit code ${code}`));
      });
      // Of a child that could not be started there is no other sign; any other's exit follows.
      worker.on('error', (error) => {
        if (child.pid === undefined) end(error.message);
      });
    });
  }

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  /** Bytes that it has not taken yet. */
  get queuedBytes(): number {
    return this.bus.queuedBytes;
  }

  /**
   * Resolves when it listens.
   * @throws HoldfastError with what the worker says, or an Error when it ends without a word
   */
  start(message: StartMessage): Promise<Listening> {
    return new Promise((resolve, reject) => {
      this.listening = resolve;
      this.refused = reject;
      this.bus.send(message);
    });
  }

  send(message: MainMessage): void {
    this.bus.send(message);
  }

  sendFrame(frame: Buffer): void {
    this.bus.sendFrame(frame);
  }

  accept(on: boolean): void {
    this.accepting = false;
    this.turn += 1;
    this.bus.send(on ? { kind: 'resume', turn: this.turn } : { kind: 'pause' });
  }

  forget(channel: string): void {
    this.bus.send({ kind: 'forget', channel });
  }

  askAgain(channel: string): void {
    this.bus.send({ kind: 'ask-again', channel });
  }

  refresh(channel: string): void {
    this.bus.send({ kind: 'refresh', channel });
  }

  whenTaken(run: () => void): void {
    this.bus.whenTaken(run);
  }

  whenEnded(): Promise<WorkerEnd> {
    return this.ended;
  }

  kill(): void {
    this.worker.process.kill('SIGKILL');
  }

  private take(message: WorkerMessage): void {
    this.heard = true;
    this.heardAt = this.clock.now();
    switch (message.kind) {
      case 'listening':
        this.serving = true;
        this.hasServed = true;
        this.refused = undefined;
        this.limits = message.limits;
        this.accepting = true;
        this.provenAt = this.heardAt + this.probation;
        this.clientsChanged();
        this.listening?.(message);
        return;
      case 'found':
        this.parts.search.found(this, message);
        return;
      case 'resumed':
        if (message.turn !== this.turn) return;
        this.accepting = true;
        this.clientsChanged();
        return;
      case 'clients':
        this.open = message.open;
        this.clientsChanged();
        return;
      case 'failed': {
        const { code, message: text } = message;
        this.refused?.(code === undefined ? new Error(text) : new HoldfastError(code, text));
        return;
      }
      case 'forget':
        this.parts.hub.forgetLastId(this, message.channel);
        return;
      case 'settled':
        this.parts.hub.settled(message.report, message.counts);
        return;
      case 'counters':
        this.counters = message.values;
        this.reading = message.reading;
        this.clientsChanged();
        return;
      case 'stats':
        for (const packet of message.packets) this.told.packet(packet);
        return;
      case 'traffic':
        this.parts.stats?.traffic(this, message.routes);
        return;
      case 'ask':
        this.ask(message);
        return;
      case 'elsewhere':
        this.parts.relay.ask(this, message);
        return;
      case 'left':
        this.parts.relay.left(this, message.id);
        return;
      case 'served':
        this.parts.relay.served(message);
        return;
      case 'cancel':
        this.calls.get(message.id)?.cancel();
        this.calls.delete(message.id);
    }
  }

  private takeFrame(type: number, payload: FramePayload): void {
    if (type === FRAMES.publish) {
      const traceparent = payload.text();
      this.parts.publish(readItem(payload), traceparent === '' ? undefined : traceparent);
      return;
    }
    if (type !== FRAMES.channels) {
      obeyPacketFrame(this.packets, type, payload);
      return;
    }
    const { hub } = this.parts;
    const channel = payload.text();
    const state = payload.u8();
    if (state === CHANNEL.closed) {
      hub.closed(this, channel);
      return;
    }
    if (state === CHANNEL.opened) hub.opened(this, channel);
    hub.counted(this, channel, { response: payload.u32(), stream: payload.u32(), ws: payload.u32() });
  }

  private ask({ id, request, target }: Extract<WorkerMessage, { kind: 'ask' }>): void {
    const backend = this.parts.zeroMq();
    if (backend === undefined) {
      this.bus.send({ kind: 'no-answer', id, failure: { kind: 'unreachable' } });
      return;
    }
    // It has come from its handler in one message: there is nothing left to bound.
    const answer = new WholeAnswer(Number.POSITIVE_INFINITY, (result) => {
      this.calls.delete(id);
      if (result.kind === 'response') this.bus.send({ kind: 'answer', id, response: result.response });
      else this.bus.send({ kind: 'no-answer', id, failure: result.failure });
    });
    this.calls.set(id, backend.send(request, target, answer));
  }

  private release(): void {
    this.serving = false;
    this.clientsChanged();
    this.parts.hub.gone(this);
    this.parts.relay.gone(this);
    this.parts.search.gone(this);
    this.told.gone();
    this.parts.stats?.gone(this);
    this.parts.zhttp.leave(this.sessions);
    for (const call of this.calls.values()) call.cancel();
    this.calls.clear();
  }
}

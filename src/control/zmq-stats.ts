/**
 * The PUB socket for stats (specification 8.4): who connects a SUB socket to it hears what it has subscribed to. It is
 * an XPUB, so that it knows whether anybody listens, and to what: packets for nobody are not made.
 */
import type { XPublisher } from 'zeromq';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { StatsPacket } from '../observe/stats/stats-sink.js';
import { bindSocket } from '../zeromq/bind.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import { encodeStats, type StatsFormat } from './stats-packets.js';

/** Packets that wait for one subscriber in the socket; what is beyond them is lost to it (8.4). */
const HIGH_WATER_MARK = 200_000;
/** Packets that wait here while the socket takes one: as many as come at once when many channels are told of again. */
const MAX_WAITING = HIGH_WATER_MARK;
/** Largest subscription; the types of packets are much shorter. */
const MAX_SUBSCRIPTION_BYTES = 1_000;
/** What subscribers ask for, at a time; further ones hear everything that others hear. */
const MAX_TOPICS = 1_000;
const SUBSCRIBES = 1;
const UNSUBSCRIBES = 0;
/** Milliseconds in which what was sent last may still go out at the end. */
const LINGER = 1_000;

export interface ZmqStatsParts {
  readonly counters: Counters;
  readonly warnings: ReadableRate;
  readonly format: StatsFormat;
  /** Who speaks, in every packet. */
  readonly from: string;
  /** Called once, when somebody listens for the first time. */
  readonly wanted: () => void;
}

export class ZmqStats {
  private readonly socket: XPublisher;
  private readonly topics = new Set<string>();
  private wanted = false;
  private waiting: Buffer[] = [];
  private sending: Promise<void> | undefined = undefined;

  constructor(
    zeromq: ZeroMq,
    private readonly parts: ZmqStatsParts,
  ) {
    this.socket = new zeromq.XPublisher({
      sendHighWaterMark: HIGH_WATER_MARK,
      maxMessageSize: MAX_SUBSCRIPTION_BYTES,
      linger: LINGER,
    });
  }

  /**
   * @param fileMode - permissions of an ipc file
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting`
   */
  async bind(spec: string, setting: string, fileMode: number | undefined): Promise<string> {
    await bindSocket(this.socket, spec, `setting ${setting}`, fileMode);
    return this.socket.lastEndpoint ?? spec;
  }

  /** Takes in who listens, from now on. */
  start(): void {
    void receiveAll(this.socket, ([frame]) => this.subscribed(frame));
  }

  send(packet: StatsPacket): void {
    if (this.socket.closed || !this.isWanted(packet.type)) return;
    const { from, format, counters, warnings } = this.parts;
    if (this.waiting.length >= MAX_WAITING) {
      counters.dropped['stats-full'] += 1;
      warnings.warn('stats-full', `stats: ${MAX_WAITING} packets wait to be sent, dropping one`);
      return;
    }
    this.waiting.push(encodeStats(packet, from, format));
    this.sending ??= this.sendAll();
  }

  /** Sends what waits, and closes. */
  async close(): Promise<void> {
    await this.sending;
    this.socket.close();
  }

  private subscribed(frame: Buffer | undefined): void {
    if (frame === undefined || frame.length === 0) return;
    const topic = frame.toString('latin1', 1);
    if (frame[0] === UNSUBSCRIBES) this.topics.delete(topic);
    // What else a peer says is no business of ours.
    if (frame[0] !== SUBSCRIBES) return;
    // One that is not kept is of the shortest kind, which everything matches.
    this.topics.add(this.topics.size < MAX_TOPICS ? topic : '');
    if (this.wanted) return;
    this.wanted = true;
    this.parts.wanted();
  }

  /** Whether any subscription is for packets that begin like this. */
  private isWanted(type: string): boolean {
    for (const topic of this.topics) if (topic.startsWith(type) || type.startsWith(topic)) return true;
    return false;
  }

  /** A socket of the package sends one message at a time. */
  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0 && !this.socket.closed) {
      const packets = this.waiting;
      this.waiting = [];
      for (const packet of packets) {
        try {
          await this.socket.send(packet);
        } catch {
          // It is closed: nobody hears of it any more.
        }
      }
    }
    this.sending = undefined;
  }
}

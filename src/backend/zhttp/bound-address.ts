/**
 * The three sockets of one `zhttp/` address, and whose the sessions are that go through them. What comes is handed to the
 * process whose session it is for; what a session is in the middle of is not known here.
 *
 *     line:  open ──end without cancel, or its handler is known and told──► forgotten
 *              └──cancelled while no handler has it, at first or between two──► abandoned ──packet, a minute──► forgotten
 */
import type { Push, Router, Subscriber } from 'zeromq';
import { HoldfastError } from '../../errors/holdfast-error.js';
import type { Counters } from '../../observe/counters.js';
import type { ReadableRate } from '../../observe/readable-rate.js';
import {
  decodeZhttpResponse,
  encodeZhttpRequest,
  type ZhttpResponsePacket,
  type ZhttpSessionId,
} from '../../protocol/zhttp.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import { receiveAll } from '../../zeromq/receive-all.js';
import { HandlerPost } from './handler-post.js';
import { EXPIRY, MAX_BATCH, type PacketTaker } from './packet-link.js';

/** Milliseconds between the end of a connection and the question who is still there: the socket notices a little later. */
const PROBE_DELAY = 200;

/** Sessions of clients that have gone while no handler had them: that many are remembered to be cancelled. */
const MAX_ABANDONED = 10_000;

const SPACE = 0x20;

export interface AddressParts {
  readonly wheel: Wheel;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  readonly instanceId: string;
}

export interface AddressSockets {
  readonly out: Push;
  readonly outStream: Router;
  readonly in: Subscriber;
}

export class BoundAddress extends Timed {
  private readonly lines = new Map<string, Line>();
  /** Another connection has ended while the question waited: the socket may not have noticed by then. */
  private asksAgain = false;
  /** Lines without a taker. */
  private abandoned = 0;
  private readonly post: HandlerPost;
  /** What handlers that publish put in front of their packets. */
  private readonly topic: Buffer;

  /** @param takers - every process with sessions */
  constructor(
    private readonly spec: string,
    private readonly sockets: AddressSockets,
    private readonly parts: AddressParts,
    private readonly takers: ReadonlySet<PacketTaker>,
  ) {
    super();
    const { outStream, in: sub } = sockets;
    this.topic = Buffer.from(`${parts.instanceId} `);
    this.post = new HandlerPost(
      outStream,
      parts.wheel,
      (peer) => this.peerLost(peer),
      (packets) => {
        this.dropped('zhttp-post', 'too many packets wait for a handler that has not been reached yet', packets);
      },
    );
    sub.subscribe(this.topic);
    outStream.events.on('disconnect', () => this.disconnected());
    void receiveAll(sub, (frames) => this.published(frames));
    void receiveAll(outStream, (frames) => this.routed(frames));
  }

  /** Sessions, those among them that wait for their handler to hear that they are over. */
  get size(): number {
    return this.lines.size;
  }

  begin(taker: PacketTaker, id: string, packet: Buffer): void {
    this.lines.set(id, new Line(taker, () => this.forget(id)));
    // Without a handler, or when all of them have as much as they take, this fails at once.
    this.sockets.out.send(packet).catch(() => this.notTaken(id));
  }

  follow(peer: string, id: string, seq: number, packet: Buffer): void {
    const line = this.lines.get(id);
    if (line === undefined) return;
    line.nextSeq = seq + 1;
    this.post.send(peer, packet);
  }

  followAll(peer: string, sessions: readonly ZhttpSessionId[], packet: Buffer): void {
    for (const { id, seq = 0 } of sessions) {
      const line = this.lines.get(id);
      if (line !== undefined) line.nextSeq = seq + 1;
    }
    this.post.send(peer, packet);
  }

  end(id: string, cancel: boolean): void {
    const line = this.lines.get(id);
    if (line === undefined) return;
    if (!cancel) {
      this.forget(id);
    } else if (line.peer !== undefined) {
      this.cancel(line.peer, id, line.nextSeq);
    } else if (this.abandoned >= MAX_ABANDONED) {
      this.forget(id);
      const why = `${MAX_ABANDONED} sessions that were given up wait for their handler, others are not cancelled`;
      this.dropped('zhttp-abandoned', why);
    } else {
      line.taker = undefined;
      this.abandoned += 1;
      this.parts.wheel.start(line, EXPIRY);
    }
  }

  /** A process has ended, and its sessions with it. */
  leave(taker: PacketTaker): void {
    for (const [id, line] of this.lines) if (line.taker === taker) this.end(id, true);
  }

  close(): void {
    this.parts.wheel.stop(this);
    for (const line of this.lines.values()) this.parts.wheel.stop(line);
    this.lines.clear();
    this.post.close();
    const { out, outStream, in: sub } = this.sockets;
    for (const socket of [out, outStream, sub]) socket.close();
  }

  /** Some connection has ended a moment ago. */
  onTime(): void {
    if (this.asksAgain) this.parts.wheel.start(this, PROBE_DELAY);
    this.asksAgain = false;
    for (const taker of this.takers) taker.probe(this.spec);
  }

  /** The question is never put off any further: where connections come and go it would not be asked at all. */
  private disconnected(): void {
    if (this.due === 0) this.parts.wheel.start(this, PROBE_DELAY);
    else this.asksAgain = true;
  }

  /** From a PUB: `INSTANCEID SP packet`. */
  private published(frames: readonly Buffer[]): void {
    const [frame] = frames;
    if (frame === undefined || frames.length !== 1) this.refuse(`a message with ${frames.length} parts`);
    else if (frame[this.topic.length - 1] !== SPACE) this.refuse('no packet behind the instance id');
    else this.accept(frame.subarray(this.topic.length));
  }

  /** From a ROUTER: `WORKERID, nothing, packet`. */
  private routed(frames: readonly Buffer[]): void {
    const [, empty, packet] = frames;
    if (packet === undefined || frames.length !== 3 || empty?.length !== 0) {
      this.refuse(`a message with ${frames.length} parts on the way back`);
    } else {
      this.accept(packet);
    }
  }

  private accept(frame: Buffer): void {
    let packet: ZhttpResponsePacket;
    try {
      packet = decodeZhttpResponse(frame);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.refuse(error.message);
      return;
    }
    const { id } = packet;
    if (id === undefined) this.refuse('a packet without an id');
    else if (typeof id === 'string') this.hand(this.lineFor(id, packet), packet, frame);
    else if (id.length > MAX_BATCH) this.refuse(`a packet for ${id.length} sessions`);
    else for (const taker of new Set(id.map((one) => this.lineFor(one.id, packet)))) this.hand(taker, packet, frame);
  }

  private hand(taker: PacketTaker | undefined, packet: ZhttpResponsePacket, frame: Buffer): void {
    if (taker === undefined || taker.packet(packet, frame)) return;
    this.dropped('zhttp-queue', 'packets of handlers are dropped: a worker does not take what waits for it');
    const { id = [] } = packet;
    for (const one of typeof id === 'string' ? [id] : id.map((each) => each.id)) {
      const line = this.lines.get(one);
      if (line?.taker !== taker) continue;
      // The gap would end it with the next packet, and this may have been the last.
      this.callOff(one, line, packet);
      taker.lost(one, 'dropped');
    }
  }

  /** Whose session it is; undefined: nobody's any more. */
  private lineFor(id: string, packet: ZhttpResponsePacket): PacketTaker | undefined {
    const line = this.lines.get(id);
    if (line === undefined) return undefined;
    const { from, type, code } = packet;
    if (code === 101) line.isSocket = true;
    if (line.taker !== undefined) {
      // Who gives a session away may go: it is not lost with them.
      if (type === 'handoff-start') line.peer = undefined;
      else if (from !== undefined) line.peer = from;
      return line.taker;
    }
    this.callOff(id, line, packet);
    return undefined;
  }

  /** Ends a session whose handler has just sent a packet, and tells it unless that was its last. */
  private callOff(id: string, line: Line, { from = line.peer, type, more }: ZhttpResponsePacket): void {
    const isLast = type === 'error' || type === 'cancel' || (type === 'data' && !more && !line.isSocket);
    if (isLast || from === undefined) this.forget(id);
    else this.cancel(from, id, line.nextSeq);
  }

  private cancel(peer: string, id: string, seq: number): void {
    this.forget(id);
    const { instanceId: from } = this.parts;
    this.post.send(peer, encodeZhttpRequest({ from, id, seq, type: 'cancel' }));
  }

  private forget(id: string): void {
    const line = this.lines.get(id);
    if (line === undefined) return;
    this.parts.wheel.stop(line);
    this.lines.delete(id);
    if (line.taker === undefined) this.abandoned -= 1;
  }

  /** Nobody takes the first packet of a session. */
  private notTaken(id: string): void {
    const taker = this.lines.get(id)?.taker;
    if (taker === undefined) this.forget(id);
    else taker.lost(id, 'no-handler');
  }

  private peerLost(peer: string): void {
    for (const [id, line] of this.lines) if (line.peer === peer) line.taker?.lost(id, 'gone');
  }

  /** Packets are lost, because too many wait. */
  private dropped(kind: string, why: string, packets = 1): void {
    const { counters, warnings } = this.parts;
    counters.dropped['queue-full'] += packets;
    warnings.warn(kind, `zhttp: ${why}`);
  }

  private refuse(what: string): void {
    const { counters, warnings } = this.parts;
    counters.dropped['invalid-item'] += 1;
    warnings.warn('zhttp', `zhttp/${this.spec}: received an invalid packet, skipping: ${what}`);
  }
}

/** A session as the sockets know it. */
class Line extends Timed {
  /** The handler that has it, by what it says of itself; undefined before it has spoken, and while it hands it over. */
  peer: string | undefined = undefined;
  /** A WebSocket, which goes on behind a packet without `more`. */
  isSocket = false;
  /** That of the next packet to the handler. */
  nextSeq = 1;

  constructor(
    /** Undefined once it is abandoned. */
    public taker: PacketTaker | undefined,
    private readonly expired: () => void,
  ) {
    super();
  }

  onTime(): void {
    this.expired();
  }
}

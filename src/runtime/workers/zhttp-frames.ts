/**
 * ZHTTP packets on the bus: what a worker's sessions send, and what comes for them. The main process has the sockets and
 * the number of the last packet of each session, so that it can cancel those of a worker that has died.
 */
import { LOSSES, type Loss, type PacketLink, type PacketTaker } from '../../backend/zhttp/packet-link.js';
import { decodeZhttpResponse, type ZhttpResponsePacket, type ZhttpSessionId } from '../../protocol/zhttp.js';
import { type FramePayload, FrameWriter, plainFrame } from './frames.js';
import { FRAMES } from './messages.js';

/** Takes whole frames. */
export interface FrameTaker {
  sendFrame(frame: Buffer): void;
}

/** The sockets as a worker reaches them. */
export class PacketsBeyond implements PacketLink {
  private readonly writer = new FrameWriter();

  constructor(private readonly bus: FrameTaker) {}

  begin(spec: string, id: string, packet: Buffer): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpBegin);
    writer.text(spec);
    writer.text(id);
    this.send(packet);
  }

  follow(spec: string, peer: string, id: string, seq: number, packet: Buffer): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpFollow);
    writer.text(spec);
    writer.text(peer);
    writer.text(id);
    writer.u32(seq);
    this.send(packet);
  }

  followAll(spec: string, peer: string, sessions: readonly ZhttpSessionId[], packet: Buffer): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpFollowAll);
    writer.text(spec);
    writer.text(peer);
    writer.u32(sessions.length);
    for (const { id, seq = 0 } of sessions) {
      writer.text(id);
      writer.u32(seq);
    }
    this.send(packet);
  }

  end(spec: string, id: string, cancel: boolean): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpEnd);
    writer.text(spec);
    writer.text(id);
    writer.u8(cancel ? 1 : 0);
    this.bus.sendFrame(writer.end());
  }

  private send(packet: Buffer): void {
    this.writer.raw(packet);
    this.bus.sendFrame(this.writer.end());
  }
}

/** Does in the main process what a worker's frame says; other frames are passed over. */
export function obeyPacketFrame(link: PacketLink, type: number, payload: FramePayload): void {
  switch (type) {
    case FRAMES.zhttpBegin:
      link.begin(payload.text(), payload.text(), payload.raw());
      return;
    case FRAMES.zhttpFollow:
      link.follow(payload.text(), payload.text(), payload.text(), payload.u32(), payload.raw());
      return;
    case FRAMES.zhttpFollowAll: {
      const spec = payload.text();
      const peer = payload.text();
      const count = payload.u32();
      const sessions = Array.from({ length: count }, () => ({ id: payload.text(), seq: payload.u32() }));
      link.followAll(spec, peer, sessions, payload.raw());
      return;
    }
    case FRAMES.zhttpEnd:
      link.end(payload.text(), payload.text(), payload.u8() === 1);
  }
}

/** What the bus to a worker can say of itself. */
export interface WorkerBusEnd extends FrameTaker {
  /** Bytes that the worker has not taken yet. */
  readonly queuedBytes: number;
}

/** The sessions of a worker as the sockets reach them. */
export class SessionsBeyondBus implements PacketTaker {
  private readonly writer = new FrameWriter();

  /** @param maxQueued - bytes that may wait for the worker before packets are dropped */
  constructor(
    private readonly bus: WorkerBusEnd,
    private readonly maxQueued: number,
  ) {}

  packet(_packet: ZhttpResponsePacket, frame: Buffer): boolean {
    if (this.bus.queuedBytes > this.maxQueued) return false;
    this.bus.sendFrame(plainFrame(FRAMES.zhttpPacket, frame));
    return true;
  }

  lost(id: string, loss: Loss): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpLost);
    writer.text(id);
    writer.u8(LOSSES.indexOf(loss));
    this.bus.sendFrame(writer.end());
  }

  probe(spec: string): void {
    const { writer } = this;
    writer.begin(FRAMES.zhttpProbe);
    writer.text(spec);
    this.bus.sendFrame(writer.end());
  }
}

/** Does in a worker what the main process's frame says; other frames are passed over. */
export function takePacketFrame(sessions: PacketTaker, type: number, payload: FramePayload): void {
  switch (type) {
    case FRAMES.zhttpPacket: {
      const frame = payload.rest();
      // The main process has decoded it before.
      sessions.packet(decodeZhttpResponse(frame), frame);
      return;
    }
    case FRAMES.zhttpLost:
      sessions.lost(payload.text(), LOSSES[payload.u8()] ?? 'gone');
      return;
    case FRAMES.zhttpProbe:
      sessions.probe(payload.text());
  }
}

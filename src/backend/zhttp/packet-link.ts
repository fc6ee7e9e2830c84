/**
 * Packets between the sessions of a process and the sockets, which may be in another one. Whole packets cross, not their
 * parts: the window of a session then spans from its client to its handler, so that no process between has anything to
 * bound, and only one of them has to know what state a session is in.
 *
 *     client ── session ══ PacketLink / PacketTaker ══ sockets ── handler
 */
import type { ZhttpResponsePacket, ZhttpSessionId } from '../../protocol/zhttp.js';

/** Bytes that either side of a session may send before it is told that some of them were taken (specification 9.4). */
export const WINDOW = 200_000;
/** Milliseconds without a packet after which a session is over, on either side. */
export const EXPIRY = 60_000;
/** Sessions that one packet may speak for. */
export const MAX_BATCH = 128;

/**
 * Why a session has nobody at its other end: no such sockets, nobody who takes its first packet, the handler has gone, a
 * packet of it was dropped on its way here.
 */
export type Loss = (typeof LOSSES)[number];

export const LOSSES = ['not-bound', 'no-handler', 'gone', 'dropped'] as const;

/** The sockets as sessions see them. `spec` is the target's. */
export interface PacketLink {
  /** The first packet of a session, for whichever handler is free. */
  begin(spec: string, id: string, packet: Buffer): void;
  /** What follows it. @param seq - that of the packet */
  follow(spec: string, peer: string, id: string, seq: number, packet: Buffer): void;
  /** One packet for several sessions of one handler. */
  followAll(spec: string, peer: string, sessions: readonly ZhttpSessionId[], packet: Buffer): void;
  /** The session is over. @param cancel - the handler does not know it yet, and is to be told */
  end(spec: string, id: string, cancel: boolean): void;
}

/** The sessions of a process as the sockets see them. Unknown sessions are passed over. */
export interface PacketTaker {
  /**
   * @param frame - the bytes of the packet
   * @returns false when too much waits already: the packet was dropped
   */
  packet(packet: ZhttpResponsePacket, frame: Buffer): boolean;
  lost(id: string, loss: Loss): void;
  /** A handler of this address may have gone: who speaks to them finds out. */
  probe(spec: string): void;
}

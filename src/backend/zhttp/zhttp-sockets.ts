/**
 * The sockets of all `zhttp/` targets (specification 9.1). They are bound once, in one process, for the sessions of all
 * processes.
 */
import type { ZhttpSessionId } from '../../protocol/zhttp.js';
import { bindSocket } from '../../zeromq/bind.js';
import type { ZeroMq } from '../../zeromq/load-zeromq.js';
import { MAX_MESSAGE, RouteSockets, type RouteSocketsParts } from '../route-sockets.js';
import { zhttpAddresses } from './addresses.js';
import { type AddressParts, type AddressSockets, BoundAddress } from './bound-address.js';
import type { PacketLink, PacketTaker } from './packet-link.js';

/** Packets that wait for one peer: first ones, and all others. */
const FIRST_HIGH_WATER_MARK = 100;
const HIGH_WATER_MARK = 101_000;
/** Milliseconds that last packets get to leave when the sockets are closed. */
const LINGER = 500;

export class ZhttpSockets {
  private readonly addresses: RouteSockets<BoundAddress>;
  private readonly takers = new Set<PacketTaker>();

  constructor(private readonly parts: AddressParts & RouteSocketsParts) {
    this.addresses = new RouteSockets(parts, 'zhttp');
  }

  /** Sessions of one address, or of all. */
  sessions(spec?: string): number {
    if (spec !== undefined) return this.addresses.get(spec)?.size ?? 0;
    let all = 0;
    for (const { size } of this.addresses.all()) all += size;
    return all;
  }

  /**
   * Binds the three addresses of a target; several routes may share it.
   *
   * @param fileMode - permissions of ipc files
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED; what was bound is closed again
   */
  async bind(zeromq: ZeroMq, spec: string, wantedBy: string, fileMode?: number): Promise<void> {
    if (this.addresses.get(spec) !== undefined) return;
    const addresses = zhttpAddresses(spec, wantedBy);
    const sockets = this.open(zeromq);
    const names = ['out', 'outStream', 'in'] as const;
    try {
      for (const name of names) await bindSocket(sockets[name], addresses[name], wantedBy, fileMode);
    } catch (error) {
      for (const name of names) if (!sockets[name].closed) sockets[name].close();
      throw error;
    }
    this.addresses.add(spec, new BoundAddress(spec, sockets, this.parts, this.takers));
  }

  /** The routes have these addresses from now on; others are closed when nothing goes through them. */
  retain(specs: ReadonlySet<string>): void {
    this.addresses.retain(specs);
  }

  /** There are addresses that no route has any more, still bound. */
  get leaving(): boolean {
    return this.addresses.leaving;
  }

  /** The way to the sockets for the sessions of one process. */
  link(taker: PacketTaker): PacketLink {
    this.takers.add(taker);
    return new LocalLink(this.addresses, taker);
  }

  /** A process has ended: what it had under way is cancelled. */
  leave(taker: PacketTaker): void {
    this.takers.delete(taker);
    for (const address of this.addresses.all()) address.leave(taker);
  }

  close(): void {
    this.addresses.close();
  }

  private open({ Push, Router, Subscriber }: ZeroMq): AddressSockets {
    const limits = { receiveHighWaterMark: HIGH_WATER_MARK, maxMessageSize: MAX_MESSAGE };
    return {
      out: new Push({ sendHighWaterMark: FIRST_HIGH_WATER_MARK, sendTimeout: 0, linger: 0 }),
      outStream: new Router({
        ...limits,
        // Handlers that answer on the way back address us by it.
        routingId: this.parts.instanceId,
        // Who cannot be reached is told of at once, and a handler that has come back takes the place of what it was.
        mandatory: true,
        handover: true,
        sendHighWaterMark: HIGH_WATER_MARK,
        sendTimeout: 0,
        linger: LINGER,
      }),
      in: new Subscriber({ ...limits, linger: 0 }),
    };
  }
}

class LocalLink implements PacketLink {
  constructor(
    private readonly addresses: RouteSockets<BoundAddress>,
    private readonly taker: PacketTaker,
  ) {}

  begin(spec: string, id: string, packet: Buffer): void {
    const address = this.addresses.get(spec);
    if (address === undefined) queueMicrotask(() => this.taker.lost(id, 'not-bound'));
    else address.begin(this.taker, id, packet);
  }

  follow(spec: string, peer: string, id: string, seq: number, packet: Buffer): void {
    this.addresses.get(spec)?.follow(peer, id, seq, packet);
  }

  followAll(spec: string, peer: string, sessions: readonly ZhttpSessionId[], packet: Buffer): void {
    this.addresses.get(spec)?.followAll(peer, sessions, packet);
  }

  end(spec: string, id: string, cancel: boolean): void {
    this.addresses.get(spec)?.end(id, cancel);
  }
}

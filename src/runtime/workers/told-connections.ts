/**
 * The connections of a worker that the stats socket has told of and not taken back: when the worker dies, nobody else can
 * say that they are over. No more than the worker has open, and none while nobody listens.
 */
import type { StatsPacket } from '../../observe/stats/stats-sink.js';

export class ToldConnections {
  /** Route by id; undefined for routes without an explicit one. */
  private readonly open = new Map<string, string | undefined>();

  /** @param tell - sends a packet */
  constructor(private readonly tell: (packet: StatsPacket) => void) {}

  /** The worker has a packet for the socket. */
  packet(packet: StatsPacket): void {
    if (packet.type === 'conn') {
      const { id, route, unavailable } = packet.fields;
      if (unavailable === true) this.open.delete(String(id));
      else this.open.set(String(id), route === undefined ? undefined : String(route));
    }
    this.tell(packet);
  }

  /** The worker has gone, and its clients with it. */
  gone(): void {
    for (const [id, route] of this.open) {
      this.tell({ type: 'conn', fields: { id, unavailable: true, ...(route === undefined ? {} : { route }) } });
    }
    this.open.clear();
  }
}

/** What the process with the clients tells the one that publishes stats; the same one, unless there are workers. */
import type { TrafficValues } from './traffic.js';

/** Fields of a packet, without `from`. */
export type StatsFields = Readonly<Record<string, string | number | boolean>>;

/** A packet of the stats socket. */
export interface StatsPacket {
  readonly type: 'activity' | 'counts' | 'message' | 'conn' | 'sub' | 'report';
  readonly fields: StatsFields;
}

/** What has become of a route since the last time. */
export interface RouteTraffic {
  /** Explicit id of the route; empty for all without one. */
  readonly route: string;
  readonly traffic: TrafficValues;
  /** Most connections at a time since then. */
  readonly most: number;
  /** Connections now. */
  readonly open: number;
}

export interface StatsSink {
  packet(packet: StatsPacket): void;
  traffic(routes: readonly RouteTraffic[]): void;
}

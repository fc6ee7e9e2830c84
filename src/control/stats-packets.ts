/**
 * Packets of the stats socket: `TYPE SP FORMAT PAYLOAD`, the payload a map as JSON with sorted keys or as a tnetstring
 * (specification 8.4).
 */
import type { StatsFields, StatsPacket } from '../observe/stats/stats-sink.js';
import type { Traffic, TrafficValues } from '../observe/stats/traffic.js';
import { encodeTnetstring } from '../protocol/tnetstring.js';

export type StatsFormat = 'json' | 'tnetstring';

/** What they are called in a `report`. Blocks are named only where they count. */
const REPORT_NAMES: Readonly<Record<Exclude<keyof Traffic, 'blocksSent'>, string>> = {
  minutes: 'minutes',
  sent: 'sent',
  httpResponseSent: 'http-response-sent',
  clientHeaderReceived: 'client-header-bytes-received',
  clientHeaderSent: 'client-header-bytes-sent',
  clientContentReceived: 'client-content-bytes-received',
  clientContentSent: 'client-content-bytes-sent',
  clientMessagesReceived: 'client-messages-received',
  clientMessagesSent: 'client-messages-sent',
  serverHeaderReceived: 'server-header-bytes-received',
  serverHeaderSent: 'server-header-bytes-sent',
  serverContentReceived: 'server-content-bytes-received',
  serverContentSent: 'server-content-bytes-sent',
  serverMessagesReceived: 'server-messages-received',
  serverMessagesSent: 'server-messages-sent',
};

/** One message for the socket. @param from - who sends it */
export function encodeStats({ type, fields }: StatsPacket, from: string, format: StatsFormat): Buffer {
  const all: StatsFields = { ...fields, from };
  const names = Object.keys(all).sort();
  if (format === 'json') {
    const sorted = Object.fromEntries(names.map((name) => [name, all[name]]));
    return Buffer.from(`${type} J${JSON.stringify(sorted)}`);
  }
  const map = new Map(names.map((name) => [name, all[name] ?? '']));
  return Buffer.concat([Buffer.from(`${type} T`), encodeTnetstring(map)]);
}

export interface ReportFacts {
  /** Explicit id; empty for all routes without one. */
  readonly route: string;
  readonly traffic: TrafficValues;
  /** Most connections at a time. */
  readonly connections: number;
  /** Items that came in. */
  readonly received: number;
  readonly blocksReceived: number;
  /** Milliseconds that it speaks of. */
  readonly duration: number;
}

/** @param blocks - deliveries count by their size */
export function reportOf(facts: ReportFacts, blocks: boolean): StatsPacket {
  const { route, traffic, connections, received, blocksReceived, duration } = facts;
  const fields: Record<string, string | number | boolean> = { connections, received, duration };
  for (const [key, name] of Object.entries(REPORT_NAMES)) fields[name] = traffic[key as keyof typeof REPORT_NAMES];
  if (blocks) {
    fields['blocks-received'] = blocksReceived;
    fields['blocks-sent'] = traffic.blocksSent;
  }
  if (route !== '') fields.route = route;
  return { type: 'report', fields };
}

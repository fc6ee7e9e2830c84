/** What goes over the connections of a route, counted for the `report` packets of the stats socket (specification 8.4). */

/** Bytes of heads are names and values alone, without separators (an estimate, as in the original). */
export class Traffic {
  /** Minutes that connections have begun. */
  minutes = 0;
  /** Published items written to clients. */
  sent = 0;
  httpResponseSent = 0;
  /** The same as `sent`, in blocks of `publish.message_block_size`. */
  blocksSent = 0;
  clientHeaderReceived = 0;
  clientHeaderSent = 0;
  clientContentReceived = 0;
  clientContentSent = 0;
  /** Messages of WebSockets. */
  clientMessagesReceived = 0;
  clientMessagesSent = 0;
  serverHeaderReceived = 0;
  serverHeaderSent = 0;
  serverContentReceived = 0;
  serverContentSent = 0;
  serverMessagesReceived = 0;
  serverMessagesSent = 0;
}

export type TrafficValues = Readonly<Traffic>;

export const TRAFFIC_KEYS = Object.keys(new Traffic()) as readonly (keyof Traffic)[];

/** Adds `from` to `to`. */
export function addTraffic(to: Traffic, from: TrafficValues): void {
  for (const key of TRAFFIC_KEYS) to[key] += from[key];
}

/** What was counted; from here on it is counted anew. */
export function takeTraffic(traffic: Traffic): TrafficValues {
  const taken = { ...traffic };
  for (const key of TRAFFIC_KEYS) traffic[key] = 0;
  return taken;
}

export function isSilent(traffic: TrafficValues): boolean {
  return TRAFFIC_KEYS.every((key) => traffic[key] === 0);
}

/** Estimate of the bytes of a list of headers. */
export function headerBytes(headers: readonly (readonly [string, string])[]): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += name.length + value.length;
  return bytes;
}

/** Estimate of the bytes of a response's head. */
export function responseHeadBytes(
  code: number,
  reason: string,
  headers: readonly (readonly [string, string])[],
): number {
  return String(code).length + reason.length + headerBytes(headers);
}

/** The headers of a WebSocket-over-HTTP response (specification 10.3). */
import {
  getHeader,
  type HeaderList,
  hasPrefix,
  parseFirstPlain,
  splitHeaderLists,
  withoutHeaders,
  withoutPrefix,
} from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import type { WebSocketGrip } from '../websocket-verdict.js';

export const EVENTS_TYPE = 'application/websocket-events';

/** Seconds; a shorter interval is raised to it, as the original does. */
const MIN_KEEP_ALIVE = 20;
const DEFAULT_PREFIX = 'm:';
const META_PREFIX = 'set-meta-';

/** Headers of the accepting response that are meant for the proxy. Lower case. */
const NOT_FOR_CLIENT = new Set([
  'content-length',
  'content-type',
  'keep-alive-interval',
  'content-bytes-accepted',
  'sec-websocket-extensions',
  'connection',
  'keep-alive',
  'content-encoding',
  'transfer-encoding',
  'upgrade',
]);

/** True for a 200 whose type is exactly that of events. */
export function isEventsResponse({ code, headers }: CompleteResponse): boolean {
  return code === 200 && getHeader(headers, 'content-type') === EVENTS_TYPE;
}

/** Seconds; 0 turns keep-alives off, undefined leaves them as they are. */
export function keepAliveInterval(headers: HeaderList): number | undefined {
  const text = getHeader(headers, 'keep-alive-interval');
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return seconds > 0 ? Math.max(seconds, MIN_KEEP_ALIVE) : 0;
}

/** Content bytes the origin took; undefined for all. */
export function acceptedBytes(headers: HeaderList): number | undefined {
  const text = getHeader(headers, 'content-bytes-accepted');
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

/**
 * Takes `Set-Meta-*` into `known`, by lower-case name so that a name has one value; an empty value deletes.
 * @returns the same map, or one that was made because there was something to take
 */
export function storeMeta(
  headers: HeaderList,
  known: Map<string, string> | undefined,
): Map<string, string> | undefined {
  let meta = known;
  for (const [name, value] of headers) {
    if (!hasPrefix(name, META_PREFIX)) continue;
    const key = name.slice(META_PREFIX.length);
    if (key === '') continue;
    meta ??= new Map();
    for (const other of meta.keys()) if (other.toLowerCase() === key.toLowerCase()) meta.delete(other);
    if (value !== '') meta.set(key, value);
  }
  return meta;
}

/** GRIP over this socket, when the origin asks for it. */
export function gripOf(headers: HeaderList): WebSocketGrip | undefined {
  for (const element of splitHeaderLists(headers, 'sec-websocket-extensions')) {
    const extension = parseFirstPlain(element);
    if (extension?.first === 'grip') return { prefix: extension.parameters.get('message-prefix') ?? DEFAULT_PREFIX };
  }
  return undefined;
}

/** What the client's 101 carries of the accepting response's headers. */
export function openingHeaders(headers: HeaderList): HeaderList {
  return withoutPrefix(withoutHeaders(headers, NOT_FOR_CLIENT), META_PREFIX);
}

/**
 * What an opening handshake says to an origin, and whether the answer to it is one (RFC 6455 4.1, specification 11.1).
 */
import { getHeader, getHeaders, type HeaderList, parseFirstPlain, splitHeaderLists } from '../../protocol/headers.js';
import { acceptKey } from '../../protocol/websocket-frame.js';
import type { WebSocketGrip } from '../websocket-verdict.js';

/** A handshake on its way; rewriting and headers (specification 3.3, 3.4) are done. */
export interface OpeningRequest {
  /** Value of the Host header. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  /** Without those of the handshake itself. */
  readonly headers: HeaderList;
  /** Extensions that we can do, to be offered before everything else; undefined offers none. */
  readonly offers?: string;
}

/** Headers of a client's handshake that ours takes the place of, or that have no meaning in it. Lower case. */
export const OWN_HANDSHAKE: ReadonlySet<string> = new Set([
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  // There is no body for them to follow.
  'trailer',
]);

export const EXTENSIONS = 'sec-websocket-extensions';

/** Names and values in turn, in the order they are sent. */
export function openingHeaders({ authority, headers, offers }: OpeningRequest, key: string): string[] {
  const flat = ['Host', authority, 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
  flat.push('Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key);
  if (offers !== undefined) flat.push('Sec-WebSocket-Extensions', offers);
  for (const [name, value] of headers) flat.push(name, value);
  return flat;
}

/** What is wrong with a 101; undefined when the connection is a WebSocket now. */
export function openingFault(version: string, headers: HeaderList, key: string): string | undefined {
  if (version !== '1.1') return `it speaks HTTP/${version}`;
  if (getHeader(headers, 'upgrade')?.toLowerCase() !== 'websocket') return 'it changes to another protocol';
  const accepts = getHeaders(headers, 'sec-websocket-accept');
  if (accepts.length !== 1 || accepts[0] !== acceptKey(key)) return 'its Sec-WebSocket-Accept is not for our key';
  // What is taken for a body is missing from the frames.
  if (getHeader(headers, 'transfer-encoding') !== undefined) return 'it announces a body';
  if (getHeaders(headers, 'content-length').some((length) => length !== '0')) return 'it announces a body';
  return undefined;
}

/** Extensions that we may have offered; what exactly was agreed on of compression is looked at elsewhere. */
const KNOWN_EXTENSIONS: ReadonlySet<string | undefined> = new Set(['grip', 'permessage-deflate']);

/** Whether an answer names an extension, or a protocol of the client's, that nobody offered (RFC 6455 4.1). */
export function agreesToMore(answer: HeaderList, client: HeaderList): boolean {
  const extensions = splitHeaderLists(answer, EXTENSIONS).map((element) => parseFirstPlain(element)?.first);
  if (extensions.some((name) => !KNOWN_EXTENSIONS.has(name))) return true;
  const protocol = getHeader(answer, 'sec-websocket-protocol');
  return protocol !== undefined && !splitHeaderLists(client, 'sec-websocket-protocol').includes(protocol.trim());
}

/** Whether GRIP is among the extensions of a handshake. */
export function offersGrip(headers: HeaderList): boolean {
  return splitHeaderLists(headers, EXTENSIONS).some((element) => parseFirstPlain(element)?.first === 'grip');
}

/** GRIP as an element of `Sec-WebSocket-Extensions`, for a client that is a GRIP proxy itself. */
export function gripExtension({ prefix }: WebSocketGrip): string {
  return prefix === 'm:' ? 'grip' : `grip; message-prefix="${prefix.replace(/["\\]/g, '\\$&')}"`;
}

/**
 * ZHTTP packets between the proxy and workers behind ZeroMQ: `T` and a tnetstring map (specification 9.2, 9.3).
 * Only their form; sequence numbers, credits and sessions belong to the backend that speaks the protocol.
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import { type Header, type HeaderList, isHeaderName, isHeaderValue, trimValue } from './headers.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap, type TnetValue } from './tnetstring.js';

/** What a packet is for; `data` is the one whose `type` is absent on the wire. */
export type ZhttpPacketType = (typeof PACKET_TYPES)[number];

const PACKET_TYPES = [
  'data',
  'error',
  'credit',
  'keep-alive',
  'cancel',
  'handoff-start',
  'handoff-proceed',
  'close',
  'ping',
  'pong',
] as const;

/** One session in a packet that speaks for several, such as batched keep-alives. */
export interface ZhttpSessionId {
  readonly id: string;
  readonly seq: number | undefined;
}

/** Flags of the extension map: `multi` allows batched keep-alives. */
export interface ZhttpExtensions {
  readonly multi?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** A packet from the proxy to a worker. Undefined and false members are not sent. */
export interface ZhttpRequestPacket {
  /** Instance id of the proxy, where answers are sent to; one character for each byte. */
  readonly from: string;
  readonly id: string | readonly ZhttpSessionId[];
  /** Counts the packets of a session from 0; absent in req mode. */
  readonly seq?: number | undefined;
  readonly type?: ZhttpPacketType | undefined;
  readonly condition?: string | undefined;
  /** Absent for WebSockets. */
  readonly method?: string | undefined;
  readonly uri?: string | undefined;
  /** Names and values with one character for each byte; text beyond that is sent as UTF-8. */
  readonly headers?: HeaderList | undefined;
  /** Part of the body, a WebSocket payload, or the reason of a close. */
  readonly body?: Buffer | undefined;
  /** More of the body or of the message follows. */
  readonly more?: boolean | undefined;
  readonly stream?: boolean | undefined;
  readonly routerResp?: boolean | undefined;
  /** Bytes that the worker may send in addition. */
  readonly credits?: number | undefined;
  /** Largest response body, bytes (req mode). */
  readonly maxSize?: number | undefined;
  readonly contentType?: 'text' | 'binary' | undefined;
  /** Close code of a WebSocket. */
  readonly code?: number | undefined;
  readonly ignorePolicies?: boolean | undefined;
  readonly trustConnectHost?: boolean | undefined;
  readonly ignoreTlsErrors?: boolean | undefined;
  /** PEM. */
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly userData?: TnetInput | undefined;
  readonly ext?: ZhttpExtensions | undefined;
}

/** A packet from a worker. Absent flags are false, other absent members undefined. */
export interface ZhttpResponsePacket {
  /** Routing id of the sender's ROUTER socket, one character for each byte. */
  readonly from: string | undefined;
  readonly id: string | readonly ZhttpSessionId[] | undefined;
  readonly seq: number | undefined;
  readonly type: ZhttpPacketType;
  readonly condition: string | undefined;
  /** Bytes that the proxy may send in addition. */
  readonly credits: number | undefined;
  readonly more: boolean;
  /** Status of a response or close code of a WebSocket. */
  readonly code: number | undefined;
  /** One character for each byte, as in `headers`. */
  readonly reason: string | undefined;
  readonly headers: HeaderList | undefined;
  /** A view of the packet. */
  readonly body: Buffer | undefined;
  readonly contentType: 'text' | 'binary' | undefined;
  readonly userData: TnetValue | undefined;
  readonly ext: { readonly multi: boolean; readonly quiet: boolean };
}

const LETTER_T = 0x54;
const BEYOND_BYTES = /[^\0-\xff]/;

/** Encodes a packet: `T` and the map. */
export function encodeZhttpRequest(packet: ZhttpRequestPacket): Buffer {
  const map = new Map<string, TnetInput>();
  const add = (name: string, value: TnetInput | undefined): void => {
    if (value !== undefined && value !== false) map.set(name, value);
  };
  const { id, type, headers, ext } = packet;
  add('from', headerBytes(packet.from));
  add('id', typeof id === 'string' ? id : id.map(sessionInput));
  add('seq', packet.seq);
  add('type', type === 'data' ? undefined : type);
  add('condition', packet.condition);
  add('method', packet.method);
  add('uri', packet.uri);
  add(
    'headers',
    headers?.map((header) => header.map(headerBytes)),
  );
  add('body', packet.body);
  add('more', packet.more);
  add('stream', packet.stream);
  add('router-resp', packet.routerResp);
  add('credits', packet.credits);
  add('max-size', packet.maxSize);
  add('content-type', packet.contentType);
  add('code', packet.code);
  add('ignore-policies', packet.ignorePolicies);
  add('trust-connect-host', packet.trustConnectHost);
  add('ignore-tls-errors', packet.ignoreTlsErrors);
  add('client-cert', packet.clientCert);
  add('client-key', packet.clientKey);
  add('user-data', packet.userData);
  add('ext', ext === undefined ? undefined : extensionsInput(ext));
  return Buffer.concat([Buffer.of(LETTER_T), encodeTnetstring(map)]);
}

function sessionInput({ id, seq }: ZhttpSessionId): TnetInput {
  const map = new Map<string, TnetInput>([['id', id]]);
  return seq === undefined ? map : map.set('seq', seq);
}

function extensionsInput({ multi, quiet }: ZhttpExtensions): TnetInput | undefined {
  const map = new Map<string, TnetInput>();
  if (multi) map.set('multi', true);
  if (quiet) map.set('quiet', true);
  return map.size === 0 ? undefined : map;
}

/** Wide characters must not lose their upper half: what is left could be a CR or LF. */
function headerBytes(text: string): Buffer {
  return Buffer.from(text, BEYOND_BYTES.test(text) ? 'utf8' : 'latin1');
}

function invalid(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HOLDFAST_PACKET_INVALID', `invalid zhttp packet: ${what}`, { cause });
}

/**
 * Decodes a worker's packet. Members without a meaning here are ignored, null ones count as absent.
 *
 * @param frame - `T` and a tnetstring map, without the address in front that a PUB socket adds
 * @throws HoldfastError HOLDFAST_PACKET_INVALID when a member has another type than 9.2 gives it, a number is not a
 *   whole one from 0, a type is unknown, or headers or reason hold what HTTP cannot carry
 */
export function decodeZhttpResponse(frame: Buffer): ZhttpResponsePacket {
  const map = mapOf(frame);
  const type = text(map, 'type') ?? 'data';
  const contentType = text(map, 'content-type');
  if (contentType !== undefined && contentType !== 'text' && contentType !== 'binary') {
    throw invalid("'content-type' is neither text nor binary");
  }
  return {
    from: bytes(map, 'from')?.toString('latin1'),
    id: idOf(map),
    seq: count(map, 'seq'),
    type: PACKET_TYPES.find((known) => known === type) ?? unknownType(),
    condition: text(map, 'condition'),
    credits: count(map, 'credits'),
    more: flag(map, 'more'),
    code: count(map, 'code'),
    reason: reasonOf(map),
    headers: headersOf(map),
    body: bytes(map, 'body'),
    contentType,
    userData: member(map, 'user-data'),
    ext: extensionsOf(map),
  };
}

function unknownType(): never {
  throw invalid("'type' is unknown");
}

function mapOf(frame: Buffer): TnetMap {
  if (frame[0] !== LETTER_T) throw invalid('it does not start with T');
  let value: TnetValue;
  try {
    value = decodeTnetstring(frame.subarray(1));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw invalid(error.message, error);
  }
  if (!(value instanceof Map)) throw invalid('it is not a map');
  return value;
}

function member(map: TnetMap, name: string): TnetValue | undefined {
  return map.get(name) ?? undefined;
}

function bytes(map: TnetMap, name: string): Buffer | undefined {
  const value = member(map, name);
  if (value === undefined || Buffer.isBuffer(value)) return value;
  throw invalid(`'${name}' is not a string`);
}

function text(map: TnetMap, name: string): string | undefined {
  return bytes(map, name)?.toString('utf8');
}

function count(map: TnetMap, name: string): number | undefined {
  const value = member(map, name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`'${name}' is not a whole number from 0`);
}

function flag(map: TnetMap, name: string): boolean {
  const value = member(map, name);
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw invalid(`'${name}' is not a boolean`);
}

function idOf(map: TnetMap): string | ZhttpSessionId[] | undefined {
  const value = member(map, 'id');
  if (!Array.isArray(value)) return text(map, 'id');
  return value.map((session) => {
    if (!(session instanceof Map)) throw invalid("'id' has an element that is not a map");
    const id = text(session, 'id');
    if (id === undefined) throw invalid("'id' has an element without 'id'");
    return { id, seq: count(session, 'seq') };
  });
}

function reasonOf(map: TnetMap): string | undefined {
  const reason = bytes(map, 'reason')?.toString('latin1');
  if (reason !== undefined && !isHeaderValue(reason)) throw invalid("'reason' has a control character");
  return reason;
}

function headersOf(map: TnetMap): HeaderList | undefined {
  const value = member(map, 'headers');
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalid("'headers' is not a list");
  return value.map((line): Header => {
    const [name, text] = Array.isArray(line) && line.length === 2 ? line : [];
    if (!Buffer.isBuffer(name) || !Buffer.isBuffer(text)) throw invalid("'headers' has an element that is not a pair");
    const header: Header = [name.toString('latin1'), text.toString('latin1')];
    if (!isHeaderName(header[0]) || !isHeaderValue(header[1])) {
      throw invalid("'headers' has a name or value that HTTP cannot carry");
    }
    return [header[0], trimValue(header[1])];
  });
}

function extensionsOf(map: TnetMap): ZhttpResponsePacket['ext'] {
  const ext = member(map, 'ext');
  if (ext === undefined) return { multi: false, quiet: false };
  if (!(ext instanceof Map)) throw invalid("'ext' is not a map");
  return { multi: flag(ext, 'multi'), quiet: flag(ext, 'quiet') };
}

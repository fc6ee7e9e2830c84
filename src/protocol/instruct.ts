/** GRIP instructions: what an origin's answer says about holding the client (specification 4.1 to 4.4). */
import { type HeaderList, hasPrefix, withoutHeaders, withoutPrefix } from './headers.js';
import { type HeaderInstruct, invalidInstruct, parseInstructHeaders, TIMEOUT_DEFAULT } from './instruct-headers.js';
import { hasInstructBody, type JsonHold, type JsonInstruct, parseInstructJson } from './instruct-json.js';
import { reasonOf } from './status-reasons.js';

export { parseGripLast } from './instruct-headers.js';

/** How a client connection is held: answered once (long-poll) or kept open as a stream. */
export type HoldMode = 'response' | 'stream';

/** One channel of an instruct. `prevId` undefined means none was given; empty is a given, empty id. */
export interface InstructChannel {
  readonly name: string;
  readonly prevId: string | undefined;
  readonly filters: readonly string[];
}

/** Content sent to a held stream at intervals. `timeout` in seconds, at least 1, default 55. */
export interface KeepAlive {
  readonly content: Buffer;
  readonly mode: 'idle' | 'interval' | 'none';
  readonly timeout: number;
}

/** A complete HTTP answer, ready for a client: `Grip-*` headers are gone, the body is whole. */
export interface CompleteResponse {
  readonly code: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Everything an origin said, in its headers and in an `application/grip-instruct` body. */
export interface Instruct {
  readonly hold: HoldMode | undefined;
  readonly channels: readonly InstructChannel[];
  /** Seconds until a response hold answers by itself; default 55, at least 5. */
  readonly timeout: number;
  readonly keepAlive: KeepAlive | undefined;
  readonly meta: ReadonlyMap<string, string>;
  readonly exposeHeaders: readonly string[];
  /** `timeout` in seconds, default 120, at least 0. */
  readonly nextLink: { readonly uri: string; readonly timeout: number } | undefined;
  readonly goneLink: string | undefined;
  readonly response: CompleteResponse;
}

const GRIP_PREFIX = 'grip-';
const RESPONSE_TIMEOUT_MIN = 5;
const KEEP_ALIVE_TIMEOUT_MIN = 1;
const INSTRUCT_CODE = 200;

/** Belong to the origin's connection, or to a framing that is made anew when the answer is written. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'content-encoding',
  'transfer-encoding',
  'content-length',
]);

/** Whether an answer is an instruct and must be read whole before the client gets any of it (specification 3.6). */
export function isGripResponse(headers: HeaderList): boolean {
  for (const [name] of headers) {
    if (hasPrefix(name, GRIP_PREFIX)) {
      return true;
    }
  }
  return hasInstructBody(headers);
}

/**
 * Reads the instruct of an answer: its headers, then a JSON body laid over them (specification 4.1 to 4.3). A channel
 * named more than once keeps its first position and takes the last `prevId` and filters.
 *
 * @param response - the origin's answer with all its headers; for the answer to a next link the body is empty
 * @returns the instruct; its `response` has neither `Grip-*` nor connection headers nor a `Content-Length`
 * @throws HoldfastError HOLDFAST_INSTRUCT_INVALID; the message is the text of specification 4.3, in one case empty
 */
export function parseInstruct(response: CompleteResponse): Instruct {
  const headers = parseInstructHeaders(response.headers);
  const json = hasInstructBody(response.headers) ? parseJson(response) : undefined;
  const hold = json?.hold;
  return {
    hold: hold?.mode ?? headers.hold,
    channels: mergeChannels(headers.channels, hold?.channels),
    timeout: Math.max(RESPONSE_TIMEOUT_MIN, hold?.timeout ?? headers.timeout ?? TIMEOUT_DEFAULT),
    keepAlive: mergeKeepAlive(headers.keepAlive, hold?.keepAlive),
    meta: hold === undefined ? headers.meta : new Map([...headers.meta, ...hold.meta]),
    exposeHeaders: headers.exposeHeaders,
    nextLink: headers.nextLink,
    goneLink: headers.goneLink,
    response: mergeResponse(response, headers, json),
  };
}

function parseJson(response: CompleteResponse): JsonInstruct {
  if (response.code !== INSTRUCT_CODE) {
    throw invalidInstruct('response code for application/grip-instruct content must be 200');
  }
  return parseInstructJson(response.body);
}

function mergeChannels(
  headers: readonly InstructChannel[],
  json: readonly InstructChannel[] = [],
): readonly InstructChannel[] {
  if (headers.length < 2 && json.length === 0) return headers;
  const byName = new Map<string, InstructChannel>();
  for (const channel of [...headers, ...json]) {
    byName.set(channel.name, channel);
  }
  return [...byName.values()];
}

/** JSON cannot name a mode: a header's stays, and without one it is `none`. JSON without a timeout means the default. */
function mergeKeepAlive(header: KeepAlive | undefined, json: JsonHold['keepAlive']): KeepAlive | undefined {
  if (header === undefined && json === undefined) {
    return undefined;
  }
  const timeout = json === undefined ? header?.timeout : json.timeout;
  return {
    content: json?.content ?? header?.content ?? Buffer.alloc(0),
    mode: header?.mode ?? 'none',
    timeout: Math.max(KEEP_ALIVE_TIMEOUT_MIN, timeout ?? TIMEOUT_DEFAULT),
  };
}

/** `Grip-Status` replaces code and reason of the origin, JSON both of these, headers and body; a new code drops the reason. */
function mergeResponse(
  origin: CompleteResponse,
  instruct: HeaderInstruct,
  json: JsonInstruct | undefined,
): CompleteResponse {
  let { code, reason } = instruct.status ?? origin;
  if (json?.response.code !== undefined) {
    code = json.response.code;
    reason = '';
  }
  reason = (json?.response.reason ?? reason) || reasonOf(code);
  const headers = json?.response.headers ?? exposedHeaders(origin.headers, instruct.exposeHeaders);
  return {
    code,
    reason,
    headers: withoutHeaders(withoutPrefix(headers, GRIP_PREFIX), CONNECTION_HEADERS),
    body: json?.response.body ?? origin.body,
  };
}

function exposedHeaders(headers: HeaderList, names: readonly string[]): HeaderList {
  if (names.length === 0) {
    return headers;
  }
  const exposed = new Set(names.map((name) => name.toLowerCase()));
  return headers.filter(([name]) => exposed.has(name.toLowerCase()));
}

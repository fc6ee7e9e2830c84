/**
 * The JSON instruct: a body of type `application/grip-instruct` (specification 4.3). Says what the body says;
 * `instruct.ts` lays it over what the headers said.
 */
import { decodeBase64 } from './base64.js';
import {
  encodeHeaderText,
  getHeader,
  type HeaderList,
  isHeaderName,
  isHeaderValue,
  parseFirstPlain,
  trimValue,
} from './headers.js';
import type { HoldMode, InstructChannel } from './instruct.js';
import { checkFilterCount, invalidInstruct, TIMEOUT_MAX } from './instruct-headers.js';
import { integerOf, isJsonObject, type JsonObject, memberOf, readJson, sortedMembers } from './json-shape.js';

const INSTRUCT_TYPE = 'application/grip-instruct';
const STATUS_MAX = 999;

/** The `hold` member. */
export interface JsonHold {
  readonly mode: HoldMode;
  /** In order, duplicates kept. */
  readonly channels: readonly InstructChannel[];
  /** Seconds as given, at least 0. */
  readonly timeout: number | undefined;
  /** Members that were not given are undefined; `timeout` in seconds, at least 0. */
  readonly keepAlive: { readonly content: Buffer | undefined; readonly timeout: number | undefined } | undefined;
  readonly meta: ReadonlyMap<string, string>;
}

/** The `response` member; what a missing one means is nothing given, no headers and an empty body. */
export interface JsonResponse {
  readonly code: number | undefined;
  /** A byte string, like header values; undefined also for an empty one. */
  readonly reason: string | undefined;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export interface JsonInstruct {
  readonly hold: JsonHold | undefined;
  readonly response: JsonResponse;
}

/** Whether the first `Content-Type` announces a JSON instruct: compared with case, parameters left aside (3.6). */
export function hasInstructBody(headers: HeaderList): boolean {
  const value = getHeader(headers, 'Content-Type');
  return value?.startsWith(INSTRUCT_TYPE) === true && parseFirstPlain(value)?.first === INSTRUCT_TYPE;
}

/**
 * Reads a JSON instruct (specification 4.3).
 *
 * @param body - the whole body of the origin's answer
 * @throws HoldfastError HOLDFAST_INSTRUCT_INVALID with the text of specification 4.3 as its message. Two texts are ours:
 *   `response contains 'headers' with invalid name or value` and `response contains 'reason' with invalid value`, for
 *   what could not be sent without breaking the response head.
 */
export function parseInstructJson(body: Buffer): JsonInstruct {
  const reading = readJson(body);
  if (reading.kind === 'syntax' || typeof reading.value !== 'object' || reading.value === null) {
    throw invalidInstruct('failed to parse application/grip-instruct content as JSON');
  }
  const instruct = reading.value;
  if (!isJsonObject(instruct)) {
    throw invalidInstruct('instruct must be an object');
  }
  const hold = memberOf(instruct, 'hold');
  if (hold !== undefined && !isJsonObject(hold)) {
    throw wrongType('instruct', 'hold');
  }
  const response = memberOf(instruct, 'response');
  const parsedHold = hold === undefined ? undefined : parseHold(hold);
  if (response !== undefined && !isJsonObject(response)) {
    // The original has no text for this one.
    throw invalidInstruct('');
  }
  return { hold: parsedHold, response: parseResponse(response ?? {}) };
}

function wrongType(owner: string, name: string): Error {
  return invalidInstruct(`${owner} contains '${name}' with wrong type`);
}

function optionalString(object: JsonObject, owner: string, name: string): string | undefined {
  const value = memberOf(object, name);
  if (value !== undefined && typeof value !== 'string') {
    throw wrongType(owner, name);
  }
  return value;
}

function optionalInteger(object: JsonObject, owner: string, name: string, max: number): number | undefined {
  const value = memberOf(object, name);
  if (value === undefined) {
    return undefined;
  }
  const integer = integerOf(value);
  if (integer === undefined) {
    throw wrongType(owner, name);
  }
  if (integer < 0 || integer > max) {
    throw invalidInstruct(`${owner} contains '${name}' with invalid value`);
  }
  return integer;
}

function optionalObject(object: JsonObject, owner: string, name: string): JsonObject | undefined {
  const value = memberOf(object, name);
  if (value !== undefined && !isJsonObject(value)) {
    throw wrongType(owner, name);
  }
  return value;
}

/** Content from the base64 member, else from the text member; undefined when the object has neither. */
function optionalContent(object: JsonObject, owner: string, name: string): Buffer | undefined {
  const encoded = optionalString(object, owner, `${name}-bin`);
  if (encoded !== undefined) {
    return decodeBase64(encoded);
  }
  const text = optionalString(object, owner, name);
  return text === undefined ? undefined : Buffer.from(text, 'utf8');
}

function parseHold(hold: JsonObject): JsonHold {
  const mode = optionalString(hold, 'hold', 'mode') ?? 'response';
  if (mode !== 'response' && mode !== 'stream') {
    throw invalidInstruct("hold 'mode' must be set to either 'response' or 'stream'");
  }
  const channels = memberOf(hold, 'channels');
  if (channels === undefined) {
    throw invalidInstruct("hold does not contain 'channels'");
  }
  if (!Array.isArray(channels)) {
    throw wrongType('hold', 'channels');
  }
  return {
    mode,
    channels: channels.map(parseChannel),
    timeout: optionalInteger(hold, 'hold', 'timeout', TIMEOUT_MAX),
    keepAlive: parseKeepAlive(optionalObject(hold, 'hold', 'keep-alive')),
    meta: parseMeta(optionalObject(hold, 'hold', 'meta')),
  };
}

function parseChannel(channel: unknown): InstructChannel {
  if (!isJsonObject(channel)) {
    throw invalidInstruct('channel is not an object');
  }
  const name = optionalString(channel, 'channel', 'name');
  if (name === undefined) {
    throw invalidInstruct("channel does not contain 'name'");
  }
  const prevId = optionalString(channel, 'channel', 'prev-id');
  const filters = parseFilters(memberOf(channel, 'filters'));
  checkFilterCount(name, filters);
  return { name, prevId, filters };
}

function parseFilters(filters: unknown): string[] {
  if (filters === undefined) {
    return [];
  }
  if (!Array.isArray(filters)) {
    throw wrongType('channel', 'filters');
  }
  return filters.map((filter: unknown) => {
    if (typeof filter !== 'string') {
      throw invalidInstruct('filters contains value with wrong type');
    }
    return filter;
  });
}

function parseKeepAlive(keepAlive: JsonObject | undefined): JsonHold['keepAlive'] {
  return keepAlive === undefined
    ? undefined
    : {
        content: optionalContent(keepAlive, 'keep-alive', 'content'),
        timeout: optionalInteger(keepAlive, 'keep-alive', 'timeout', TIMEOUT_MAX),
      };
}

function parseMeta(meta: JsonObject | undefined): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [name, value] of sortedMembers(meta ?? {})) {
    if (typeof value !== 'string') {
      throw wrongType("'meta'", name);
    }
    entries.set(name, value);
  }
  return entries;
}

function parseResponse(response: JsonObject): JsonResponse {
  const code = optionalInteger(response, 'response', 'code', STATUS_MAX);
  const reason = encodeHeaderText(optionalString(response, 'response', 'reason') ?? '');
  if (!isHeaderValue(reason)) {
    throw invalidInstruct("response contains 'reason' with invalid value");
  }
  return {
    code,
    reason: reason === '' ? undefined : reason,
    headers: parseHeaders(memberOf(response, 'headers')).map(([name, value]) => {
      const line = trimValue(encodeHeaderText(value));
      if (!isHeaderName(name) || !isHeaderValue(line)) {
        throw invalidInstruct("response contains 'headers' with invalid name or value");
      }
      return [name, line];
    }),
    body: optionalContent(response, 'response', 'body') ?? Buffer.alloc(0),
  };
}

/** Both forms of the member; values still as text. */
function parseHeaders(headers: unknown): Array<[name: string, value: string]> {
  if (headers === undefined) {
    return [];
  }
  if (Array.isArray(headers)) {
    return headers.map(parseHeaderPair);
  }
  if (!isJsonObject(headers)) {
    throw wrongType('response', 'headers');
  }
  return sortedMembers(headers).map(([name, value]) => {
    if (typeof value !== 'string') {
      throw wrongType('headers', name);
    }
    return [name, value];
  });
}

function parseHeaderPair(pair: unknown): [name: string, value: string] {
  if (!Array.isArray(pair)) {
    throw invalidInstruct('headers contains element with wrong type');
  }
  if (pair.length !== 2) {
    throw invalidInstruct('headers contains list with wrong number of elements');
  }
  const [name, value]: unknown[] = pair;
  if (typeof name !== 'string') {
    throw invalidInstruct('header contains name element with wrong type');
  }
  if (typeof value !== 'string') {
    throw invalidInstruct('header contains value element with wrong type');
  }
  return [name, value];
}

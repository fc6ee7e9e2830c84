/**
 * The `Grip-*` headers of an origin's answer (specification 4.2): what each of them says, still without the minimums
 * and without the JSON instruct, which `instruct.ts` adds. Values are read in the order in which errors are reported.
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import { decodeBase64 } from './base64.js';
import {
  decodeHeaderText,
  getHeader,
  type HeaderList,
  hasPrefix,
  type Parameters,
  parseAllParameters,
  parseFirstPlain,
  parseFirstPlainSequence,
  splitHeaderLists,
  trimValue,
} from './headers.js';
import type { HoldMode, Instruct, InstructChannel, KeepAlive } from './instruct.js';
import { integerOf } from './json-shape.js';

/** Largest number of filters one channel may have. */
export const FILTERS_MAX = 5;
/** Seconds; of a response hold and of keep-alives when none are given. */
export const TIMEOUT_DEFAULT = 55;
/** Largest number taken for a timeout in seconds, that of a 32-bit integer. */
export const TIMEOUT_MAX = 0x7fffffff;

const GRIP_PREFIX = 'grip-';
const NEXT_TIMEOUT_DEFAULT = 120;
const STATUS_MAX = 999;
const CSTRING_UNREADABLE = 'failed to parse Grip-Keep-Alive cstring format';

/** What the headers say. */
export interface HeaderInstruct {
  readonly hold: HoldMode | undefined;
  /** In order, duplicates kept. */
  readonly channels: readonly InstructChannel[];
  /** Seconds as given, at least 0. */
  readonly timeout: number | undefined;
  readonly exposeHeaders: readonly string[];
  /** `timeout` as given, at least 0. */
  readonly keepAlive: KeepAlive | undefined;
  readonly meta: ReadonlyMap<string, string>;
  /** `reason` is empty when only a code was given. */
  readonly status: { readonly code: number; readonly reason: string } | undefined;
  readonly nextLink: Instruct['nextLink'];
  readonly goneLink: string | undefined;
}

/**
 * Reads the instruction headers (specification 4.2).
 *
 * @throws HoldfastError HOLDFAST_INSTRUCT_INVALID with the text of specification 4.3 as its message
 */
export function parseInstructHeaders(all: HeaderList): HeaderInstruct {
  // Each of those below looks through all that it is given.
  const headers = all.filter(([name]) => hasPrefix(name, GRIP_PREFIX));
  return {
    hold: parseHold(headers),
    channels: parseChannels(headers),
    timeout: parseTimeout(headers),
    exposeHeaders: splitHeaderLists(headers, 'Grip-Expose-Headers'),
    keepAlive: parseKeepAlive(headers),
    meta: parseMeta(headers),
    status: parseStatus(headers),
    ...parseLinks(headers),
  };
}

/**
 * Reads `Grip-Last: CHANNEL; last-id=ID` (specification 4.2). Elements without `last-id` are passed over; of a channel
 * named twice the later id counts.
 */
export function parseGripLast(headers: HeaderList): Map<string, string> {
  const lastIds = new Map<string, string>();
  for (const { first, parameters } of parseElements(headers, 'Grip-Last')) {
    const lastId = parameters.get('last-id');
    if (lastId !== undefined) {
      lastIds.set(decodeHeaderText(first), decodeHeaderText(lastId));
    }
  }
  return lastIds;
}

/** The error for an instruct that cannot be taken; the message is a text of specification 4.3. */
export function invalidInstruct(message: string): HoldfastError {
  return new HoldfastError('HOLDFAST_INSTRUCT_INVALID', message);
}

/** @throws HoldfastError when there are more than `FILTERS_MAX` */
export function checkFilterCount(channel: string, filters: readonly string[]): void {
  if (filters.length > FILTERS_MAX) {
    throw invalidInstruct(`too many filters for channel '${channel}'`);
  }
}

function parseElements(headers: HeaderList, name: string): Parameters[] {
  return splitHeaderLists(headers, name)
    .map(parseFirstPlain)
    .filter((element) => element !== undefined);
}

function parseHold(headers: HeaderList): HoldMode | undefined {
  const value = getHeader(headers, 'Grip-Hold');
  if (value === undefined || value === 'response' || value === 'stream') {
    return value;
  }
  throw invalidInstruct("Grip-Hold must be set to either 'response' or 'stream'");
}

function parseChannels(headers: HeaderList): InstructChannel[] {
  const channels: InstructChannel[] = [];
  for (const element of splitHeaderLists(headers, 'Grip-Channel')) {
    const sequence = parseFirstPlainSequence(element);
    if (sequence === undefined) {
      continue;
    }
    const name = decodeHeaderText(sequence.first);
    let prevId: string | undefined;
    const filters: string[] = [];
    for (const [parameter, value] of sequence.parameters) {
      switch (parameter.toLowerCase()) {
        case 'prev-id':
          prevId ??= decodeHeaderText(value);
          break;
        case 'filter':
          filters.push(decodeHeaderText(value));
          break;
      }
    }
    checkFilterCount(name, filters);
    channels.push({ name, prevId, filters });
  }
  return channels;
}

function parseTimeout(headers: HeaderList): number | undefined {
  const value = getHeader(headers, 'Grip-Timeout');
  return value === undefined ? undefined : parseSeconds(value, 'Grip-Timeout', 'failed to parse Grip-Timeout');
}

function parseSeconds(value: string, subject: string, unreadable = `failed to parse ${subject} value`): number {
  const seconds = integerOf(value);
  if (seconds === undefined || Math.abs(seconds) > TIMEOUT_MAX) {
    throw invalidInstruct(unreadable);
  }
  if (seconds < 0) {
    throw invalidInstruct(`${subject} has invalid value`);
  }
  return seconds;
}

function parseKeepAlive(headers: HeaderList): KeepAlive | undefined {
  const value = getHeader(headers, 'Grip-Keep-Alive');
  const element = value === undefined || value === '' ? undefined : parseFirstPlain(value);
  if (element === undefined) {
    return undefined;
  }
  const { first, parameters } = element;
  if (first === '') {
    throw invalidInstruct('Grip-Keep-Alive cannot be empty');
  }
  const mode = parameters.get('mode') || 'idle';
  if (mode !== 'idle' && mode !== 'interval') {
    throw invalidInstruct(`no such Grip-Keep-Alive mode '${decodeHeaderText(mode)}'`);
  }
  const seconds = parameters.get('timeout');
  const timeout = seconds === undefined ? TIMEOUT_DEFAULT : parseSeconds(seconds, 'Grip-Keep-Alive timeout');
  return { content: decodeKeepAliveContent(first, parameters.get('format') || 'raw'), mode, timeout };
}

function decodeKeepAliveContent(text: string, format: string): Buffer {
  switch (format) {
    case 'raw':
      return bytesOf(text);
    case 'cstring':
      return unescapeCString(text);
    case 'base64':
      return decodeBase64(text);
    default:
      throw invalidInstruct(`no such Grip-Keep-Alive format '${decodeHeaderText(format)}'`);
  }
}

/** One character is one byte, unless the list was built from text rather than read from a connection. */
function bytesOf(text: string): Buffer {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) > 0xff) {
      return Buffer.from(text, 'utf8');
    }
  }
  return Buffer.from(text, 'latin1');
}

/** `\\`, `\r`, `\n` and `\xHH`; any other escape stands for nothing. A content of nothing at all is an error too. */
function unescapeCString(text: string): Buffer {
  let content = '';
  let at = 0;
  while (at < text.length) {
    const backslash = text.indexOf('\\', at);
    const plainEnd = backslash === -1 ? text.length : backslash;
    content += text.slice(at, plainEnd);
    at = plainEnd + 2;
    switch (text[plainEnd + 1]) {
      case '\\':
        content += '\\';
        break;
      case 'r':
        content += '\r';
        break;
      case 'n':
        content += '\n';
        break;
      case 'x':
        content += parseHexByte(text.slice(at, at + 2));
        at += 2;
        break;
      case undefined:
        if (backslash !== -1) {
          throw invalidInstruct(CSTRING_UNREADABLE);
        }
    }
  }
  if (content === '') {
    throw invalidInstruct(CSTRING_UNREADABLE);
  }
  return bytesOf(content);
}

function parseHexByte(digits: string): string {
  if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
    throw invalidInstruct(CSTRING_UNREADABLE);
  }
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function parseMeta(headers: HeaderList): Map<string, string> {
  const meta = new Map<string, string>();
  for (const element of splitHeaderLists(headers, 'Grip-Set-Meta')) {
    const parameters = parseAllParameters(element);
    if (parameters === undefined) {
      continue;
    }
    const entry = parameters[0];
    if (entry === undefined) {
      throw invalidInstruct('Grip-Set-Meta cannot be empty');
    }
    meta.set(decodeHeaderText(entry[0]), decodeHeaderText(entry[1]));
  }
  return meta;
}

function parseStatus(headers: HeaderList): HeaderInstruct['status'] {
  const value = getHeader(headers, 'Grip-Status');
  if (value === undefined || value === '') {
    return undefined;
  }
  const space = value.indexOf(' ');
  const code = integerOf(space === -1 ? value : value.slice(0, space));
  if (code === undefined || code < 0 || code > STATUS_MAX) {
    throw invalidInstruct('Grip-Status contains invalid status code');
  }
  return { code, reason: space === -1 ? '' : trimValue(value.slice(space + 1)) };
}

function parseLinks(headers: HeaderList): Pick<HeaderInstruct, 'nextLink' | 'goneLink'> {
  let nextLink: HeaderInstruct['nextLink'];
  let goneLink: string | undefined;
  for (const { first, parameters } of parseElements(headers, 'Grip-Link')) {
    if (parameters.size === 0) {
      continue;
    }
    const uri = parseLinkUri(first);
    const rel = parameters.get('rel');
    if (rel === 'next') {
      const seconds = parameters.get('timeout');
      const timeout = seconds === undefined ? NEXT_TIMEOUT_DEFAULT : parseSeconds(seconds, 'Grip-Link timeout');
      nextLink = { uri, timeout };
    } else if (rel === 'gone') {
      goneLink = uri;
    }
  }
  return { nextLink, goneLink };
}

function parseLinkUri(bracketed: string): string {
  if (bracketed.length <= 2 || !bracketed.startsWith('<') || !bracketed.endsWith('>')) {
    throw invalidInstruct('failed to parse Grip-Link value');
  }
  const uri = decodeHeaderText(bracketed.slice(1, -1));
  // The base only makes relative links count as valid; who follows the link resolves it against the real address.
  if (!URL.canParse(uri, 'http://client.invalid/')) {
    throw invalidInstruct('Grip-Link contains invalid link');
  }
  return uri;
}

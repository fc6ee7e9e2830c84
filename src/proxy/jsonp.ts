/**
 * JSON-P: a script's GET taken as the request it stands for, and the answer wrapped into a call of the script's function
 * (specification 3.11; 4.6, 6 for held answers). Pure: who relays and who holds is decided elsewhere.
 */
import {
  decodeHeaderText,
  encodeHeaderText,
  getHeader,
  type HeaderList,
  isHeaderName,
  isHeaderValue,
  withoutHeaders,
} from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { isJsonObject, readJson, sortedMembers } from '../protocol/json-shape.js';
import { reasonOf } from '../protocol/status-reasons.js';
import type { JsonpOptions } from '../routes/route.js';

/** How the answers to one request are wrapped. The callback is bytes, because any bytes may be asked for. */
export interface JsonpWrapping {
  readonly mode: 'basic' | 'extended';
  readonly callback: Buffer;
}

export interface JsonpInput {
  readonly method: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly headers: HeaderList;
}

/** The request that is meant. */
export interface JsonpRequest extends JsonpInput {
  readonly wrapping: JsonpWrapping;
  /** Undefined: the client's own body, if it has any. */
  readonly body: Buffer | undefined;
}

/** `text` is for an answer 400, which is not wrapped. */
export type JsonpReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'request'; readonly request: JsonpRequest }
  | { readonly kind: 'error'; readonly text: string };

/** Code, reason and headers of an answer. */
export type JsonpHead = Omit<CompleteResponse, 'body'>;

interface QueryParameter {
  readonly raw: string;
  /** Decoded. */
  readonly name: string;
  /** As written. */
  readonly value: string;
}

const JAVASCRIPT: HeaderList[number] = ['Content-Type', 'application/javascript'];
const OK = 200;
const INTERNAL_ERROR = 500;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Set anew for the origin, or part of a framing that a script has no hand in. Lower case. */
const NOT_TAKEN: ReadonlySet<string> = new Set([
  'host',
  'accept',
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
]);

/**
 * Reads a request on a route with `aco`.
 *
 * @returns `none` when it is no JSON-P request and goes on as it is
 */
export function readJsonpRequest(options: JsonpOptions, request: JsonpInput): JsonpReading {
  if (request.method !== 'GET') return { kind: 'none' };
  const parameters = readQuery(request.query);
  const given = (wanted: string): string | undefined => parameters.find(({ name }) => name === wanted)?.value;
  const bodyName = options.body ?? '_body';
  const givenCallback = given(options.callback);
  const givenBody = given(bodyName);
  const hasDefault = options.defaultCallback !== undefined && options.body !== undefined && givenBody !== undefined;
  if (givenCallback === undefined && !hasDefault) return { kind: 'none' };

  const callback = givenCallback === undefined ? Buffer.from(options.defaultCallback ?? '') : filled(givenCallback);
  if (callback === undefined) return invalid('callback');
  const givenMethod = given('_method');
  const method = givenMethod === undefined ? defaultMethod(options) : filled(givenMethod)?.toString('latin1');
  // Any other text could end the request line, or make a second request of what follows.
  if (method === undefined || !isHeaderName(method)) return invalid('_method');
  const givenHeaders = given('_headers');
  const extra = givenHeaders === undefined ? [] : readHeaders(filled(givenHeaders));
  if (extra === undefined) return invalid('_headers');
  const body = givenBody === undefined ? undefined : filled(givenBody);
  if (givenBody !== undefined && body === undefined) return invalid(options.body === undefined ? '_body' : 'body');

  const taken = new Set([options.callback, '_method', '_headers', bodyName]);
  const rest = parameters.filter(({ name }) => !taken.has(name)).map(({ raw }) => raw);
  return {
    kind: 'request',
    request: {
      wrapping: { mode: options.mode, callback },
      method,
      query: rest.length === 0 ? '' : `?${rest.join('&')}`,
      headers: requestHeaders(extra, request.headers, options.body !== undefined && body !== undefined),
      body,
    },
  };
}

/** A whole answer, wrapped. An empty one cannot be wrapped in basic mode, where the body is the argument of the call. */
export function wrapResponse(wrapping: JsonpWrapping, response: CompleteResponse): CompleteResponse {
  const { body } = response;
  if (wrapping.mode === 'basic' && body.length === 0) {
    return {
      code: INTERNAL_ERROR,
      reason: reasonOf(INTERNAL_ERROR),
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from('Upstream response could not be JSON-P encoded.\n'),
    };
  }
  const stream = new JsonpStream(wrapping, response);
  return { ...stream.head, body: Buffer.concat([stream.start, stream.update(body), stream.finish()]) };
}

/** An answer that is wrapped as it comes: `start`, then a piece for each chunk, then the end. */
export class JsonpStream {
  /** What the client gets as the head of the wrapped answer. */
  readonly head: JsonpHead;
  readonly start: Buffer;
  private readonly text = new TextDecoder('utf-8', { ignoreBOM: true });
  /** A line end that may turn out to be the last. */
  private lineEnd: Buffer = Buffer.alloc(0);

  constructor(
    private readonly wrapping: JsonpWrapping,
    { code, reason, headers }: JsonpHead,
  ) {
    const mirrored = headers.filter(([name]) => name.toLowerCase() === 'cache-control');
    this.head = { code: OK, reason: reasonOf(OK), headers: [JAVASCRIPT, ...mirrored] };
    const fields = `"code": ${code}, "reason": ${jsonText(decodeHeaderText(reason))}, "headers": ${firstValues(headers)}`;
    this.start = opening(wrapping, wrapping.mode === 'basic' ? '' : `{${fields}, "body": "`);
  }

  update(chunk: Buffer): Buffer {
    if (this.wrapping.mode === 'extended') return this.escaped(this.text.decode(chunk, { stream: true }));
    const bytes = this.lineEnd.length === 0 ? chunk : Buffer.concat([this.lineEnd, chunk]);
    const end = bytes.length - trailingLineEnd(bytes);
    this.lineEnd = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  finish(): Buffer {
    if (this.wrapping.mode === 'extended') {
      return Buffer.concat([this.escaped(this.text.decode()), Buffer.from('"});\n')]);
    }
    // A lone carriage return has waited for its line feed in vain, and is part of the body.
    const kept = this.lineEnd.at(-1) === CARRIAGE_RETURN ? this.lineEnd : Buffer.alloc(0);
    return Buffer.concat([kept, Buffer.from(');\n')]);
  }

  private escaped(text: string): Buffer {
    return Buffer.from(jsonText(text).slice(1, -1));
  }
}

/** The answer of a response hold, wrapped: unlike above it keeps its other headers, and the members are sorted. */
export function wrapHeldResponse(wrapping: JsonpWrapping, response: CompleteResponse): CompleteResponse {
  const { code, reason, headers, body } = response;
  const argument =
    wrapping.mode === 'basic'
      ? withoutLineEnd(body)
      : Buffer.from(
          `{"body":${jsonText(new TextDecoder('utf-8', { ignoreBOM: true }).decode(body))},"code":${code},` +
            `"headers":${mergedValues(headers)},"reason":${jsonText(decodeHeaderText(reason))}}`,
        );
  return {
    code: OK,
    reason: reasonOf(OK),
    headers: [...withoutHeaders(headers, new Set(['content-type', 'content-length'])), JAVASCRIPT],
    body: Buffer.concat([opening(wrapping, ''), argument, Buffer.from(');\n')]),
  };
}

function invalid(parameter: string): JsonpReading {
  return { kind: 'error', text: `Invalid ${parameter} parameter.` };
}

function defaultMethod({ mode, defaultMethod: method }: JsonpOptions): string {
  return method ?? (mode === 'basic' ? 'POST' : 'GET');
}

function readQuery(query: string): QueryParameter[] {
  const text = query.startsWith('?') ? query.slice(1) : query;
  if (text === '') return [];
  return text.split('&').map((raw) => {
    const equals = raw.indexOf('=');
    const name = equals < 0 ? raw : raw.slice(0, equals);
    return {
      raw,
      name: percentDecoded(name)?.toString('utf8') ?? name,
      value: equals < 0 ? '' : raw.slice(equals + 1),
    };
  });
}

/** The bytes of a value; undefined when there are none, or when a percent sign is not followed by two hex digits. */
function filled(value: string): Buffer | undefined {
  return value === '' ? undefined : percentDecoded(value);
}

function percentDecoded(text: string): Buffer | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes = text.replace(/%(..)/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1');
}

/** The members of a JSON object of strings, by name. Undefined when it is none, or has what no header can say. */
function readHeaders(json: Buffer | undefined): HeaderList | undefined {
  const reading = json === undefined ? undefined : readJson(json);
  if (reading?.kind !== 'value' || !isJsonObject(reading.value)) return undefined;
  const headers: HeaderList = [];
  for (const [name, text] of sortedMembers(reading.value)) {
    if (typeof text !== 'string') return undefined;
    const value = encodeHeaderText(text);
    if (!isHeaderName(name) || !isHeaderValue(value)) return undefined;
    if (!NOT_TAKEN.has(name.toLowerCase())) headers.push([name, value]);
  }
  return headers;
}

/** @param json - the body came from the route's own parameter, which is JSON by agreement */
function requestHeaders(extra: HeaderList, client: HeaderList, json: boolean): HeaderList {
  const headers = json ? withoutHeaders(extra, new Set(['content-type'])) : [...extra];
  if (json) headers.push(['Content-Type', 'application/json']);
  const host = getHeader(client, 'host');
  if (host !== undefined) headers.push(['Host', host]);
  return [...headers, ['Accept', '*/*'], ...withoutHeaders(client, new Set(['host', 'accept']))];
}

/** The comment in front keeps the first bytes from being those of another file type, whatever the callback. */
function opening({ callback }: JsonpWrapping, argument: string): Buffer {
  return Buffer.concat([Buffer.from('/**/'), callback, Buffer.from(`(${argument}`)]);
}

/** Names that differ in case are names of their own; of the same name the first value counts. */
function firstValues(headers: HeaderList): string {
  const values = new Map<string, string>();
  for (const [name, value] of headers) if (!values.has(name)) values.set(name, value);
  return jsonObject(values);
}

/** Lines of one name, whatever its case, become one; empty ones add nothing. */
function mergedValues(headers: HeaderList): string {
  const names = new Map<string, string>();
  const values = new Map<string, string>();
  for (const [written, value] of headers) {
    const name = names.get(written.toLowerCase()) ?? written;
    names.set(written.toLowerCase(), name);
    const before = values.get(name) ?? '';
    values.set(name, before === '' || value === '' ? before + value : `${before}, ${value}`);
  }
  return jsonObject(values);
}

/** Compact JSON with sorted keys. Written by hand: an object would put keys like numbers first. */
function jsonObject(values: ReadonlyMap<string, string>): string {
  const members = [...values].sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, value]) => `${jsonText(name)}:${jsonText(decodeHeaderText(value))}`).join(',')}}`;
}

/** A JSON string that is a JavaScript string too: older engines end a line at U+2028 and U+2029. */
function jsonText(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function withoutLineEnd(body: Buffer): Buffer {
  return body.at(-1) === LINE_FEED ? body.subarray(0, body.length - trailingLineEnd(body)) : body;
}

/** Bytes at the end that are a line end, or may be the first half of one. */
function trailingLineEnd(bytes: Buffer): number {
  if (bytes.at(-1) === CARRIAGE_RETURN) return 1;
  if (bytes.at(-1) !== LINE_FEED) return 0;
  return bytes.at(-2) === CARRIAGE_RETURN ? 2 : 1;
}

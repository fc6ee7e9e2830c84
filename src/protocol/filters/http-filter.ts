/**
 * The filters that ask an HTTP endpoint, `http-check` and `http-modify` (specification 6.3), without the network: what to
 * ask, and what an answer or a failure means.
 */
import { encodeHeaderText, getHeader, type HeaderList } from '../headers.js';
import type { HttpFilterName } from './filters.js';
import type { FilterInput, FilterVerdict } from './message-filters.js';

/** Milliseconds from the start of a request until it has failed. */
export const HTTP_FILTER_TIMEOUT = 10_000;
/** Requests a second to one URL. */
export const HTTP_FILTER_RATE = 100;
/** Largest body of an answer in bytes. More need not be read. */
export const HTTP_FILTER_BODY_MAX = 100_000;

/** A `POST`, before the headers that every request to an origin gets. */
export interface HttpFilterRequest {
  readonly url: URL;
  readonly headers: HeaderList;
  /** Last id by channel, for `Grip-Last`. */
  readonly lastIds: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Same scheme, host and port as the client's request: goes through the client's route, not to the host directly. */
  readonly internal: boolean;
}

export type HttpFilterQuestion =
  | { readonly kind: 'request'; readonly request: HttpFilterRequest }
  | { readonly kind: 'error'; readonly detail: string };

export interface HttpFilterAnswer {
  readonly code: number;
  readonly headers: HeaderList;
  /** May be cut off anywhere beyond `HTTP_FILTER_BODY_MAX`. */
  readonly body: Buffer;
}

export type HttpFilterFailure =
  | 'connection-refused'
  | 'connection-timed-out'
  | 'tls-error'
  | 'disconnected'
  | 'request-timed-out'
  | 'other';

const FAILURES: Readonly<Record<HttpFilterFailure, string>> = {
  'connection-refused': 'connection refused',
  'connection-timed-out': 'connection timed out',
  'tls-error': 'tls error',
  disconnected: 'disconnected',
  'request-timed-out': 'request timed out',
  other: 'general error',
};

const HTTP_SCHEME: Readonly<Record<string, string>> = { 'ws:': 'http:', 'wss:': 'https:' };

/**
 * What to ask for this message.
 *
 * @param currentUri - absolute URI that the connection is at: the client's, or that of the last link it followed
 * @param clientUri - absolute URI of the client's request
 */
export function httpFilterRequest(
  filter: HttpFilterName,
  input: FilterInput,
  currentUri: string,
  clientUri = currentUri,
): HttpFilterQuestion {
  const reference = input.subMeta.get('url') ?? '';
  if (reference === '') return { kind: 'error', detail: 'missing url value' };
  const url = resolve(reference, currentUri);
  if (url === undefined) return { kind: 'error', detail: 'invalid url value' };
  const headers: HeaderList = [
    ['Sub-Meta', metaHeader(input.subMeta)],
    ['Pub-Meta', metaHeader(input.pubMeta)],
  ];
  const body = filter === 'http-modify' ? input.content : Buffer.alloc(0);
  const internal = url.origin === httpUri(clientUri)?.origin;
  return { kind: 'request', request: { url, headers, lastIds: input.prevIds, body, internal } };
}

/** What an answer means for the message with this content. */
export function judgeHttpFilterAnswer(
  filter: HttpFilterName,
  answer: HttpFilterAnswer,
  content: Buffer,
): FilterVerdict {
  const { code, headers, body } = answer;
  if (body.length > HTTP_FILTER_BODY_MAX) {
    return { kind: 'error', detail: `network response exceeded ${HTTP_FILTER_BODY_MAX} bytes` };
  }
  if (code !== 200 && code !== 204) {
    return { kind: 'error', detail: `unexpected network request status: code=${code}` };
  }
  if (getHeader(headers, 'Action') === 'drop') return { kind: 'drop' };
  return { kind: 'send', content: filter === 'http-modify' && code === 200 ? body : content };
}

/** What a request without an answer means. */
export function judgeHttpFilterFailure(failure: HttpFilterFailure): FilterVerdict {
  return { kind: 'error', detail: `network request failed: ${FAILURES[failure]}` };
}

function resolve(reference: string, currentUri: string): URL | undefined {
  const base = httpUri(currentUri);
  if (base === undefined || !URL.canParse(reference, base.href)) return undefined;
  const url = new URL(reference, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  url.hash = '';
  return url;
}

function httpUri(uri: string): URL | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  const scheme = HTTP_SCHEME[url.protocol];
  return scheme === undefined ? url : new URL(scheme + url.href.slice(url.protocol.length));
}

/** Compact JSON with sorted keys, as bytes of a header. Written by hand: an object would put keys like numbers first. */
function metaHeader(meta: ReadonlyMap<string, string>): string {
  const members = [...meta].sort(([left], [right]) => (left < right ? -1 : 1));
  const json = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  // JSON may hold a DEL as it is, a header may not.
  return encodeHeaderText(json.replaceAll('\x7f', '\\u007f'));
}

/**
 * Pinghub as a built-in backend: a bus of WebSockets by URL path (pinghub specification). A channel is a path. It answers
 * as an origin would, from a function call; who is subscribed, in which order messages come, and what becomes of slow
 * clients is the core's business.
 */
import { isUtf8 } from 'node:buffer';
import type { WebSocketClient, WebSocketOrigin } from '../../hold/websocket-origin.js';
import { publishesAreFollowed } from '../../observe/steps.js';
import type { HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import type { Item } from '../../protocol/item.js';
import { reasonOf } from '../../protocol/status-reasons.js';
import { traceparentOf } from '../../protocol/trace-context.js';
import type { PinghubOptions } from '../../routes/pinghub-options.js';
import type { BackendPublishing } from '../backend-publishing.js';
import type { WebSocketVerdict } from '../websocket-verdict.js';
import { originRefusalOf, refusal, refusalOf } from './handshake.js';
import { clientPage, PAGE_HEADERS } from './page.js';
import { checkPath, escapePath, readPath } from './path.js';

/** What a request asks for. */
export interface PinghubRequest {
  readonly method: string;
  /** Percent-encoded, after rewriting, without the query. */
  readonly path: string;
  /** The same as the client has it. */
  readonly ownPath: string;
  /**
   * Whether the client would be here, too, if it spelt its path without needless escapes. Each channel has one spelling
   * that decides who may come to it.
   * @param plain - its path without escapes, one character for each byte
   */
  leadsHere(plain: string): boolean;
  /** With its question mark, or empty. */
  readonly query: string;
  /** `http://HOST` or `https://HOST`, where the request line named the host; a redirect names it too then. */
  readonly base: string;
  readonly headers: HeaderList;
}

/** What Pinghub counts (pinghub specification 7). */
export interface PinghubCounters {
  posts: number;
  /** Messages of WebSockets that were not empty. */
  messages: number;
  /** POSTs to a path that nobody is on. */
  drops: number;
  /** Empty messages that went back to who sent them. */
  echoes: number;
}

export interface PinghubParts {
  readonly options: PinghubOptions;
  /** Stands before the names of channels: the route's prefix. */
  readonly prefix: string;
  readonly counters: PinghubCounters;
  readonly publishing: BackendPublishing;
  /** Whether anybody is on a channel; undefined where that is not known. */
  isOpen(channel: string): boolean | undefined;
}

const EMPTY = Buffer.alloc(0);
const OK = Buffer.from('OK\n');
const NO_META: ReadonlyMap<string, string> = new Map();
const NOT_CLEAN = 'Error: bad request. Path must be in clean form, without empty, . and .. segments.';
const NOT_PLAIN = 'Error: bad request. Path must be spelt without needless escapes.';
const NOT_UNICODE = 'Error: bad request. Message must be valid Unicode (UTF-8).';
/** UTF-8 that is none. */
const INVALID_DATA = 1007;

/** Name of the channel of a path, for whoever publishes to it from elsewhere. */
export function pinghubChannel(path: string): string {
  return `pinghub:${path}`;
}

/** @param body - whole; undefined when it is larger than `maxBodyBytes` */
export function pinghubAnswer(
  parts: PinghubParts,
  request: PinghubRequest,
  body: Buffer | undefined,
): CompleteResponse {
  const place = placeOf(request);
  if (place.kind === 'elsewhere') return place.response;
  if (request.method !== 'GET' && request.method !== 'POST') return answer(405, [], EMPTY);
  const checked = checkPath(place.bytes);
  if (checked.kind === 'invalid') return failure(400, checked.text);
  if (request.method === 'GET') return answer(200, PAGE_HEADERS, clientPage(checked.path));
  const traceparent = publishesAreFollowed() ? traceparentOf(request.headers) : undefined;
  return publishPosted(parts, parts.prefix + pinghubChannel(checked.path), body, traceparent);
}

/** @param isHandshake - the request is that of a WebSocket; otherwise one of another transport has opened a session */
export function pinghubWebSocket(parts: PinghubParts, request: PinghubRequest, isHandshake: boolean): WebSocketVerdict {
  const place = placeOf(request);
  if (place.kind === 'elsewhere') return { kind: 'reject', response: place.response };
  const checked = checkPath(place.bytes);
  if (checked.kind === 'invalid') return { kind: 'reject', response: failure(400, checked.text) };
  const { options } = parts;
  const refused = isHandshake ? refusalOf(request, options.origin) : originRefusalOf(request, options.origin);
  if (refused !== undefined) return { kind: 'reject', response: refusal(refused) };
  const channel = parts.prefix + pinghubChannel(checked.path);
  return {
    kind: 'accept',
    reason: reasonOf(101),
    headers: [],
    grip: undefined,
    origin: new PinghubSocket(parts, channel),
    subscriptions: [channel],
    terms: options.terms,
    maxMessageBytes: options.maxMessageBytes,
  };
}

type Place =
  /** The path without escapes, one character for each byte. */
  | { readonly kind: 'here'; readonly bytes: string }
  | { readonly kind: 'elsewhere'; readonly response: CompleteResponse };

/**
 * What comes before all else (pinghub specification 2, R1). The client's own path is looked at even where another one has
 * taken its place: whoever let it in may have understood it in another way.
 */
function placeOf(request: PinghubRequest): Place {
  const { path, ownPath } = request;
  const own = readPath(ownPath);
  if (own.kind === 'malformed') return elsewhere(failure(400, '400 Bad Request'));
  if (own.kind === 'redirect') return elsewhere(redirect(request, own.clean));
  if (!request.leadsHere(own.bytes)) {
    const plain = escapePath(own.bytes);
    return elsewhere(plain === ownPath ? failure(400, NOT_PLAIN) : redirect(request, plain));
  }
  if (path === ownPath) return { kind: 'here', bytes: own.bytes };
  const reading = readPath(path);
  if (reading.kind === 'malformed') return elsewhere(failure(400, '400 Bad Request'));
  // The client is not to learn of this path, and cannot be sent to another one.
  return reading.kind === 'redirect' ? elsewhere(failure(400, NOT_CLEAN)) : { kind: 'here', bytes: reading.bytes };
}

function elsewhere(response: CompleteResponse): Place {
  return { kind: 'elsewhere', response };
}

function publishPosted(
  parts: PinghubParts,
  channel: string,
  body: Buffer | undefined,
  traceparent: string | undefined,
): CompleteResponse {
  const { maxBodyBytes } = parts.options;
  if (body === undefined || body.length > maxBodyBytes) {
    return failure(413, `Error: message must not exceed ${maxBodyBytes} bytes.`);
  }
  if (!isUtf8(body)) return failure(400, NOT_UNICODE);
  parts.counters.posts += 1;
  if (parts.isOpen(channel) === false) parts.counters.drops += 1;
  if (body.length > 0) parts.publishing.publish(itemOf(channel, body), traceparent);
  return answer(200, [['Content-Type', 'text/plain; charset=utf-8']], OK);
}

/** Its place in the order is that of its coming: it has no id, and follows none. */
function itemOf(channel: string, content: Buffer): Item {
  const websocket = { action: 'send', type: 'text', content, contentFilters: undefined } as const;
  return {
    channel,
    id: undefined,
    prevId: undefined,
    formats: { response: undefined, stream: undefined, websocket },
    meta: NO_META,
    size: undefined,
    noSeq: true,
  };
}

/** The bus's side of a client's WebSocket. */
class PinghubSocket implements WebSocketOrigin {
  private client: WebSocketClient | undefined = undefined;

  constructor(
    private readonly parts: PinghubParts,
    private readonly channel: string,
  ) {}

  attached(client: WebSocketClient): void {
    this.client = client;
  }

  message(type: 'text' | 'binary', content: Buffer): void {
    const { parts, channel, client } = this;
    if (content.length === 0) {
      // Nobody else hears of it: it keeps the connection alive, and its sender knows that it does.
      parts.counters.echoes += 1;
      client?.fromOrigin('text', EMPTY);
    } else if (type === 'binary' && !isUtf8(content)) {
      client?.close(INVALID_DATA, '');
    } else {
      parts.counters.messages += 1;
      if (parts.options.socketPublish) this.publish(parts.publishing, itemOf(channel, content));
    }
  }

  /** A fast sender is slowed to what the slowest process takes. */
  private publish(publishing: BackendPublishing, item: Item): void {
    publishing.publish(item);
    if (!publishing.congested) return;
    this.client?.pause();
    publishing.whenClear(() => this.client?.resume());
  }

  ping(content: Buffer): void {
    this.client?.fromOrigin('pong', content);
  }

  pong(): void {}

  /** The code comes back alone. */
  closed(code: number | undefined): void {
    this.client?.close(code, '');
  }

  gone(): void {
    this.client = undefined;
  }

  closedByPublish(): void {}

  refresh(): void {}
}

function redirect({ base, query }: PinghubRequest, path: string): CompleteResponse {
  return answer(301, [['Location', `${base}${path}${query}`]], EMPTY);
}

function failure(code: number, text: string): CompleteResponse {
  const headers: HeaderList = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  return answer(code, headers, Buffer.from(`${text}\n`));
}

function answer(code: number, headers: HeaderList, body: Buffer): CompleteResponse {
  return { code, reason: reasonOf(code), headers, body };
}

/**
 * The lines that are written for every request, subscription and publish (specification 14.1): what they say field by
 * field, and their text. All are of level `info`.
 */

export type LogRecord = RequestRecord | SubscribeRecord | PublishRecord;

/** A request is over, or its client is held. What does not apply is undefined. */
export interface RequestRecord {
  readonly kind: 'request';
  readonly method: string;
  /** The whole URI as the client sees it. */
  readonly uri: string;
  /** The last one that was asked; undefined when the request was refused before. */
  readonly target: string | undefined;
  /** It is a WebSocket that goes to its target over HTTP. */
  readonly overHttp: boolean;
  /** Address of the client, where it is wanted. */
  readonly from: string | undefined;
  /** As the client wrote it, a byte string. */
  readonly referer: string | undefined;
  /** Of a route that has an id of its own. */
  readonly route: string | undefined;
  readonly result: RequestResult;
  /** The origin was asked again for a client that was held. */
  readonly retry: boolean;
  /** Number of the origin's answer when other clients got it too. */
  readonly shared: number | undefined;
  /** Where it is wanted. */
  readonly userAgent: string | undefined;
  /** Last ids by channel that were sent along; undefined for none. */
  readonly lastIds: ReadonlyMap<string, string> | undefined;
}

/** How a request ended. `size` in bytes of the body as it was written; an error is a client gone or a broken answer. */
export type RequestResult =
  | { readonly kind: 'answered'; readonly code: number; readonly size: number }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'error' };

/** A client joins a channel. */
export interface SubscribeRecord {
  readonly kind: 'subscribe';
  readonly uri: string;
  readonly channel: string;
  /** Its origin was asked again. */
  readonly retry: boolean;
}

/** An item goes out. */
export interface PublishRecord {
  readonly kind: 'publish';
  readonly channel: string;
  /** Holds that are to get it. */
  readonly receivers: number;
}

/** The text of a line. Fields are told apart by blanks, so nothing a client chooses may hold one but what stands at the end. */
export function textOf(record: LogRecord): string {
  switch (record.kind) {
    case 'request':
      return requestText(record);
    case 'subscribe':
      return `subscribe ${record.uri} channel=${record.channel}${record.retry ? ' retry' : ''}`;
    case 'publish':
      return `publish channel=${record.channel} receivers=${record.receivers}`;
  }
}

function requestText(record: RequestRecord): string {
  let text = `${record.method} ${record.uri}`;
  if (record.target !== undefined) text += ` -> ${record.target}`;
  if (record.overHttp) text += '[http]';
  if (record.from !== undefined) text += ` from=${record.from}`;
  if (record.referer !== undefined) text += ` ref=${oneWord(record.referer)}`;
  if (record.route !== undefined) text += ` route=${record.route}`;
  text += resultText(record.result);
  if (record.retry) text += ' retry';
  if (record.shared !== undefined) text += ` shared=${record.shared}`;
  if (record.userAgent !== undefined) text += ` ua=${record.userAgent}`;
  for (const [channel, id] of record.lastIds ?? []) text += ` #${channel}=${id}`;
  return text;
}

function resultText(result: RequestResult): string {
  switch (result.kind) {
    case 'answered':
      return ` code=${result.code} ${result.size}`;
    case 'accepted':
      return ' accept';
    case 'error':
      return ' error';
  }
}

/** A header's value with everything percent-encoded that is no visible ASCII character, and so without blanks. */
function oneWord(value: string): string {
  return value.replace(/[^!-~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

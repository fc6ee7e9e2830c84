/**
 * Reads whole HTTP/1 messages out of recorded bytes (specification 15.5). It owns framing only: where a head ends, where
 * a body ends, what a chunked body says. Nothing is judged or changed, so that both sides of a comparison keep what they sent.
 */

/** How the end of a body is known. */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close';

export interface HttpMessage {
  /** Request line or status line, latin1, without its line end. */
  readonly startLine: string;
  /** Names and values as received, in order, duplicates kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: Framing;
  /** Content with chunk framing taken off. */
  readonly body: Buffer;
  /** False when the bytes stop before the message does. */
  readonly complete: boolean;
  /** Bytes this message takes up, from the offset it was read at. */
  readonly size: number;
}

interface Head {
  readonly startLine: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly size: number;
}

/** The request at the front of `bytes`, or undefined while its head is incomplete. A request without framing has no body. */
export function readRequest(bytes: Buffer): HttpMessage | undefined {
  const head = readHead(bytes);
  return head && withBody(head, bytes, 'none');
}

/**
 * The response at the front of `bytes`, or undefined while its head is incomplete.
 *
 * @param method - of the request it answers: an answer to HEAD has no body whatever its headers say
 */
export function readResponse(bytes: Buffer, method: string): HttpMessage | undefined {
  const head = readHead(bytes);
  if (!head) return undefined;
  const status = Number(head.startLine.split(' ')[1]);
  const bodiless = method === 'HEAD' || (status >= 100 && status < 200) || status === 204 || status === 304;
  if (bodiless) return { ...head, framing: 'none', body: Buffer.alloc(0), complete: true };
  return withBody(head, bytes, 'until-close');
}

/** Methods of the requests a client sent, for answers whose framing depends on them. */
export function methodsOf(sent: Buffer): string[] {
  const methods: string[] = [];
  let rest = sent;
  for (;;) {
    const message = readRequest(rest);
    if (!message) return methods;
    methods.push(message.startLine.split(' ')[0] ?? '');
    rest = rest.subarray(message.size);
  }
}

/** First value of a header, its name compared without case. */
export function headerOf(message: Pick<HttpMessage, 'headers'>, name: string): string | undefined {
  return message.headers.find(([n]) => n.toLowerCase() === name)?.[1];
}

function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  if (end < 0) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  });
  return { startLine, headers, size: end + 4 };
}

function withBody(head: Head, bytes: Buffer, unframed: 'none' | 'until-close'): HttpMessage {
  const rest = bytes.subarray(head.size);
  if (headerOf(head, 'transfer-encoding')?.toLowerCase() === 'chunked') {
    const chunked = readChunks(rest);
    return { ...head, framing: 'chunked', ...chunked, size: head.size + chunked.size };
  }
  const length = headerOf(head, 'content-length');
  if (length !== undefined && /^\d{1,9}$/.test(length)) {
    const body = rest.subarray(0, Number(length));
    return {
      ...head,
      framing: 'length',
      body,
      complete: body.length === Number(length),
      size: head.size + body.length,
    };
  }
  if (unframed === 'none') return { ...head, framing: 'none', body: Buffer.alloc(0), complete: true };
  return { ...head, framing: 'until-close', body: rest, complete: false, size: bytes.length };
}

function readChunks(bytes: Buffer): { body: Buffer; complete: boolean; size: number } {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    const sizeText = lineEnd < 0 ? '' : bytes.toString('latin1', at, lineEnd).replace(/;.*$/s, '').trim();
    if (!/^[0-9a-f]{1,7}$/i.test(sizeText)) return { body: Buffer.concat(parts), complete: false, size: bytes.length };
    const length = Number.parseInt(sizeText, 16);
    if (length === 0) {
      const trailerEnd = bytes.indexOf('\r\n', lineEnd + 2, 'latin1') === lineEnd + 2 ? lineEnd + 4 : -1;
      const end = trailerEnd >= 0 ? trailerEnd : endOfTrailers(bytes, lineEnd);
      return { body: Buffer.concat(parts), complete: end >= 0, size: end >= 0 ? end : bytes.length };
    }
    const start = lineEnd + 2;
    parts.push(bytes.subarray(start, start + length));
    if (bytes.length < start + length + 2) return { body: Buffer.concat(parts), complete: false, size: bytes.length };
    at = start + length + 2;
  }
}

function endOfTrailers(bytes: Buffer, lastChunkLineEnd: number): number {
  const end = bytes.indexOf('\r\n\r\n', lastChunkLineEnd, 'latin1');
  return end < 0 ? -1 : end + 4;
}

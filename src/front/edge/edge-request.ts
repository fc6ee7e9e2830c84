/** A request whose head was read here, as the rest of Holdfast sees it. */
import type { Socket } from 'node:net';
import type { HeaderList } from '../../protocol/headers.js';
import type { RequestHead } from '../../protocol/http1/request-head.js';
import type { ClientRequest, RequestBody } from '../client-request.js';
import { type BodySource, EdgeBody } from './edge-body.js';

/** What waits with its body for a go-ahead (RFC 9110 10.1.1), among whatever else is expected. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** @param headers - those that go on */
export function clientRequest(
  socket: Socket,
  { method, target }: RequestHead,
  headers: HeaderList,
  body: RequestBody | undefined,
): ClientRequest {
  return { method, target, headers, secure: 'encrypted' in socket, peer: socket, body };
}

/**
 * The body that the head announces, whose bytes are still to come; undefined when there is none.
 *
 * @param maxExtraBytes - bytes of the extensions of all chunks together, and of the trailers
 */
export function bodyOf(
  { protocol, contentLength, transferEncoding, expect }: RequestHead,
  source: BodySource,
  maxExtraBytes: number,
): EdgeBody | undefined {
  if (transferEncoding === undefined && (contentLength ?? 0) === 0) return undefined;
  const waits = protocol === '1.1' && expect !== undefined && CONTINUE.test(expect);
  return new EdgeBody(source, contentLength, maxExtraBytes, waits);
}

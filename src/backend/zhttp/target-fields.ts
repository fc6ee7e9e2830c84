/** What a first packet says of the route and of the body, whether the handler streams or not (specification 9.2). */
import { type HeaderList, withoutHeaders } from '../../protocol/headers.js';
import type { ZhttpRequestPacket } from '../../protocol/zhttp.js';
import type { Target } from '../../routes/route.js';

/** Headers of a handler's answer that speak of a connection it does not have. Lower case. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

type TargetFields = Pick<
  ZhttpRequestPacket,
  'ignorePolicies' | 'trustConnectHost' | 'ignoreTlsErrors' | 'clientCert' | 'clientKey'
>;

/** How a handler that goes on to an origin is to connect. */
export function targetFields({ options }: Target): TargetFields {
  return {
    ignorePolicies: !options.untrusted,
    trustConnectHost: options.trustConnectHost,
    ignoreTlsErrors: options.insecure,
    clientCert: options.clientCert,
    clientKey: options.clientKey,
  };
}

/** `Content-Length` of a request whose body has `length` bytes; undefined for a body of unknown length. */
export function lengthHeader(method: string, length: number | undefined): HeaderList {
  if (length === undefined) return [];
  if (length === 0 && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS')) return [];
  return [['Content-Length', String(length)]];
}

export function withoutFraming(headers: HeaderList): HeaderList {
  return withoutHeaders(headers, FRAMING);
}

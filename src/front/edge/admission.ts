/** What becomes of a request whose head could be read. */
import { type HeaderList, hasOption, withoutHeaders } from '../../protocol/headers.js';
import type { RequestHead } from '../../protocol/http1/request-head.js';
import { BAD_UPGRADE, badRequest, type EarlyError, NO_TUNNELS, UPGRADE_WHILE_BUSY } from '../early-errors.js';
import { faultOf, transferFaultOf } from '../request-rules.js';
import { handshakeKey, isWebSocket } from '../websocket-upgrade.js';

export type Admission =
  | { readonly kind: 'request'; readonly headers: HeaderList }
  | { readonly kind: 'websocket'; readonly key: string }
  | { readonly kind: 'refused'; readonly error: EarlyError }
  /** It asks for a WebSocket, and is no handshake for one. */
  | { readonly kind: 'bad-handshake' };

/** Headers of an upgrade that nobody offers here. Lower case. */
const OFFER = new Set(['upgrade', 'connection', 'http2-settings']);

/** @param behind - it came before the request in front of it was answered */
export function admit(head: RequestHead, behind: boolean, maxHeaders: number): Admission {
  const { method, target, protocol, headers, upgrade, connection } = head;
  if (method === 'CONNECT') return { kind: 'refused', error: NO_TUNNELS };
  const offers = upgrade !== undefined && connection !== undefined && hasOption(connection, 'upgrade');
  const webSocket = isWebSocket(upgrade);
  if (webSocket && !offers) return refused(BAD_UPGRADE);
  const fault = faultOf(protocol, target, headers, maxHeaders);
  if (fault !== undefined) return refused(fault);
  if (webSocket) {
    if (behind) return refused(UPGRADE_WHILE_BUSY);
    const key = handshakeKey(method, headers);
    return key === undefined ? { kind: 'bad-handshake' } : { kind: 'websocket', key };
  }
  const coding = transferFaultOf(head);
  if (coding !== undefined) return refused(coding);
  // An upgrade that nobody offers may be ignored (RFC 9110 7.8); an origin must not be asked for it either.
  return { kind: 'request', headers: offers ? withoutHeaders(headers, OFFER) : headers };
}

function refused(text: string): Admission {
  return { kind: 'refused', error: badRequest(text) };
}

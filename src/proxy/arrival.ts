/** A client's request as those hear of it who watch. */
import type { ClientRequest } from '../front/client-request.js';
import type { Arrival } from '../observe/visit.js';
import type { Route } from '../routes/route.js';
import { peerAddressOf } from '../sockets/peer-address.js';
import { clientUri } from './request-log.js';
import type { RequestUri } from './request-uri.js';

/** @param route - undefined: there is none for it */
export function arrivalOf(
  transport: Arrival['transport'],
  request: ClientRequest,
  uri: RequestUri,
  route: Route | undefined,
): Arrival {
  const scheme = transport === 'http' ? 'http' : 'ws';
  return {
    transport,
    method: request.method,
    uri: clientUri(uri.secure ? `${scheme}s` : scheme, uri),
    headers: request.headers,
    peer: peerAddressOf(request.peer),
    route: route?.explicitId === true ? route.id : undefined,
    secure: uri.secure,
  };
}

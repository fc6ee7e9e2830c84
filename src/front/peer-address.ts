/** Where a client comes from, as TCP says. */
import type { Socket } from 'node:net';

/** Address of the peer, IPv4 in its own notation also on a dual-stack socket; undefined for Unix sockets. */
export function peerAddressOf(socket: Socket): string | undefined {
  const { remoteAddress } = socket;
  return remoteAddress?.startsWith('::ffff:') === true ? remoteAddress.slice(7) : remoteAddress;
}

/** Who is at the other end. Asked for only where it is wanted: the system is asked, and a socket keeps the answer. */

/** The other end of a connection; a socket is one. */
export interface Peer {
  /** Undefined for Unix sockets, and when the connection is gone. */
  readonly remoteAddress?: string | undefined;
}

/** Has the address found out while there is a connection, for who asks when it is gone. */
export function rememberPeer(peer: Peer): void {
  peerAddressOf(peer);
}

/** Its address, IPv4 in its own notation also on a dual-stack socket. */
export function peerAddressOf({ remoteAddress }: Peer): string | undefined {
  return remoteAddress?.startsWith('::ffff:') === true ? remoteAddress.slice(7) : remoteAddress;
}

/** Real publishers for the PULL sockets: PUSH of libzmq, closed when their test is over. */
import { Push, type SocketOptions } from 'zeromq';
import type { Opened } from './closing.js';

/** One that is not connected yet. Unless said otherwise, it drops what it could not send, and soon tries again. */
export function pushOf(opened: Opened, options: SocketOptions<Push> = {}): Push {
  return opened.add(new Push({ linger: 0, reconnectInterval: 10, ...options }), (socket) => socket.close());
}

export function pushTo(opened: Opened, endpoint: string, options: SocketOptions<Push> = {}): Push {
  const push = pushOf(opened, options);
  push.connect(endpoint);
  return push;
}

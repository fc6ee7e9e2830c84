/**
 * The end of a connection whose client may still be sending. Closing it at once would reset it, and a reset takes away
 * what the client has not read yet: so what comes is read away for a moment, which no amount of sending prolongs.
 */
import type { Socket } from 'node:net';

/** Milliseconds a client may go on sending after the last byte for it has left. */
const LINGER = 2_000;

/** Writes the last bytes, as latin1, and closes once the client has ended too or the time is up. */
export function closeLingering(socket: Socket, lastBytes: string): void {
  socket.end(lastBytes, 'latin1', () => {
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), LINGER);
    socket.once('close', () => clearTimeout(timer));
  });
  socket.resume();
}

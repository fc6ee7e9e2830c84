/** Reading a ZeroMQ socket for as long as it is open. */

/** What can be read; every socket of the package that receives. */
export interface Receiving extends AsyncIterable<Buffer[]> {
  readonly closed: boolean;
}

/**
 * Hands on message by message; resolves when the socket is closed.
 * @param take - nothing more is received until what it returns has resolved
 */
export async function receiveAll(
  socket: Receiving,
  take: (frames: Buffer[]) => Promise<void> | void | undefined,
): Promise<void> {
  try {
    for await (const frames of socket) {
      const wait = take(frames);
      if (wait !== undefined) await wait;
    }
  } catch (error) {
    // Closing a socket ends the read under way with an error; anything else is a defect of ours.
    if (!socket.closed) throw error;
  }
}

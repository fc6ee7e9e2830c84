/**
 * How many messages have been given to a socket and have not left it. A socket tells only how many bytes it still has, so
 * the end of each write is remembered as long as it may be among them. A client that reads leaves nothing to remember, and
 * each write takes the place of the one before it: nothing is made for a delivery.
 *
 *     writes   end messages | end messages | end messages | ...
 *              left           first ▲                       used ▲
 */

/** Numbers of `writes` that stay when all have left. */
const KEPT = 8;

export class MessageBacklog {
  /** Two for each write: bytes that had been written when it was made, its own included, and its messages. */
  private readonly writes: number[] = [];
  private first = 0;
  private used = 0;
  /** Bytes since the socket was last empty. */
  private written = 0;
  private messages = 0;

  /** Something has been given to the socket. */
  add(messages: number, bytes: number): void {
    this.written += bytes;
    this.messages += messages;
    this.writes[this.used] = this.written;
    this.writes[this.used + 1] = messages;
    this.used += 2;
  }

  /** Messages of which some part still waits; to be asked before each `add`. @param queuedBytes - what the socket has not sent yet */
  waiting(queuedBytes: number): number {
    if (queuedBytes === 0) {
      this.empty();
      return 0;
    }
    const sent = this.written - queuedBytes;
    while (this.first < this.used && (this.writes[this.first] ?? 0) <= sent) {
      this.messages -= this.writes[this.first + 1] ?? 0;
      this.first += 2;
    }
    if (this.first * 2 > this.used) {
      this.writes.copyWithin(0, this.first, this.used);
      this.used -= this.first;
      this.first = 0;
    }
    return this.messages;
  }

  private empty(): void {
    this.first = 0;
    this.used = 0;
    this.written = 0;
    this.messages = 0;
    if (this.writes.length > KEPT) this.writes.length = 0;
  }
}

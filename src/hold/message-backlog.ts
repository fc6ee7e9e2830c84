/**
 * How many messages have been given to a socket and have not left it. A socket tells only how many bytes it still has, so
 * the end of each write is remembered as long as it may be among them.
 */

interface Write {
  /** Bytes that had been written when this write was made, its own included. */
  readonly end: number;
  readonly messages: number;
}

export class MessageBacklog {
  private writes: Write[] = [];
  /** Those before it have left. */
  private first = 0;
  private written = 0;
  private messages = 0;

  /** Something has been given to the socket. */
  add(messages: number, bytes: number): void {
    this.written += bytes;
    this.messages += messages;
    this.writes.push({ end: this.written, messages });
  }

  /** Messages of which some part still waits. @param queuedBytes - what the socket has not sent yet */
  waiting(queuedBytes: number): number {
    if (queuedBytes === 0) {
      this.writes = [];
      this.first = 0;
      this.messages = 0;
      return 0;
    }
    const sent = this.written - queuedBytes;
    for (let next = this.writes[this.first]; next !== undefined && next.end <= sent; next = this.writes[this.first]) {
      this.messages -= next.messages;
      this.first += 1;
    }
    if (this.first * 2 > this.writes.length) {
      this.writes.splice(0, this.first);
      this.first = 0;
    }
    return this.messages;
  }
}

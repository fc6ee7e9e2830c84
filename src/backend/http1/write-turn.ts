/**
 * Requests on used connections wait for the end of the turn of the event loop. By then everything has been read that had
 * come when the request came: that the origin has hung up, or an answer that nobody asked for, which would be taken for the
 * answer to what is written now.
 */
export interface Waiting {
  /** Its turn has come. */
  write(): void;
}

export class WriteTurn {
  private waiting: Waiting[] = [];

  /** Lets `one` write at the end of this turn; it may have nothing left to write by then. */
  add(one: Waiting): void {
    if (this.waiting.push(one) === 1) setImmediate(this.run);
  }

  private readonly run = (): void => {
    const { waiting } = this;
    this.waiting = [];
    for (const one of waiting) one.write();
  };
}

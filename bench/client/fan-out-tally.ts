/** When all holds of this process have had a message of their shared channel. */
import type { Completed } from './messages.js';

interface Under {
  count: number;
  readonly first: number;
}

export class FanOutTally {
  private readonly under = new Map<number, Under>();
  private done: Completed[] = [];

  /** @param send - called once for each turn of the event loop in which messages were completed */
  constructor(private readonly send: (messages: readonly Completed[]) => void) {}

  /**
   * @param number - of the message that one of the holds got
   * @param due - number of holds that get it
   */
  delivered(number: number, at: number, due: number): void {
    let under = this.under.get(number);
    if (under === undefined) {
      under = { count: 0, first: at };
      this.under.set(number, under);
    }
    under.count += 1;
    if (under.count < due) return;
    this.under.delete(number);
    this.done.push({ number, first: under.first, last: at });
    if (this.done.length > 1) return;
    setImmediate(() => {
      const messages = this.done;
      this.done = [];
      this.send(messages);
    });
  }
}

/** A connection to the control port that publishes one request after the other. */
import type { RawClient } from './raw-client.js';

export class Publisher {
  constructor(private readonly client: RawClient) {}

  /** Publishes and awaits the answer. @returns its body */
  async publish(items: readonly object[], target = '/publish'): Promise<string> {
    this.begin(items, target);
    return this.answer();
  }

  /** Publishes, and leaves the answer to be read. */
  begin(items: readonly object[], target = '/publish'): void {
    const body = Buffer.from(JSON.stringify({ items }));
    this.client.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    this.client.write(body);
  }

  async answer(): Promise<string> {
    return (await this.client.readAnswer()).body.toString();
  }

  /** True while no answer has come. */
  get waits(): boolean {
    return this.client.pending === '';
  }
}

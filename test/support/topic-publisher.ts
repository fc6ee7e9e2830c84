/** A real XPUB: it publishes by topic, and keeps what it is told of subscriptions, as `+news` and `-news`, in order. */
import { XPublisher } from 'zeromq';
import type { Opened } from './closing.js';
import { Watch } from './deadline.js';

export class TopicPublisher {
  readonly heard: string[] = [];
  private readonly watch = new Watch();

  private constructor(readonly socket: XPublisher) {
    void this.listen();
  }

  /** One that is neither bound nor connected yet. */
  static of(opened: Opened): TopicPublisher {
    const socket = new XPublisher({ linger: 0, reconnectInterval: 10 });
    return new TopicPublisher(opened.add(socket, (one) => one.close()));
  }

  static to(opened: Opened, endpoint: string): TopicPublisher {
    const publisher = TopicPublisher.of(opened);
    publisher.socket.connect(endpoint);
    return publisher;
  }

  static async at(opened: Opened, endpoint: string): Promise<TopicPublisher> {
    const publisher = TopicPublisher.of(opened);
    await publisher.socket.bind(endpoint);
    return publisher;
  }

  /** What is subscribed, after all it was told. */
  get subscribed(): Set<string> {
    const topics = new Set<string>();
    for (const what of this.heard) {
      if (what.startsWith('+')) topics.add(what.slice(1));
      else topics.delete(what.slice(1));
    }
    return topics;
  }

  /** Publishes a stream item. */
  async say(topic: string, content: string): Promise<void> {
    await this.socket.send([topic, `J${JSON.stringify({ 'http-stream': { content } })}`]);
  }

  /** Resolves when it has been told this, for the `time`th time. */
  told(what: string, time = 1): Promise<void> {
    return this.watch.until(
      `${what} at the publisher`,
      () => this.heard.filter((one) => one === what).length >= time,
      () => `, it heard ${this.heard.join(' ')}`,
    );
  }

  private async listen(): Promise<void> {
    try {
      for await (const [message] of this.socket) {
        if (message === undefined) continue;
        this.heard.push(`${message[0] === 1 ? '+' : '-'}${message.subarray(1).toString()}`);
        this.watch.changed();
      }
    } catch (error) {
      if (!this.socket.closed) throw error;
    }
  }
}

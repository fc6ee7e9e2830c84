/** Long-polls: each waits on its own channel, is published to some time after it has polled, and polls again. */
import { micros } from '../clock.js';
import { fillingOf, MessageReader, messageText } from '../payload.js';
import { HttpPublisher } from './http-publisher.js';
import { type Load, Tally } from './load.js';
import type { PollsSpec, ServerPorts } from './messages.js';
import { getRequest, Requester } from './requester.js';
import type { Sockets } from './socket.js';

const PUBLISHERS = 8;
/** Milliseconds after which a publish that came before its poll was registered is made again. */
const AGAIN_AFTER = 500;
const PAUSE_AFTER_FAILURE = 50;

export class PollsLoad implements Load {
  readonly tally = new Tally();
  private readonly publisher: HttpPublisher;
  private readonly requesters: Requester[];
  private readonly filling: Buffer;
  private over = false;

  constructor(
    private readonly spec: PollsSpec,
    ports: ServerPorts,
    sockets: Sockets,
    private readonly index: number,
  ) {
    this.publisher = new HttpPublisher(sockets, ports.control, PUBLISHERS);
    this.requesters = Array.from({ length: spec.connections }, () => new Requester(sockets, ports.http));
    this.filling = fillingOf(spec.messageBytes);
  }

  async start(): Promise<void> {
    for (const [at, requester] of this.requesters.entries()) this.poll(requester, at, 0, 0);
  }

  async stop(): Promise<void> {
    this.over = true;
    this.publisher.close();
    for (const requester of this.requesters) requester.close();
  }

  /** @param older - messages of earlier polls that were published more than once and may still come */
  private poll(requester: Requester, at: number, number: number, older: number): void {
    const { tally, spec } = this;
    const channel = `poll-${this.index}-${at}`;
    let got = -1;
    let copies = 0;
    const messages = new MessageReader(spec.messageBytes, this.filling, {
      message: (which, publishedAt) => {
        got = which;
        tally.time('delivery', micros() - publishedAt);
      },
      wrong: () => tally.add('wrong bytes'),
    });
    let timer = setTimeout(() => publish(), spec.delay);
    const publish = (): void => {
      timer = setTimeout(() => {
        tally.add('published again');
        publish();
      }, AGAIN_AFTER);
      copies += 1;
      this.publisher.publish(channel, 'http-response', messageText(number, micros(), spec.messageBytes), (ok) => {
        if (!ok) tally.add('publishes refused');
      });
    };
    requester.send(getRequest(`/poll?ch=${channel}`), {
      body: (bytes, from, to) => messages.read(bytes, from, to),
      done: (status) => {
        clearTimeout(timer);
        if (this.over) return;
        if (status === 200 && got === number) {
          tally.add('cycles');
          this.poll(requester, at, number + 1, older + Math.max(0, copies - 1));
        } else if (status === 200 && got < number && older > 0) {
          this.poll(requester, at, number, older - 1 + copies);
        } else if (status === 200) {
          tally.add('lost');
          this.poll(requester, at, number + 1, older + copies);
        } else {
          tally.add('failed');
          setTimeout(() => this.over || this.poll(requester, at, number, older + copies), PAUSE_AFTER_FAILURE);
        }
      },
    });
  }
}

/** Our own PULL socket by itself, on a hand-moved clock, with everything that comes of it at hand. */
import { connect } from 'node:net';
import { PublishDoor } from '../../src/control/publish-door.js';
import { parsePullEndpoint } from '../../src/control/pull-endpoint.js';
import { ZmtpPull, type ZmtpPullParts } from '../../src/control/zmtp-pull.js';
import type { Item } from '../../src/protocol/item.js';
import type { Opened } from './closing.js';
import { CollectedItems } from './collected-items.js';
import { Dam } from './dam.js';
import type { RawClient } from './raw-client.js';
import { sampleHub } from './sample-hub.js';

export class PullStage {
  readonly sample = sampleHub();
  readonly dam = new Dam();
  readonly items = new CollectedItems();
  /** Called with each item before it counts as taken. */
  onItem: (item: Item) => void = () => {};
  readonly pull: ZmtpPull;
  private endpoint = '';

  constructor(
    private readonly opened: Opened,
    options: Partial<ZmtpPullParts> = {},
  ) {
    const { wheel, warnings } = this.sample;
    const door = new PublishDoor({
      ...this.sample,
      askAll: () => {},
      congestion: this.dam,
      onPublish: (item) => {
        this.onItem(item);
        this.items.add(item);
      },
    });
    const limits = { maxMessageBytes: 1_000_000, maxConnections: 1_000, fileMode: undefined };
    this.pull = opened.add(new ZmtpPull({ door, wheel, warnings, ...limits, ...options }), (pull) => pull.close());
  }

  /** Listens; resolves with the endpoint. */
  async bind(spec = 'tcp://127.0.0.1:*'): Promise<string> {
    const endpoint = parsePullEndpoint(spec);
    if (endpoint === undefined) throw new Error(`${spec} is no endpoint of ours`);
    this.endpoint = await this.pull.bind(spec, endpoint, 'zeromq.pull');
    return this.endpoint;
  }

  get port(): number {
    return Number(this.endpoint.split(':').at(-1));
  }

  /** A connection that has sent `bytes`. */
  async peer(bytes: Buffer = Buffer.alloc(0)): Promise<RawClient> {
    const client = await this.opened.client(this.port);
    client.write(bytes);
    return client;
  }

  /** The same to an ipc path; what comes back is of no interest. */
  send(path: string, bytes: Buffer): void {
    this.opened.add(connect({ path }), (socket) => socket.destroy()).write(bytes);
  }

  /** Lines of the log, with addresses as `PEER`. */
  get lines(): string[] {
    return this.sample.log.lines
      .filter((line) => !line.startsWith('info'))
      .map((line) => line.replace(/127\.0\.0\.1:\d+/g, 'PEER'));
  }
}

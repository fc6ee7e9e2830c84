/** A real SUB socket that listens to the stats of a Holdfast or of the original. */
import { Subscriber } from 'zeromq';
import { decodeTnetstring, type TnetMap } from '../../src/protocol/tnetstring.js';
import type { Opened } from './closing.js';
import { Watch } from './deadline.js';

export interface Packet {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class StatsListener {
  /** Everything since `forget`. */
  packets: Packet[] = [];
  /** The last message as it came. */
  last = '';
  private readonly watch = new Watch();

  private constructor(private readonly socket: Subscriber) {
    void this.listen();
  }

  /** @param topics - what it subscribes to; everything by default */
  static to(opened: Opened, endpoint: string, ...topics: readonly string[]): StatsListener {
    const socket = opened.add(new Subscriber({ linger: 0 }), (one) => one.close());
    socket.connect(endpoint);
    socket.subscribe(...(topics.length === 0 ? [''] : topics));
    return new StatsListener(socket);
  }

  /** Subscriptions reach the other side some time later: makes `happen` again and again until it is heard of. */
  async untilHeard(happen: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (this.packets.length === 0) {
      if (performance.now() > deadline) throw new Error('nothing is told');
      await happen();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resolves with the first packet of this type that has these fields, and all since, when it is here. */
  async next(type: string, fields: Record<string, unknown> = {}): Promise<Packet> {
    const find = () => this.of(type).find((packet) => matches(packet, fields));
    await this.watch.until(
      `${type} ${JSON.stringify(fields)}`,
      () => find() !== undefined,
      () => `; there is ${this.packets.map((one) => `\n  ${one.type} ${JSON.stringify(one.fields)}`).join('')}`,
    );
    return find() as Packet;
  }

  of(type: string): Packet[] {
    return this.packets.filter((packet) => packet.type === type);
  }

  forget(): void {
    this.packets = [];
  }

  private async listen(): Promise<void> {
    try {
      for await (const [message] of this.socket) {
        this.last = String(message);
        this.packets.push(read(message as Buffer));
        this.watch.changed();
      }
    } catch {
      // The test is over.
    }
  }
}

function matches({ fields }: Packet, wanted: Record<string, unknown>): boolean {
  return Object.entries(wanted).every(([name, value]) => fields[name] === value);
}

function read(message: Buffer): Packet {
  const blank = message.indexOf(' ');
  const type = message.toString('latin1', 0, blank);
  const payload = message.subarray(blank + 2);
  if (message[blank + 1] === 0x4a) return { type, fields: JSON.parse(payload.toString()) };
  const fields = [...(decodeTnetstring(payload) as TnetMap)].map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? value.toString() : value,
  ]);
  return { type, fields: Object.fromEntries(fields) };
}

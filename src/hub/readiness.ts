/**
 * Clients that wait until the process that takes the items in has heard of their channels. Only a hub with an uplink
 * has any: everywhere else a channel is connected from the start.
 */
import type { Channel } from './channel.js';

/** One client, and how many of its channels are not connected yet. */
interface Waiting {
  missing: number;
  readonly channels: readonly Channel[];
  readonly run: () => void;
}

export class Readiness {
  private readonly waiting = new Map<Channel, Waiting[]>();

  /** @param left - called for a channel that nobody is expected in any more */
  constructor(private readonly left: (channel: Channel) => void) {}

  /** Keeps the channels open, and calls `run` when all of them are connected. */
  await(channels: readonly Channel[], run: () => void): void {
    const client: Waiting = { missing: 0, channels, run };
    for (const channel of channels) {
      channel.expected += 1;
      if (channel.connected) continue;
      client.missing += 1;
      const others = this.waiting.get(channel);
      if (others === undefined) this.waiting.set(channel, [client]);
      else others.push(client);
    }
    if (client.missing === 0) this.finish(client);
  }

  connected(channel: Channel): void {
    channel.connected = true;
    const clients = this.waiting.get(channel);
    if (clients === undefined) return;
    this.waiting.delete(channel);
    for (const client of clients) {
      client.missing -= 1;
      if (client.missing === 0) this.finish(client);
    }
  }

  private finish({ channels, run }: Waiting): void {
    run();
    for (const channel of channels) {
      channel.expected -= 1;
      this.left(channel);
    }
  }
}

/**
 * Holds that wait for what is published: by the driver to a channel all of them have, or by this process itself to their
 * own channels.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { micros } from '../clock.js';
import { FanOutTally } from './fan-out-tally.js';
import { Fleet } from './fleet.js';
import type { Hold } from './hold.js';
import { type Counts, type Load, Tally } from './load.js';
import type { Change, Completed, HoldsSpec, ServerPorts } from './messages.js';
import { OwnPublishing } from './own-publishing.js';
import type { Sockets } from './socket.js';

/** Numbers of messages to the shared channel of holds that have another one too begin here. */
export const SHARED_NUMBERS = 0x40000000;
/** Milliseconds. */
const REST_LIMIT = 3_000;

export class HoldsLoad implements Load {
  readonly tally = new Tally();
  private readonly fleet: Fleet;
  private readonly fanOut: FanOutTally;
  private readonly publishing: OwnPublishing;
  private readonly sharing: number;

  constructor(
    private readonly spec: HoldsSpec,
    ports: ServerPorts,
    sockets: Sockets,
    index: number,
    completed: (messages: readonly Completed[]) => void,
  ) {
    const { transport, channels, inFlight, messageBytes, shared, unread = 0 } = spec;
    const path = transport === 'ws' ? '/ws' : '/stream';
    const channelOf = (at: number): string => (channels.own ? `${channels.prefix}-${index}-${at}` : channels.prefix);
    const also = shared === undefined ? '' : `&also=${shared.channel}`;
    this.sharing = shared?.count ?? 0;
    this.fanOut = new FanOutTally(completed);
    this.fleet = new Fleet(
      sockets,
      {
        transport,
        port: ports.http,
        inFlight,
        messageBytes,
        unread,
        pathOf: (at) => spec.path ?? `${path}?ch=${channelOf(at)}${at < this.sharing ? also : ''}`,
      },
      this.tally,
      { message: (hold, number, at) => this.message(hold, number, at) },
    );
    this.publishing = new OwnPublishing(sockets, ports.control, this.tally, {
      format: transport === 'ws' ? 'ws-message' : 'http-stream',
      messageBytes,
      channelOf,
      count: () => this.fleet.holds.length,
    });
  }

  start(): Promise<void> {
    return this.fleet.grow(this.spec.count);
  }

  async change(change: Change): Promise<void> {
    switch (change.kind) {
      case 'grow':
        return this.fleet.grow(change.count);
      case 'publish':
        return this.publishing.begin(change);
      case 'rest':
        return this.rest();
      case 'read':
        for (const hold of this.fleet.holds.slice(0, this.spec.unread ?? 0)) hold.resume();
        return;
      default:
        throw new Error(`holds cannot ${change.kind}`);
    }
  }

  standing(): Counts {
    return { open: this.fleet.open };
  }

  async stop(): Promise<void> {
    this.publishing.close();
    this.fleet.stop();
  }

  private message(hold: Hold, number: number, at: number): void {
    const now = micros();
    this.tally.add('deliveries');
    const { own } = this.spec.channels;
    if (!own || number >= SHARED_NUMBERS) {
      this.fanOut.delivered(
        number,
        now,
        own ? Math.min(this.sharing, this.fleet.holds.length) : this.spec.count - (this.spec.unread ?? 0),
      );
      if (own) return;
    } else {
      this.tally.time('delivery', now - at);
      this.publishing.delivered(hold.index);
    }
    // A hold's messages are numbered one after the other, from whichever it gets first.
    if (hold.next >= 0 && number !== hold.next) this.tally.add(number > hold.next ? 'gaps' : 'out of order');
    hold.next = number + 1;
  }

  private async rest(): Promise<void> {
    this.publishing.rest();
    const deadline = Date.now() + REST_LIMIT;
    while (this.publishing.underway > 0 && Date.now() < deadline) await pause(10);
    this.tally.add('lost', this.publishing.writeOff());
  }
}

/** WebSockets with one message in flight each: sent, echoed by the origin, sent again. */
import { micros } from '../clock.js';
import { messageText } from '../payload.js';
import { Fleet } from './fleet.js';
import type { Hold } from './hold.js';
import { type Counts, type Load, Tally } from './load.js';
import type { EchoesSpec, ServerPorts } from './messages.js';
import type { Sockets } from './socket.js';

const IN_FLIGHT = 32;

export class EchoesLoad implements Load {
  readonly tally = new Tally();
  private readonly fleet: Fleet;

  constructor(
    private readonly spec: EchoesSpec,
    ports: ServerPorts,
    sockets: Sockets,
  ) {
    const { messageBytes } = spec;
    this.fleet = new Fleet(
      sockets,
      { transport: 'ws', port: ports.http, inFlight: IN_FLIGHT, messageBytes, unread: 0, pathOf: () => '/ws' },
      this.tally,
      {
        opened: (hold) => this.send(hold, 0),
        message: (hold, number, at) => {
          this.tally.add('messages');
          this.tally.time('echo', micros() - at);
          if (number !== hold.next - 1) this.tally.add('out of order');
          this.send(hold, hold.next);
        },
      },
    );
  }

  start(): Promise<void> {
    return this.fleet.grow(this.spec.connections);
  }

  standing(): Counts {
    return { open: this.fleet.open };
  }

  async stop(): Promise<void> {
    this.fleet.stop();
  }

  private send(hold: Hold, number: number): void {
    hold.next = number + 1;
    hold.send(messageText(number, micros(), this.spec.messageBytes));
  }
}

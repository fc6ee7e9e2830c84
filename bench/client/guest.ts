/** A held connection as a visit sees it: its messages are awaited one by one. */
import { fillingOf } from '../payload.js';
import { Hold } from './hold.js';
import type { Tally } from './load.js';
import type { ServerPorts, Transport } from './messages.js';
import type { Sockets } from './socket.js';

/** Milliseconds a visit waits for its opening and for each message. */
const PATIENCE = 10_000;

export interface GuestParts {
  readonly sockets: Sockets;
  readonly ports: ServerPorts;
  readonly tally: Tally;
  readonly messageBytes: number;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (why: Error) => void;
}

export class Guest {
  private readonly hold: Hold;
  /** Messages that came and have not been asked for. */
  private unasked = 0;
  private failure: Error | undefined = undefined;
  private waiting: Waiting | undefined = undefined;

  private constructor(parts: GuestParts, transport: Transport, path: string, unread: boolean) {
    const { sockets, ports, tally, messageBytes } = parts;
    let next = 0;
    this.hold = new Hold(
      0,
      { sockets, port: ports.http, transport, path, messageBytes, filling: fillingOf(messageBytes), unread },
      {
        opened: () => this.arrived(),
        message: (_hold, number) => {
          if (number !== next) tally.add('out of order');
          next = number + 1;
          this.arrived();
        },
        wrong: () => tally.add('wrong bytes'),
        closed: (_hold, why) => this.failed(new Error(why)),
      },
    );
  }

  /** Resolves when the client is held. */
  static async open(parts: GuestParts, transport: Transport, path: string, unread = false): Promise<Guest> {
    const guest = new Guest(parts, transport, path, unread);
    await guest.next();
    return guest;
  }

  /** Resolves when the next message has come (the opening counts as the first). */
  async next(): Promise<void> {
    if (this.unasked > 0) {
      this.unasked -= 1;
      return;
    }
    if (this.failure !== undefined) throw this.failure;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.waiting = { resolve, reject };
        timer = setTimeout(() => reject(new Error('lost')), PATIENCE);
      });
    } catch (error) {
      if (this.hold.state !== 'over') this.hold.vanish();
      throw error;
    } finally {
      clearTimeout(timer);
      this.waiting = undefined;
    }
  }

  send(text: string): void {
    this.hold.send(text);
  }

  resume(): void {
    this.hold.resume();
  }

  leave(): void {
    this.hold.leave();
  }

  vanish(): void {
    this.hold.vanish();
  }

  private arrived(): void {
    if (this.waiting === undefined) this.unasked += 1;
    else this.waiting.resolve();
    this.waiting = undefined;
  }

  private failed(why: Error): void {
    this.failure = why;
    this.waiting?.reject(why);
  }
}

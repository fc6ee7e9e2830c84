/**
 * A client whose bytes go out in packets as a test has cut them, and that reads until the end. No event tells that
 * nothing more will come: what has not ended while others were served is left.
 */
import { connect, type Socket } from 'node:net';
import { within } from './deadline.js';
import { RawClient } from './raw-client.js';

/** Whoever is served meanwhile. */
export class Neighbour {
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(private readonly client: RawClient) {}

  static async connect(port: number): Promise<Neighbour> {
    return new Neighbour(await RawClient.connect(port));
  }

  /** One after the other, so that each takes longer than any exchange before it. @returns the body of the answer */
  ordinaryRequest(): Promise<string> {
    const next = this.turn.then(async () => {
      this.client.write('GET /ordinary HTTP/1.1\r\nHost: n.example\r\n\r\n');
      return (await this.client.readAnswer()).body.toString();
    });
    this.turn = next.catch(() => {});
    return next;
  }

  close(): void {
    this.client.close();
  }
}

/** When a connection that has not ended is taken for one that waits for more, and what the client does then. */
export interface Patience {
  /** How often `wait` is called. */
  readonly rounds: number;
  readonly wait: () => Promise<unknown>;
  readonly leave: (socket: Socket) => void;
}

export interface Conversation {
  /** All that came, as latin1. */
  readonly text: string;
  /** The other side ended it, before the client left. */
  readonly byItself: boolean;
}

/** Sends the parts one after the other, each in a packet of its own, and reads until the end. */
export async function converse(port: number, parts: readonly Buffer[], patience: Patience): Promise<Conversation> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let over = false;
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('end', () => {
      over = true;
    });
    socket.on('error', () => {
      over = true;
    });
    socket.on('close', () => resolve());
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  for (const part of parts) {
    if (over) break;
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    // Holdfast reads in this process: after a turn it has had the chance to read this packet alone.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let round = 0; round < patience.rounds && !over; round += 1) await patience.wait();
  const byItself = over;
  if (!byItself) patience.leave(socket);
  await within('the end of a connection', closed);
  return { text, byItself };
}

/**
 * Packets that a DEALER has not taken yet: without a worker it takes none. Each belongs to a request, and leaves with it.
 *
 *     waits ──its turn──► with the socket ──a worker has room──► sent
 *       └──────drop()────► gone
 *
 * The socket has one at a time, and does not give it back. What is sent waits for its worker beyond our reach: libzmq keeps
 * up to its high-water mark for each.
 */
import type { Dealer } from 'zeromq';

/** Packets that may wait, and their bytes. */
const MAX_PACKETS = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

export interface SendingHandler {
  sent(id: string): void;
  /** The socket does not take it. */
  refused(id: string): void;
}

export class SendingQueue {
  private readonly packets = new Map<string, Buffer>();
  private queuedBytes = 0;
  private sending = false;

  constructor(
    private readonly dealer: Dealer,
    private readonly handler: SendingHandler,
  ) {}

  /** Packets that wait. */
  get size(): number {
    return this.packets.size;
  }

  /** Bytes of those that wait. */
  get bytes(): number {
    return this.queuedBytes;
  }

  hasRoomFor(packet: Buffer): boolean {
    return this.packets.size < MAX_PACKETS && this.queuedBytes + packet.length <= MAX_BYTES;
  }

  /** @param id - of its request */
  add(id: string, packet: Buffer): void {
    this.packets.set(id, packet);
    this.queuedBytes += packet.length;
    if (!this.sending) void this.sendAll();
  }

  /** Its request is over; nothing happens when it does not wait. */
  drop(id: string): void {
    const packet = this.packets.get(id);
    if (packet === undefined) return;
    this.packets.delete(id);
    this.queuedBytes -= packet.length;
  }

  private async sendAll(): Promise<void> {
    this.sending = true;
    // What is added while one is sent comes in its turn.
    for (const [id, packet] of this.packets) {
      this.drop(id);
      try {
        await this.dealer.send(['', packet]);
        this.handler.sent(id);
      } catch {
        this.handler.refused(id);
      }
    }
    this.sending = false;
  }
}

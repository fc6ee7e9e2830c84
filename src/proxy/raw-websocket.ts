/**
 * A WebSocket that is not ours to look into: client and origin agreed on it, its extensions included, and the bytes of each
 * go to the other as they are (specification 11.1). Slowness of one side is felt by the other.
 *
 * Whichever side ends first, what was on its way still arrives; then the other has a moment to end too.
 */
import type { Socket } from 'node:net';
import type { HoldParts, OpenHold } from '../hold/hold-parts.js';
import type { Visit } from '../observe/visit.js';
import { Timed } from '../time/wheel.js';

/** Milliseconds without progress that the second side gets after the end of the first. */
const CLOSE_TIMEOUT = 5_000;

/** A socket with what was read from it already. */
export interface RawEnd {
  readonly socket: Socket;
  readonly first: Buffer;
}

export class RawWebSocket extends Timed implements OpenHold {
  private open = 2;
  private ending = false;
  /** Bytes that had not gone out when the time to end began. */
  private waiting = 0;

  constructor(
    private readonly parts: HoldParts,
    private readonly client: Socket,
    private readonly origin: Socket,
    /** Undefined: nobody watches. */
    private readonly visit: Visit | undefined,
  ) {
    super();
  }

  get connectionId(): string | undefined {
    return this.visit?.id;
  }

  /** Its origin cannot be asked for anything: it is only known to be a WebSocket. */
  refresh(): void {}

  /** Lets the bytes go through, beginning with those that came with the handshakes. */
  join(client: RawEnd, origin: RawEnd): void {
    this.parts.open.add(this);
    this.parts.counters.holds.ws += 1;
    this.visit?.holds('ws');
    this.lead(client, origin.socket);
    this.lead(origin, client.socket);
  }

  shutDown(): void {
    this.visit?.willEnd('shut-down');
    // A close frame may only stand between two frames, and where they end is not known here.
    this.client.end();
    this.origin.end();
    this.wind();
  }

  /** One side has ended, and the other does not. */
  onTime(): void {
    const waiting = this.queuedBytes;
    if (waiting > 0 && waiting < this.waiting) {
      this.waiting = waiting;
      this.parts.wheel.start(this, CLOSE_TIMEOUT);
      return;
    }
    this.client.destroy();
    this.origin.destroy();
  }

  private get queuedBytes(): number {
    return this.client.writableLength + this.origin.writableLength;
  }

  private lead({ socket, first }: RawEnd, other: Socket): void {
    if (first.length > 0) other.write(first);
    socket.pipe(other);
    socket.on('end', () => this.wind());
    socket.on('close', () => this.closed(other));
  }

  private wind(): void {
    if (this.ending) return;
    this.ending = true;
    this.waiting = this.queuedBytes;
    this.parts.wheel.start(this, CLOSE_TIMEOUT);
  }

  private closed(other: Socket): void {
    this.open -= 1;
    if (this.open > 0) {
      if (other === this.origin) this.visit?.willEnd('gone');
      this.wind();
      other.destroySoon();
      return;
    }
    this.parts.wheel.stop(this);
    this.parts.open.delete(this);
    this.parts.counters.holds.ws -= 1;
    this.visit?.holdEnds('closed');
  }
}

/** Everything a test of WebSocket-over-HTTP needs, put up in one call: an origin, a Holdfast, a clock, and clients. */
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { clientPort, type Opened } from './closing.js';
import { Watch } from './deadline.js';
import { EventsOrigin, type EventsScript } from './events-origin.js';
import { ManualClock } from './manual-clock.js';
import type { RawClient } from './raw-client.js';
import { EventsClient, knock } from './websocket-client.js';

/** A clock moved by hand that can be awaited: when something has begun to wait, it is time to move it. */
export class WatchedClock extends ManualClock {
  private readonly watch = new Watch();

  override after(delay: number, run: () => void): ReturnType<ManualClock['after']> {
    const pending = super.after(delay, run);
    this.watch.changed();
    return pending;
  }

  /** Lets the tick of timers pass that were called off; what begins to wait from now on can be told from them. */
  rest(): void {
    this.advance(50);
  }

  /** Resolves when something waits for the time to pass. */
  awaited(): Promise<void> {
    return this.watch.until('a timer', () => this.pending > 0);
  }
}

export interface StageOptions extends Omit<HoldfastOptions, 'clock'> {
  /** Behind the target in the route: `,one_event`. */
  readonly properties?: string;
  /** Condition of the route; default `*`. */
  readonly condition?: string;
}

export class Stage {
  private constructor(
    private readonly opened: Opened,
    readonly origin: EventsOrigin,
    readonly holdfast: Holdfast,
    readonly clock: WatchedClock,
  ) {}

  static async set(opened: Opened, script?: EventsScript, options: StageOptions = {}): Promise<Stage> {
    const origin = opened.add(await EventsOrigin.start(script), (one) => one.stop());
    const clock = new WatchedClock();
    const { properties = '', condition = '*', ...rest } = options;
    const routes = [`${condition} ${origin.target},over_http${properties}`];
    const holdfast = await opened.holdfast({ routes, clock, random: () => 0, ...rest });
    // Ends first of all: what a test left unanswered would be waited for.
    opened.add(origin, (one) => one.stop());
    return new Stage(opened, origin, holdfast, clock);
  }

  get port(): number {
    return clientPort(this.holdfast);
  }

  /** A client whose handshake is under way. */
  client(path?: string, headers?: Record<string, string>): EventsClient {
    return this.opened.add(new EventsClient(this.port, path, headers), ({ socket }) => socket.terminate());
  }

  /** A client that is open. */
  async open(path?: string, headers?: Record<string, string>): Promise<EventsClient> {
    const client = this.client(path, headers);
    await client.sees(0);
    return client;
  }

  /** A raw client whose handshake is sent. */
  async knock(path?: string, ...headers: readonly string[]): Promise<RawClient> {
    return this.opened.add(await knock(this.port, path, ...headers), (client) => client.close());
  }

  /** A raw client that has read its 101. */
  async openRaw(): Promise<RawClient> {
    const client = await this.knock();
    await client.readUntil('\r\n\r\n');
    return client;
  }

  /** Resolves when no WebSocket is held any more. */
  async abandoned(): Promise<void> {
    await this.settled(() => this.holdfast.counters.holds.ws === 0);
  }

  /**
   * Ends everything and returns how often the origin was told that a client has gone. What is still under way then
   * comes to its end first, and timers that were left behind would have fired.
   */
  async farewells(): Promise<number> {
    this.clock.advance(600_000);
    await this.holdfast.close();
    return this.origin.farewells;
  }

  /** Lets the event loop turn; in each turn the proxy, which lives in this process, reads what there is once. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Turns of the event loop until something is true: for what the proxy does by itself and tells nobody. */
  async settled(isTrue: () => boolean): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error('this did not come true within 10000 ms');
      await this.turns(1);
    }
  }
}

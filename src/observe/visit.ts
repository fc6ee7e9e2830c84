/**
 * A request or WebSocket of a client as those follow it who watch: the stats socket, and listeners of `steps.ts`. There is
 * none while nobody watches, which is all that others pay for it.
 *
 *     asking ──answered, error──► over
 *        │  └──accepted──► held ──its end──► over
 *        └──────────◄──asked again──┘
 */
import type { ConnectionStats, KnownConnection } from './stats/connection-stats.js';
import { Traffic } from './stats/traffic.js';
import { clientsAreFollowed, type HoldEnd, type HoldStep, type RequestEnd, type RequestStep, steps } from './steps.js';

/** A client that has come. */
export interface Arrival extends RequestStep {
  /** It came over TLS. */
  readonly secure: boolean;
}

/** Who watches the clients of this process. */
export class Watch {
  private readonly uncounted = new Traffic();

  /** @param stats - undefined: the stats socket is off */
  constructor(private readonly stats: ConnectionStats | undefined = undefined) {}

  /** Whether anybody does: ask before an `Arrival` is made. */
  get on(): boolean {
    return this.stats?.awake === true || clientsAreFollowed();
  }

  /** @param told - the stats socket tells of it, when somebody listens */
  visit(arrival: Arrival, told: boolean): Visit {
    return new Visit(arrival, told && this.stats?.awake === true ? this.stats : undefined, this.uncounted);
  }

  /** Whether a connection with this id is open. */
  has(id: string): boolean {
    return this.stats?.has(id) === true;
  }

  close(): void {
    this.stats?.close();
  }
}

export class Visit {
  /** What goes over it, counted for its route. */
  readonly traffic: Traffic;
  private readonly connection: KnownConnection | undefined;
  private held: HoldStep | undefined = undefined;
  /** How the hold is about to end, where that is known before it has. */
  private ending: HoldEnd | undefined = undefined;

  /** @param uncounted - takes what nobody wants to know */
  constructor(
    readonly request: Arrival,
    private readonly stats: ConnectionStats | undefined,
    uncounted: Traffic,
  ) {
    const { transport: type, peer, secure, route = '' } = request;
    this.connection = stats?.begin({ type, peer, secure, route });
    this.traffic = this.connection?.route.traffic ?? uncounted;
    if (steps['request:start'].hasSubscribers) steps['request:start'].publish({ request });
  }

  /** What the stats socket calls it; undefined while that is off. */
  get id(): string | undefined {
    return this.connection?.id;
  }

  /** The bytes of bodies and messages are counted. */
  get counts(): boolean {
    return this.connection !== undefined;
  }

  /** The hold of this client, while there is one. */
  get hold(): HoldStep | undefined {
    return this.held;
  }

  /** The request is over, or the client is held from here on. */
  end(end: RequestEnd): void {
    const { request } = this;
    if (steps['request:end'].hasSubscribers) steps['request:end'].publish({ request, end });
    if (end.kind !== 'accepted') this.over();
  }

  /** @param mode - what holds the client now */
  holds(mode: HoldStep['mode']): void {
    const hold = { request: this.request, mode };
    this.held = hold;
    if (this.connection !== undefined) this.stats?.held(this.connection);
    if (steps['hold:start'].hasSubscribers) steps['hold:start'].publish({ hold });
  }

  subscribes(channel: string): void {
    const { held: hold } = this;
    if (hold !== undefined && steps['hold:subscribe'].hasSubscribers)
      steps['hold:subscribe'].publish({ hold, channel });
  }

  /** The hold ends for this reason, as soon as the client has heard of it. */
  willEnd(end: HoldEnd): void {
    this.ending ??= end;
  }

  /** @param how - unless another reason is known */
  holdEnds(how: HoldEnd): void {
    const { held: hold } = this;
    if (hold === undefined) return;
    const end = this.ending ?? how;
    this.ending = undefined;
    this.held = undefined;
    if (steps['hold:end'].hasSubscribers) steps['hold:end'].publish({ hold, end });
    if (end !== 'asked-again') this.over();
  }

  /** Published items were written to the client. */
  sent(items: number): void {
    this.traffic.sent += items;
  }

  /** A keep-alive was written. */
  keptAlive(): void {
    if (this.connection !== undefined) this.stats?.keptAlive(this.connection);
  }

  /** A message of a WebSocket that its client sent. @param goesOn - to its origin, which there is no more otherwise */
  clientMessage(bytes: number, goesOn: boolean): void {
    const { traffic } = this;
    traffic.clientMessagesReceived += 1;
    traffic.clientContentReceived += bytes;
    if (goesOn) {
      traffic.serverMessagesSent += 1;
      traffic.serverContentSent += bytes;
    }
    if (this.connection !== undefined) this.stats?.messaged(this.connection);
  }

  /** A message that its origin sent, those for us among them. */
  serverMessage(bytes: number): void {
    this.traffic.serverMessagesReceived += 1;
    this.traffic.serverContentReceived += bytes;
  }

  /** Messages written to the client. */
  messagesSent(messages: number, bytes: number): void {
    this.traffic.clientMessagesSent += messages;
    this.traffic.clientContentSent += bytes;
    if (this.connection !== undefined) this.stats?.messaged(this.connection);
  }

  private over(): void {
    if (this.connection !== undefined) this.stats?.end(this.connection);
  }
}

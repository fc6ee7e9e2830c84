/** The connections of clients as the stats socket tells of them (specification 8.4): `conn`, `activity`, `counts`, and the traffic of each route. */
import type { Clock } from '../../time/clock.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import { ConnectionMinutes } from '../connection-minutes.js';
import type { StatsFields, StatsPacket, StatsSink } from './stats-sink.js';
import { isSilent, Traffic, takeTraffic } from './traffic.js';

/** Milliseconds from the first event to the packet that sums them up. */
const ACTIVITY_DELAY = 100;
/** Milliseconds between two looks at what has to be told again. */
const LOOK = 1_000;
const MINUTE = 60_000;

export interface ConnectionStatsSettings {
  /** Tell of each connection. */
  readonly connectionSend: boolean;
  /** Seconds after which who listens forgets a connection that it hears nothing of. */
  readonly connectionTtl: number;
}

/** A client that has come. */
export interface ConnectionFacts {
  readonly type: 'http' | 'ws';
  readonly peer: string | undefined;
  /** It came over TLS. */
  readonly secure: boolean;
  /** Explicit id of the route, or empty. */
  readonly route: string;
}

/** A connection that is told of; one request or WebSocket of a client. */
export class KnownConnection {
  /** Clock milliseconds of the last packet about it, and of the last activity that was counted. */
  toldAt = 0;
  activeAt = 0;

  constructor(
    readonly id: string,
    readonly facts: ConnectionFacts,
    readonly route: RouteConnections,
    /** What its minutes are counted by. */
    readonly minute: number,
  ) {}
}

/** What is known of a route's connections. */
class RouteConnections {
  readonly traffic = new Traffic();
  open = 0;
  most = 0;
  readonly minutes: ConnectionMinutes;
  /** Nothing has happened since the last time it was told of. */
  told = true;

  constructor(
    readonly id: string,
    clock: Clock,
  ) {
    this.minutes = new ConnectionMinutes(clock, (minutes) => {
      this.traffic.minutes += minutes;
    });
  }
}

export class ConnectionStats extends Timed {
  /** By id, those that have waited longest first. */
  private readonly connections = new Map<string, KnownConnection>();
  private readonly routes = new Map<string, RouteConnections>();
  private activity = new Map<string, number>();
  private requests = 0;
  private started = false;
  private readonly summing: Summing;

  /** @param newId - a name that no other connection has or had, here or in another process or on another machine */
  constructor(
    private readonly settings: ConnectionStatsSettings,
    private readonly wheel: Wheel,
    private readonly sink: StatsSink,
    private readonly newId: (type: ConnectionFacts['type']) => string,
  ) {
    super();
    this.summing = new Summing(() => this.sumUp());
  }

  /** Somebody listens. */
  get awake(): boolean {
    return this.started;
  }

  /** Somebody listens from now on; who is connected already is not known. */
  wake(): void {
    if (this.started) return;
    this.started = true;
    this.wheel.start(this, LOOK);
  }

  has(id: string): boolean {
    return this.connections.has(id);
  }

  /** A request or a WebSocket has come. */
  begin(facts: ConnectionFacts): KnownConnection {
    const now = this.wheel.clock.now();
    const route = this.routeOf(facts.route);
    const connection = new KnownConnection(this.newId(facts.type), facts, route, route.minutes.opened());
    connection.activeAt = now;
    route.open += 1;
    route.most = Math.max(route.most, route.open);
    this.connections.set(connection.id, connection);
    this.requests += 1;
    this.count(facts.route);
    this.tell(connection, now);
    return connection;
  }

  /** It is held: it is told of again, as the original does when its handler takes it over. */
  held(connection: KnownConnection): void {
    this.tellAgain(connection, this.wheel.clock.now());
  }

  /** A keep-alive was sent. */
  keptAlive({ facts }: KnownConnection): void {
    this.count(facts.route);
  }

  /** A message has gone over a WebSocket; counts as activity once a minute. */
  messaged(connection: KnownConnection): void {
    const now = this.wheel.clock.now();
    if (now - connection.activeAt < MINUTE) return;
    connection.activeAt = now;
    this.count(connection.facts.route);
  }

  /** Told of each delivery where deliveries count by their size. @param route - explicit id, or empty */
  blocksSent(route: string, blocks: number): void {
    this.routeOf(route).traffic.blocksSent += blocks;
  }

  end(connection: KnownConnection): void {
    if (!this.connections.delete(connection.id)) return;
    const { route, minute, facts, id } = connection;
    route.open -= 1;
    route.minutes.closed(minute);
    if (this.settings.connectionSend) this.send('conn', facts.route, { id, unavailable: true });
  }

  onTime(): void {
    this.wheel.start(this, LOOK);
    const now = this.wheel.clock.now();
    for (const route of this.routes.values()) route.minutes.count();
    this.refresh(now);
    this.tellTraffic();
  }

  close(): void {
    if (!this.started) return;
    this.wheel.stop(this);
    this.wheel.stop(this.summing);
    for (const connection of [...this.connections.values()]) this.end(connection);
    this.sumUp();
    this.tellTraffic();
  }

  private routeOf(id: string): RouteConnections {
    let route = this.routes.get(id);
    if (route === undefined) {
      route = new RouteConnections(id, this.wheel.clock);
      this.routes.set(id, route);
    }
    return route;
  }

  private count(route: string): void {
    this.activity.set(route, (this.activity.get(route) ?? 0) + 1);
    if (this.summing.due === 0) this.wheel.start(this.summing, ACTIVITY_DELAY);
  }

  private sumUp(): void {
    const { activity, requests } = this;
    this.activity = new Map();
    this.requests = 0;
    for (const [route, count] of activity) this.send('activity', route, { count });
    if (requests > 0) this.sink.packet({ type: 'counts', fields: { 'requests-received': requests } });
  }

  private tellAgain(connection: KnownConnection, now: number): void {
    if (!this.connections.delete(connection.id)) return;
    this.connections.set(connection.id, connection);
    this.tell(connection, now);
  }

  private tell(connection: KnownConnection, now: number): void {
    connection.toldAt = now;
    if (!this.settings.connectionSend) return;
    const { id, facts } = connection;
    const { type, peer, secure } = facts;
    this.send('conn', facts.route, {
      id,
      type,
      ttl: this.settings.connectionTtl,
      ...(peer === undefined ? {} : { 'peer-address': peer }),
      ...(secure ? { ssl: true } : {}),
    });
  }

  private send(type: StatsPacket['type'], route: string, fields: StatsFields): void {
    this.sink.packet({ type, fields: route === '' ? fields : { ...fields, route } });
  }

  /** Who listens hears of a connection again before three quarters of its time to live are over. */
  private refresh(now: number): void {
    const before = now - this.settings.connectionTtl * 750 + LOOK;
    for (const connection of this.connections.values()) {
      if (connection.toldAt > before) return;
      this.tellAgain(connection, now);
    }
  }

  private tellTraffic(): void {
    const told = [];
    for (const route of this.routes.values()) {
      const { id, traffic, most, open } = route;
      const silent = most === 0 && isSilent(traffic);
      // Once more when it has become silent; then a route that is gone is forgotten.
      if (silent && route.told) {
        this.routes.delete(id);
        continue;
      }
      route.told = silent;
      told.push({ route: id, traffic: takeTraffic(traffic), most, open });
      route.most = open;
    }
    if (told.length > 0) this.sink.traffic(told);
  }
}

class Summing extends Timed {
  constructor(private readonly run: () => void) {
    super();
  }

  onTime(): void {
    this.run();
  }
}

/**
 * What the stats socket says (specification 8.4), put together from the hub and from the processes with the clients.
 *
 *     hub ──channels, items──► StatsPublisher ──packets──► PUB socket
 *     clients, of this process or of workers ──conn, activity, counts, traffic──┘
 */
import type { HubWatch } from '../hub/hub-watch.js';
import { blocksOf } from '../hub/rate-limiter.js';
import { formatOf, SUBSCRIBER_KINDS, type SubscriberKind } from '../hub/subscriber.js';
import type { RouteTraffic, StatsPacket } from '../observe/stats/stats-sink.js';
import { addTraffic, isSilent, Traffic, takeTraffic } from '../observe/stats/traffic.js';
import type { Item } from '../protocol/item.js';
import { Timed, type Wheel } from '../time/wheel.js';
import { reportOf } from './stats-packets.js';
import { SubscriptionStats } from './subscription-stats.js';

const TRANSPORTS: Readonly<Record<SubscriberKind, string>> = {
  response: 'http-response',
  stream: 'http-stream',
  ws: 'ws-message',
};

export interface StatsPublisherSettings {
  /** Seconds. */
  readonly subscriptionTtl: number;
  readonly subscriptionLinger: number;
  readonly reportInterval: number;
  /** Bytes; 0: deliveries do not count by their size. */
  readonly messageBlockSize: number;
}

/** Who has clients: a process of its own, or this one. */
export type TrafficSource = object;

/** Connections of a route at one source. */
interface Connections {
  most: number;
  open: number;
  /** The source has gone: it is told of once more. */
  gone: boolean;
}

interface Reported {
  readonly traffic: Traffic;
  readonly connections: Map<TrafficSource, Connections>;
  /** Clock milliseconds since which it is counted. */
  since: number;
}

/** Of all routes without an explicit id, and of what belongs to none. */
const NO_ROUTE = '';

export class StatsPublisher extends Timed implements HubWatch {
  private readonly subscriptions: SubscriptionStats;
  private readonly routes = new Map<string, Reported>();
  private received = 0;
  private blocksReceived = 0;
  private send: ((packet: StatsPacket) => void) | undefined = undefined;

  constructor(
    private readonly settings: StatsPublisherSettings,
    private readonly wheel: Wheel,
  ) {
    super();
    const { subscriptionTtl: ttl, subscriptionLinger: linger } = settings;
    this.subscriptions = new SubscriptionStats({ ttl, linger }, wheel, (packet) => this.packet(packet));
  }

  /** Somebody listens. */
  get awake(): boolean {
    return this.send !== undefined;
  }

  /** Somebody listens from now on. @param send - takes the packets */
  wake(send: (packet: StatsPacket) => void): void {
    this.send = send;
    this.wheel.start(this, this.settings.reportInterval * 1_000);
  }

  counted(channel: string, kind: SubscriberKind, subscribers: number): void {
    this.subscriptions.counted(channel, kind, subscribers);
  }

  admitted(item: Item): void {
    this.received += 1;
    this.reported(NO_ROUTE);
    for (const kind of SUBSCRIBER_KINDS) this.blocksReceived += this.blocksFor(item, kind);
  }

  released(item: Item, receivers: Readonly<Record<SubscriberKind, number>>): void {
    for (const kind of SUBSCRIBER_KINDS) {
      const count = receivers[kind];
      if (count === 0) continue;
      const { messageBlockSize } = this.settings;
      this.packet({
        type: 'message',
        fields: {
          channel: item.channel,
          count,
          transport: TRANSPORTS[kind],
          ...(item.id === undefined ? {} : { 'item-id': item.id }),
          ...(messageBlockSize > 0 ? { blocks: count * blocksOf(item, kind, messageBlockSize) } : {}),
        },
      });
    }
  }

  packet(packet: StatsPacket): void {
    this.send?.(packet);
  }

  traffic(source: TrafficSource, routes: readonly RouteTraffic[]): void {
    for (const { route, traffic, most, open } of routes) {
      const reported = this.reported(route);
      addTraffic(reported.traffic, traffic);
      const connections = reported.connections.get(source);
      if (connections === undefined) reported.connections.set(source, { most, open, gone: false });
      else {
        connections.most = Math.max(connections.most, most);
        connections.open = open;
      }
    }
  }

  /** A source has gone, and its clients with it. */
  gone(source: TrafficSource): void {
    for (const { connections } of this.routes.values()) {
      const one = connections.get(source);
      if (one !== undefined) Object.assign(one, { open: 0, gone: true });
    }
  }

  onTime(): void {
    this.report();
    this.wheel.start(this, this.settings.reportInterval * 1_000);
  }

  close(): void {
    this.wheel.stop(this);
    this.subscriptions.close();
    this.report();
  }

  private reported(route: string): Reported {
    let reported = this.routes.get(route);
    if (reported === undefined) {
      reported = { traffic: new Traffic(), connections: new Map(), since: this.wheel.clock.now() };
      this.routes.set(route, reported);
    }
    return reported;
  }

  private report(): void {
    const now = this.wheel.clock.now();
    for (const [route, reported] of this.routes) {
      const { traffic, connections, since } = reported;
      const received = route === NO_ROUTE ? this.received : 0;
      const blocksReceived = route === NO_ROUTE ? this.blocksReceived : 0;
      let most = 0;
      for (const [source, one] of connections) {
        most += one.most;
        one.most = one.open;
        if (one.gone) connections.delete(source);
      }
      // Once more with zeros before it is forgotten.
      if (most === 0 && received === 0 && isSilent(traffic)) this.routes.delete(route);
      reported.since = now;
      const duration = Math.round(now - since);
      const facts = { route, traffic: takeTraffic(traffic), connections: most, received, blocksReceived, duration };
      this.packet(reportOf(facts, this.settings.messageBlockSize > 0));
    }
    this.received = 0;
    this.blocksReceived = 0;
  }

  private blocksFor(item: Item, kind: SubscriberKind): number {
    const { messageBlockSize } = this.settings;
    if (messageBlockSize === 0 || formatOf(item.formats, kind) === undefined) return 0;
    return blocksOf(item, kind, messageBlockSize);
  }
}

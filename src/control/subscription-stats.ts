/**
 * The `sub` packets of the stats socket: which channels somebody is subscribed to, and how many (specification 8.4).
 *
 *     unknown ──first subscriber: told──► known ──number changes: told within a second──► known
 *        ▲                                  ├──three quarters of its time to live: told again──► known
 *        └──told──── last one gone, and for long-polls the linger over ◄───────────────────────────┘
 */
import type { SubscriberKind } from '../hub/subscriber.js';
import type { StatsPacket } from '../observe/stats/stats-sink.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds between two looks at what has to be told. */
const LOOK = 1_000;

export interface SubscriptionStatsSettings {
  /** Seconds after which who listens forgets a subscription that it hears nothing of. */
  readonly ttl: number;
  /** Seconds that a channel counts as subscribed after its last long-poll. */
  readonly linger: number;
}

interface Known {
  readonly key: string;
  readonly channel: string;
  readonly mode: SubscriberKind;
  subscribers: number;
  /** Clock milliseconds of the last packet about it. */
  toldAt: number;
}

export class SubscriptionStats extends Timed {
  /** By mode and channel, those that have waited longest first. */
  private readonly known = new Map<string, Known>();
  private readonly changed = new Set<Known>();
  /** Without subscribers, until this clock time; all linger equally long, so the first ends first. */
  private readonly lingering = new Map<Known, number>();

  constructor(
    private readonly settings: SubscriptionStatsSettings,
    private readonly wheel: Wheel,
    private readonly send: (packet: StatsPacket) => void,
  ) {
    super();
  }

  counted(channel: string, mode: SubscriberKind, subscribers: number): void {
    const key = `${mode} ${channel}`;
    const known = this.known.get(key);
    if (known === undefined) {
      if (subscribers > 0) this.add({ key, channel, mode, subscribers, toldAt: 0 });
    } else if (known.subscribers !== subscribers) {
      known.subscribers = subscribers;
      if (subscribers > 0) {
        this.lingering.delete(known);
        this.changed.add(known);
      } else if (mode === 'response' && this.settings.linger > 0) {
        this.changed.delete(known);
        this.lingering.set(known, this.wheel.clock.now() + this.settings.linger * 1_000);
      } else {
        this.remove(known);
      }
    }
  }

  onTime(): void {
    const now = this.wheel.clock.now();
    for (const [known, until] of this.lingering) {
      if (until > now) break;
      this.remove(known);
    }
    for (const known of this.changed) this.tell(known, now);
    const before = now - this.settings.ttl * 750 + LOOK;
    for (const known of this.known.values()) {
      if (known.toldAt > before) break;
      this.tell(known, now);
    }
    if (this.known.size > 0) this.wheel.start(this, LOOK);
  }

  close(): void {
    this.wheel.stop(this);
  }

  private add(known: Known): void {
    this.known.set(known.key, known);
    this.tell(known, this.wheel.clock.now());
    if (this.due === 0) this.wheel.start(this, LOOK);
  }

  private tell(known: Known, now: number): void {
    const { key, channel, mode, subscribers } = known;
    known.toldAt = now;
    this.changed.delete(known);
    this.known.delete(key);
    this.known.set(key, known);
    this.send({ type: 'sub', fields: { mode, channel, subscribers, ttl: this.settings.ttl } });
  }

  private remove(known: Known): void {
    const { key, channel, mode } = known;
    this.known.delete(key);
    this.changed.delete(known);
    this.lingering.delete(known);
    this.send({ type: 'sub', fields: { mode, channel, unavailable: true } });
  }
}

/** The stats of a process, as far as the settings ask for any. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Settings } from '../config/settings.js';
import { StatsPublisher } from '../control/stats-publisher.js';
import { ConnectionStats } from '../observe/stats/connection-stats.js';
import type { StatsSink } from '../observe/stats/stats-sink.js';
import type { Wheel } from '../time/wheel.js';

/** What tells processes apart, those of other machines among them. */
const RANDOM_BYTES = 6;

/** For the process with the stats socket; undefined: there is none. */
export function statsPublisher(settings: Settings, wheel: Wheel): StatsPublisher | undefined {
  if (settings.zeromq.stats.length === 0) return undefined;
  const { subscriptionTtl, reportInterval } = settings.stats;
  const { messageBlockSize } = settings.publish;
  const { subscriptionLinger } = settings.hold;
  return new StatsPublisher({ subscriptionTtl, subscriptionLinger, reportInterval, messageBlockSize }, wheel);
}

/** For a process with clients; undefined: there is no stats socket. */
export function connectionStats(settings: Settings, wheel: Wheel, sink: StatsSink): ConnectionStats | undefined {
  if (settings.zeromq.stats.length === 0) return undefined;
  const from = `holdfast-${randomBytes(RANDOM_BYTES).toString('hex')}`;
  let last = 0;
  const newId = (type: 'http' | 'ws'): string => {
    // Origins of WebSockets over HTTP know them by it: nobody may guess one, and no other instance have the same.
    if (type === 'ws') return randomUUID();
    last += 1;
    return `${from}:${last}`;
  };
  return new ConnectionStats(settings.stats, wheel, sink, newId);
}

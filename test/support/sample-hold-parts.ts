/** What holds are made with, around a hub on a hand-moved clock. */
import type { HoldLimits, HoldParts } from '../../src/hold/hold-parts.js';
import { RefreshGroups } from '../../src/hold/refresh-groups.js';
import { UpdateQueue } from '../../src/hold/update-queue.js';
import type { HubSettings } from '../../src/hub/hub.js';
import type { Uplink } from '../../src/hub/uplink.js';
import { type SampleHub, sampleHub } from './sample-hub.js';

export interface SampleHolds extends SampleHub {
  readonly parts: HoldParts;
}

export interface SampleHoldOptions {
  readonly limits?: Partial<HoldLimits>;
  /** Default: always 0, so that timers have no jitter. */
  readonly random?: () => number;
  readonly hub?: Partial<HubSettings>;
  /** Where the hub's items come from; default: it takes them in itself. */
  readonly uplink?: Uplink;
}

export function sampleHolds({ limits, random = () => 0, hub: settings, uplink }: SampleHoldOptions = {}): SampleHolds {
  const sample = sampleHub(settings, uplink);
  const { hub, wheel, log, warnings, counters } = sample;
  const parts: HoldParts = {
    open: new Set(),
    hub,
    wheel,
    log,
    warnings,
    counters,
    limits: {
      maxSubscriptions: 20,
      outboxBytes: 1_000,
      outboxPolicy: 'close',
      slowCloseCode: 1013,
      maxWaitingItems: 100,
      maxRecoveryBytes: 1_000,
      ...limits,
    },
    random,
    updates: new UpdateQueue(wheel),
    refreshes: new RefreshGroups(wheel),
  };
  return { ...sample, parts };
}

/** A hub on a hand-moved clock, with everything it is made of at hand. */
import { Hub, type HubSettings } from '../../src/hub/hub.js';
import type { Uplink } from '../../src/hub/uplink.js';
import { Counters } from '../../src/observe/counters.js';
import { ReadableRate } from '../../src/observe/readable-rate.js';
import { Wheel } from '../../src/time/wheel.js';
import { CollectedLog } from './collected-log.js';
import { ManualClock } from './manual-clock.js';

export interface SampleHub {
  readonly hub: Hub;
  readonly clock: ManualClock;
  readonly wheel: Wheel;
  readonly counters: Counters;
  readonly log: CollectedLog;
  readonly warnings: ReadableRate;
}

/** @param uplink - where its items come from, when it does not take them in itself */
export function sampleHub(settings: Partial<HubSettings> = {}, uplink?: Uplink): SampleHub {
  const clock = new ManualClock();
  const wheel = new Wheel(clock);
  const counters = new Counters();
  const log = new CollectedLog();
  const warnings = new ReadableRate(log, clock);
  const hub = new Hub({
    settings: {
      idCacheTtl: 60,
      messageWait: 5_000,
      maxBufferedPerChannel: 100,
      messageRate: 0,
      messageHwm: 0,
      messageBlockSize: 0,
      subscriptionLinger: 0,
      ...settings,
    },
    wheel,
    log,
    warnings,
    counters,
    ...(uplink === undefined ? {} : { uplink }),
  });
  return { hub, clock, wheel, counters, log, warnings };
}

/** Lets everything happen that the hub has planned for this turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

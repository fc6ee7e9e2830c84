/** Loads that run by themselves: warmed up, counted over a stretch, stopped. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadSpec } from '../client/messages.js';
import type { Total } from '../clients.js';
import type { Stretch } from '../measure/meter.js';
import { endedOf, faultsOf, type Outcome, perCpuSecond, type Stage } from './scenario.js';

export interface Measured {
  readonly opening: Total;
  readonly total: Total;
  readonly stretch: Stretch;
}

export async function measureLoad(
  { clients, server, meter, options }: Stage,
  specOf: (index: number, count: number) => LoadSpec,
): Promise<Measured> {
  const opening = await clients.start(server.ports, specOf);
  await meter.warmUp(options.warmUp);
  let total = await clients.all({ kind: 'mark' });
  const stretch = await meter.during(async () => {
    await pause(options.seconds * 1_000);
    total = await clients.all({ kind: 'report' });
  });
  await clients.all({ kind: 'stop' });
  return { opening, total, stretch };
}

/** The figures of a load that counts `counted` and times `timed`. */
export function closedLoopOutcome(
  { opening, total, stretch }: Measured,
  counted: string,
  timed: string,
  unit: string,
): Outcome {
  const count = total.count(counted);
  return {
    figures: {
      [`${unit}_per_cpu_s`]: perCpuSecond(count, stretch),
      [`${unit}_per_s`]: count / stretch.wall,
      p50_us: total.latency(timed, 0.5),
      p99_us: total.latency(timed, 0.99),
    },
    faults: { ...faultsOf(opening, total), ...(count === 0 ? { 'nothing at all': 1 } : {}), ...endedOf(stretch) },
  };
}

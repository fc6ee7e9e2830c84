/** Loads that run by themselves: warmed up, counted over a stretch, stopped. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadSpec } from '../client/messages.js';
import type { Total } from '../clients.js';
import { type Counted, endedOf, faultsOf, type Outcome, ratesOf, type Stage } from './scenario.js';

export interface Measured extends Counted {
  readonly opening: Total;
}

export async function measureLoad(stage: Stage, specOf: (index: number, count: number) => LoadSpec): Promise<Measured> {
  const { clients, server } = stage;
  const opening = await clients.start(server.ports, specOf);
  const counted = await countWarm(stage);
  await clients.all({ kind: 'stop' });
  return { opening, ...counted };
}

/** Lets a load that runs warm up, and counts for the measured time. */
export async function countWarm({ clients, meter, options }: Stage): Promise<Counted> {
  await meter.warmUp(options.warmUp);
  let total = await clients.all({ kind: 'mark' });
  const stretch = await meter.during(async () => {
    await pause(options.seconds * 1_000);
    total = await clients.all({ kind: 'report' });
  });
  return { total, stretch };
}

/** The figures of a load that counts `counted` and times `timed`. */
export function closedLoopOutcome(measured: Measured, counted: string, timed: string, unit: string): Outcome {
  const { opening, total, stretch } = measured;
  const nothing = total.count(counted) === 0;
  return {
    figures: ratesOf(measured, counted, timed, unit),
    faults: { ...faultsOf(opening, total), ...(nothing ? { 'nothing at all': 1 } : {}), ...endedOf(stretch) },
  };
}

/** What a scenario is: a load, and the figures that come of it. */
import type { Clients, Total } from '../clients.js';
import type { Meter, Stretch } from '../measure/meter.js';
import type { RunningServer } from '../servers/servers.js';

export interface ScenarioOptions {
  /** Seconds of a measured stretch. */
  readonly seconds: number;
  /** CPU seconds the server works before it. */
  readonly warmUp: number;
  /** Instead of the number of connections the scenario has by itself. */
  readonly connections: number | undefined;
  /** Bytes of a published message. */
  readonly messageBytes: number;
}

/** Everything a scenario works with, made anew for each run. */
export interface Stage {
  readonly server: RunningServer;
  readonly clients: Clients;
  readonly meter: Meter;
  readonly options: ScenarioOptions;
}

export interface Outcome {
  /** By the names of `figures.ts`; undefined where the system does not tell. */
  readonly figures: Readonly<Record<string, number | undefined>>;
  /** What makes a run suspect, when it is not zero. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface Scenario {
  readonly name: string;
  /** One line for the list of scenarios. */
  readonly what: string;
  readonly needsZeroMq: boolean;
  run(stage: Stage): Promise<Outcome>;
}

/** A stretch, and what clients counted in it. */
export interface Counted {
  readonly total: Total;
  readonly stretch: Stretch;
}

/** Counts of clients that must be zero, whatever the scenario. */
const FAULTS = [
  'lost',
  'gaps',
  'out of order',
  'wrong bytes',
  'dead',
  'refused',
  'failed',
  'not opened in time',
  'publishes refused',
  'published again',
] as const;

export function faultsOf(...totals: readonly Total[]): Record<string, number> {
  const faults: Record<string, number> = {};
  for (const name of FAULTS) {
    const count = totals.reduce((sum, total) => sum + total.count(name), 0);
    if (count > 0) faults[name] = count;
  }
  return faults;
}

/**
 * How often something happened in a stretch, and how long it took.
 * @param counted - what clients count
 * @param timed - what they time
 * @param unit - what the figures call it
 */
export function ratesOf(
  { total, stretch }: Counted,
  counted: string,
  timed: string,
  unit: string,
): Record<string, number | undefined> {
  const count = total.count(counted);
  return {
    [`${unit}_per_cpu_s`]: perCpuSecond(count, stretch),
    [`${unit}_per_s`]: count / stretch.wall,
    p50_us: total.latency(timed, 0.5),
    p99_us: total.latency(timed, 0.99),
  };
}

/** Faults of the server's processes over a stretch. */
export function endedOf({ ended }: Stretch): Record<string, number> {
  return ended === 0 ? {} : { 'ended server processes (their last CPU time is missing)': ended };
}

/** `count` for each second of CPU time; undefined where that is unknown or too little to divide by. */
export function perCpuSecond(count: number, { cpu }: Stretch): number | undefined {
  return cpu === undefined || cpu <= 0 ? undefined : count / cpu;
}

/** Everything that metrics say, at one moment, of all processes together. */
import type { CounterValues } from './counters.js';
import type { Survey } from './survey.js';
import type { VitalValues } from './vitals.js';

/** What one process says of itself. */
export interface ProcessReading {
  readonly vitals: VitalValues;
  /** Undefined: it has no clients. */
  readonly survey: Survey | undefined;
}

export interface Reading {
  readonly counters: CounterValues;
  /** By name: `main`, `worker 1`. One that has not said anything yet is missing. */
  readonly processes: ReadonlyMap<string, ProcessReading>;
  /** Open channels, whoever has subscribers to them. */
  readonly channels: number;
  readonly routes: number;
  /** Worker processes; none where one process does everything. */
  readonly workers: {
    readonly configured: number;
    readonly serving: number;
    readonly restarts: number;
    /** Bytes that a worker has not taken, by its name. */
    readonly queuedBytes: ReadonlyMap<string, number>;
  };
  /** Seconds since the start. */
  readonly uptime: number;
  readonly ready: boolean;
}

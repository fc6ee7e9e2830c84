/** Metrics, health and readiness of one Holdfast. Where `metrics.listen` is off, nothing is measured and prom-client is not loaded. */
import type { MetricsAddress, MetricsSettings } from '../config/settings.js';
import { MetricsServer } from '../control/metrics/metrics-server.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { ProcessReading, Reading } from '../observe/reading.js';
import type { Survey } from '../observe/survey.js';
import { Vitals } from '../observe/vitals.js';
import type { Clock } from '../time/clock.js';
import type { ServiceState } from './service-state.js';
import { version } from './version.js';

/** What metrics are read from. */
export interface Source extends Omit<Reading, 'processes' | 'uptime' | 'ready'> {
  /** The clients of this process; undefined: they are all in others. */
  readonly survey: Survey | undefined;
  /** What the worker processes have told, by name. */
  readonly workerReadings: ReadonlyMap<string, ProcessReading>;
}

export interface MetricsPortParts {
  readonly settings: MetricsSettings;
  readonly clock: Clock;
  readonly warnings: ReadableRate;
  readonly state: ServiceState;
  /** Looks at everything; asked for once for each page. */
  readonly look: () => Source;
}

/** Where one process does everything. */
export const WITHOUT_WORKERS: Pick<Source, 'workerReadings' | 'workers'> = {
  workerReadings: new Map(),
  workers: { configured: 0, serving: 0, restarts: 0, queuedBytes: new Map() },
};

export class MetricsPort {
  private server: MetricsServer | undefined = undefined;
  private vitals: Vitals | undefined = undefined;
  private readonly startedAt: number;

  constructor(private readonly parts: MetricsPortParts) {
    this.startedAt = parts.clock.now();
  }

  /**
   * Resolves with the address that is listened on; undefined: metrics are off.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED
   */
  async open(): Promise<MetricsAddress | undefined> {
    const { settings, warnings, clock, state } = this.parts;
    const { listen, prefix } = settings;
    if (listen === undefined) return undefined;
    const { Exposition } = await import('../control/metrics/exposition.js');
    const exposition = new Exposition({ prefix, version: version() });
    const vitals = new Vitals(clock);
    this.vitals = vitals;
    this.server = new MetricsServer({
      warnings,
      metrics: async () => ({ type: exposition.contentType, text: await exposition.text(this.read(vitals)) }),
      troubles: () => state.troubles(),
    });
    return this.server.listen(listen);
  }

  async close(): Promise<void> {
    this.vitals?.close();
    await this.server?.close();
  }

  private read(vitals: Vitals): Reading {
    const { clock, state, look } = this.parts;
    const { survey, workerReadings, ...source } = look();
    return {
      ...source,
      processes: new Map([['main', { vitals: vitals.read(), survey }], ...workerReadings]),
      uptime: (clock.now() - this.startedAt) / 1_000,
      ready: state.troubles().length === 0,
    };
  }
}

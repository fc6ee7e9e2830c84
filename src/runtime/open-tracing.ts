/** Spans, in each process of a Holdfast that is to make some. */
import type { TracingSettings } from '../config/settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import { systemClock } from '../time/clock.js';
import type { Tracing } from '../tracing/tracing.js';

/** What Node says of a package that is not there. */
const MISSING = /^Cannot find (?:package|module) '@opentelemetry\//;

export interface TracingParts {
  readonly counters: Counters;
  readonly warnings: ReadableRate;
}

export class TracingOnDemand {
  private tracing: Tracing | undefined = undefined;

  constructor(
    private readonly settings: TracingSettings,
    private readonly parts: TracingParts,
  ) {}

  /**
   * Begins to make spans if any are wanted; no package is loaded before.
   * @throws HoldfastError HOLDFAST_TRACING_MISSING
   */
  async open(): Promise<void> {
    const { otlpEndpoint: endpoint, ...settings } = this.settings;
    if (endpoint === '') return;
    const { Tracing } = await load();
    this.tracing = new Tracing({ ...settings, endpoint, clock: systemClock, ...this.parts });
  }

  /** Sends what there is; takes two seconds at most. */
  async close(): Promise<void> {
    await this.tracing?.close();
  }
}

async function load(): Promise<{ readonly Tracing: typeof Tracing }> {
  try {
    return await import('../tracing/tracing.js');
  } catch (cause) {
    if (!(cause instanceof Error && MISSING.test(cause.message))) throw cause;
    const text = 'tracing.otlp_endpoint needs the packages of OpenTelemetry, which are not all installed';
    throw new HoldfastError('HOLDFAST_TRACING_MISSING', text, { cause });
  }
}

/**
 * Readings as the text that Prometheus reads. Values are asked for when a page is made, and never told by whoever counts.
 * prom-client comes with this file: only who has metrics on loads it.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LATENCY_BOUNDS, type Latencies, noLatencies } from '../../observe/histogram.js';
import type { Reading } from '../../observe/reading.js';
import { type Metric, OWN_METRICS, PUSHPIN_METRICS } from './metric-table.js';

export interface ExpositionOptions {
  /** Stands before the names that Pushpin has too. */
  readonly prefix: string;
  readonly version: string;
}

/** Bounds as they are written: seconds. */
const BOUNDS = LATENCY_BOUNDS.map((bound) => bound / 1_000);

export class Exposition {
  private readonly registry = new Registry();
  private current: Reading | undefined = undefined;

  constructor({ prefix, version }: ExpositionOptions) {
    for (const metric of PUSHPIN_METRICS) this.register({ ...metric, name: prefix + metric.name });
    const build: Metric = {
      type: 'gauge',
      name: 'holdfast_build_info',
      help: 'Version of Holdfast and of Node.js; always 1',
      labels: ['version', 'node'],
      samples: () => [[{ version, node: process.versions.node }, 1]],
    };
    for (const metric of [build, ...OWN_METRICS]) this.register(metric);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The page for one reading. */
  text(reading: Reading): Promise<string> {
    this.current = reading;
    return this.registry.metrics();
  }

  private register(metric: Metric): void {
    const { name, help } = metric;
    const registers = [this.registry];
    const reading = (): Reading | undefined => this.current;
    if (metric.type === 'histogram') {
      new ReadHistogram({ name, help, buckets: BOUNDS, registers }, () => {
        const now = reading();
        return now === undefined ? noLatencies() : metric.latencies(now);
      });
      return;
    }
    const labelNames = [...metric.labels];
    const samples = () => {
      const now = reading();
      return now === undefined ? [] : metric.samples(now);
    };
    const Sampled = metric.type === 'gauge' ? Gauge : Counter;
    const sampled: Gauge | Counter = new Sampled({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        sampled.reset();
        for (const [labels, value] of samples()) sampled.inc(labels, value);
      },
    });
  }
}

/** A histogram whose times were counted elsewhere. */
class ReadHistogram extends Histogram {
  constructor(
    private readonly named: { name: string; help: string; buckets: number[]; registers: Registry[] },
    private readonly latencies: () => Latencies,
  ) {
    super(named);
  }

  /** What prom-client makes its lines of; its types do not know it. */
  async getForPromString(): Promise<object> {
    const { name, help } = this.named;
    const { counts, sum } = this.latencies();
    let count = 0;
    const values: object[] = [...BOUNDS, '+Inf'].map((le, at) => {
      count += counts[at] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le }, value: count };
    });
    values.push({ metricName: `${name}_sum`, labels: {}, value: sum / 1_000 });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return { name, help, type: 'histogram', values, aggregator: 'sum' };
  }
}

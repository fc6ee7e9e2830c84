/**
 * Spans for OpenTelemetry, made of the steps that Holdfast announces and sent over OTLP/HTTP. This folder is loaded when
 * `tracing.otlp_endpoint` is set and not before; it needs packages that may not be installed. Nothing here is put in the
 * places where OpenTelemetry keeps what is for the whole process.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import { channelOf, type StepName, type Steps } from '../observe/steps.js';
import type { Clock } from '../time/clock.js';
import { ClientSpans } from './client-spans.js';
import { MAX_LINKS, PublishSpans } from './publish-spans.js';
import { SpanQueue } from './span-queue.js';

export interface TracingOptions {
  /** Base of the receiver's address. */
  readonly endpoint: string;
  readonly serviceName: string;
  /** From 0 to 1. */
  readonly sampleRatio: number;
  /** `Name: value`. */
  readonly headers: readonly string[];
  readonly maxQueuedSpans: number;
  /** Of the world outside: the receiver does not wait for a test's. */
  readonly clock: Clock;
  readonly counters: Counters;
  readonly warnings: ReadableRate;
}

/** Milliseconds that the receiver gets for a batch, further tries included. */
const SEND_TIMEOUT = 5_000;
/** Milliseconds that it gets for the last spans. */
const CLOSE_TIMEOUT = 2_000;
/** Bounds on one span: a client decides how long an address is, an origin to how many channels it is subscribed. */
const SPAN_LIMITS = {
  attributeValueLengthLimit: 4_096,
  attributeCountLimit: 64,
  eventCountLimit: 128,
  linkCountLimit: MAX_LINKS,
};

export class Tracing {
  private readonly queue: SpanQueue;
  private readonly provider: TracerProvider;
  private readonly subscriptions: (() => void)[] = [];
  private readonly clock: Clock;

  constructor({ endpoint, serviceName, sampleRatio, headers, maxQueuedSpans, ...options }: TracingOptions) {
    const { clock, counters, warnings } = options;
    this.clock = clock;
    const exporter = new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      headers: Object.fromEntries(headers.map(pairOf)),
      timeoutMillis: SEND_TIMEOUT,
    });
    this.queue = new SpanQueue({ exporter, max: maxQueuedSpans, counters, warnings });
    this.provider = new TracerProvider({
      resource: defaultResource().merge(
        resourceFromAttributes({ 'service.name': serviceName, 'process.pid': process.pid }),
      ),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanLimits: SPAN_LIMITS,
      spanProcessors: [this.queue],
    });
    const tracer = this.provider.getTracer('holdfast');
    const clients = new ClientSpans(tracer);
    const publishes = new PublishSpans(tracer, (hold) => clients.placeOfHold(hold));
    this.on('request:start', (step) => clients.requestStarts(step));
    this.on('request:end', (step) => clients.requestEnds(step));
    this.on('origin:start', (step) => clients.originStarts(step));
    this.on('origin:head', (step) => clients.originAnswers(step));
    this.on('origin:end', (step) => clients.originEnds(step));
    this.on('origin:error', (step) => clients.originFails(step));
    this.on('hold:start', (step) => clients.holdStarts(step));
    this.on('hold:subscribe', (step) => clients.holdSubscribes(step));
    this.on('hold:end', (step) => clients.holdEnds(step));
    this.on('publish:start', (step) => publishes.publishStarts(step));
    this.on('publish:end', (step) => publishes.publishEnds(step));
    this.on('publish:deliver', (step) => publishes.delivers(step));
  }

  /** Sends what waits, for as long as two seconds, and makes no more spans. */
  async close(): Promise<void> {
    for (const end of this.subscriptions.splice(0)) end();
    // Batches that are not taken have been counted.
    const sent = this.provider.shutdown().catch(() => {});
    const late = new Promise<void>((resolve) => {
      const timer = this.clock.after(CLOSE_TIMEOUT, resolve);
      void sent.then(() => timer.cancel());
    });
    await Promise.race([sent, late]);
    this.queue.giveUp();
  }

  private on<Name extends StepName>(name: Name, take: (step: Steps[Name]) => void): void {
    // Each channel carries what `Steps` says.
    const listener = (message: unknown): void => take(message as Steps[Name]);
    subscribe(channelOf(name), listener);
    this.subscriptions.push(() => unsubscribe(channelOf(name), listener));
  }
}

function pairOf(header: string): [name: string, value: string] {
  const colon = header.indexOf(':');
  return [header.slice(0, colon), header.slice(colon + 1).trim()];
}

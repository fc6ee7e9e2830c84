/**
 * Where spans wait until they are sent: bounded, and what is lost is counted. OpenTelemetry's own batches are behind it,
 * which drop what is too much without a word.
 *
 *     ended ──► waiting ──a batch──► being sent ──► taken
 *        └─ too many ─┴── the end, or not taken ─┴──► dropped, and counted
 */
import type { Context } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';

type Sent = Parameters<SpanExporter['export']>[1];

export interface SpanQueueParts {
  readonly exporter: SpanExporter;
  /** Spans that may wait. */
  readonly max: number;
  readonly counters: Counters;
  readonly warnings: ReadableRate;
}

/** Spans of one request to the receiver at most. */
const BATCH = 512;
/** Milliseconds that a span waits for others. */
const DELAY = 1_000;
/** Milliseconds after which a batch is given up. The exporter gives up earlier, when it can. */
const BATCH_TIMEOUT = 10_000;
/** What OpenTelemetry calls a batch that was taken. */
const TAKEN = 0;

export class SpanQueue implements SpanProcessor {
  private readonly batches: BatchSpanProcessor;
  private waiting = 0;
  private beingSent = 0;
  private over = false;

  constructor(private readonly parts: SpanQueueParts) {
    const { exporter, max } = parts;
    this.batches = new BatchSpanProcessor({
      exporter: { export: (spans, done) => this.send(spans, done), shutdown: () => exporter.shutdown() },
      maxQueueSize: max,
      maxExportBatchSize: Math.min(BATCH, max),
      scheduledDelayMillis: DELAY,
      exportTimeoutMillis: BATCH_TIMEOUT,
    });
  }

  onStart(span: Span, context: Context): void {
    this.batches.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    const { max, counters, warnings } = this.parts;
    if (this.waiting >= max) {
      counters.dropped['span-queue-full'] += 1;
      warnings.warn('span-queue-full', `tracing: ${max} spans wait to be sent, dropping one`);
      return;
    }
    this.waiting += 1;
    this.batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.batches.shutdown();
  }

  /** Nothing is waited for any more: what has not been taken is lost. */
  giveUp(): void {
    if (this.over) return;
    this.over = true;
    const lost = this.waiting + this.beingSent;
    if (lost > 0) this.lose(lost, 'Holdfast ends and waits no longer');
  }

  private send(spans: ReadableSpan[], done: Sent): void {
    this.waiting -= spans.length;
    this.beingSent += spans.length;
    const sent: Sent = (result) => {
      this.beingSent -= spans.length;
      if (result.code !== TAKEN && !this.over) this.lose(spans.length, reasonOf(result.error));
      done(result);
    };
    try {
      this.parts.exporter.export(spans, sent);
    } catch (error) {
      sent({ code: 1, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  private lose(spans: number, why: string): void {
    const { counters, warnings } = this.parts;
    counters.dropped['span-not-taken'] += spans;
    const what =
      spans === 1
        ? '1 span dropped, the receiver has not taken it'
        : `${spans} spans dropped, the receiver has not taken them`;
    warnings.warn('span-not-taken', `tracing: ${what}: ${why}`);
  }
}

function reasonOf(error: Error | undefined): string {
  if (error === undefined) return 'it did not say why';
  const code = 'code' in error ? String(error.code) : '';
  const { message } = error;
  if (code === '' || message.includes(code)) return message === '' ? 'it did not say why' : message;
  return message === '' ? code : `${code} ${message}`;
}

/**
 * Spans of publishes, linked to the holds that they reach. An item that goes out later than its publish ends, or in another
 * process, has a span of its own for that.
 *
 *     publisher's span ─── publish (PRODUCER) ══links══► holds
 *                              └─ deliver (INTERNAL), later or in a worker ══links══► holds
 */
import { type Link, type Span, type SpanContext, SpanKind, type Tracer } from '@opentelemetry/api';
import type { HoldStep, PublishStep, Steps } from '../observe/steps.js';
import { publishAttributes } from './attributes.js';
import { below, isSampled, placeIn, traceparentFor } from './trace-place.js';

/** Links of one span at most; how many holds there were is an attribute. */
export const MAX_LINKS = 128;

export class PublishSpans {
  /** Those that have not ended. */
  private readonly publishes = new WeakMap<PublishStep, Span>();

  constructor(
    private readonly tracer: Tracer,
    private readonly placeOfHold: (hold: HoldStep) => SpanContext | undefined,
  ) {}

  publishStarts({ publish }: Steps['publish:start']): void {
    const { traceparent } = publish;
    const parent = traceparent === undefined ? undefined : placeIn(traceparent);
    if (parent !== undefined && !isSampled(parent)) return;
    const span = this.tracer.startSpan('publish', { kind: SpanKind.PRODUCER }, below(parent));
    // What happens to it in other processes is part of this.
    publish.traceparent = traceparentFor(span.spanContext());
    if (!span.isRecording()) return;
    span.setAttributes(publishAttributes(publish));
    this.publishes.set(publish, span);
  }

  publishEnds({ publish, receivers }: Steps['publish:end']): void {
    const span = this.publishes.get(publish);
    if (span === undefined) return;
    this.publishes.delete(publish);
    if (receivers !== undefined) span.setAttribute('holdfast.publish.receivers', receivers);
    span.end();
  }

  delivers({ publish, holds }: Steps['publish:deliver']): void {
    const open = this.publishes.get(publish);
    if (open !== undefined) {
      this.link(open, holds);
      return;
    }
    const { traceparent } = publish;
    const parent = traceparent === undefined ? undefined : placeIn(traceparent);
    if (parent === undefined || !isSampled(parent)) return;
    const span = this.tracer.startSpan('deliver', { attributes: publishAttributes(publish) }, below(parent));
    this.link(span, holds);
    span.end();
  }

  private link(span: Span, holds: readonly HoldStep[]): void {
    const links: Link[] = [];
    let traced = 0;
    for (const hold of holds) {
      const context = this.placeOfHold(hold);
      if (context === undefined) continue;
      traced += 1;
      if (links.length < MAX_LINKS) links.push({ context });
    }
    span.addLinks(links);
    span.setAttribute('holdfast.publish.traced_holds', traced);
  }
}

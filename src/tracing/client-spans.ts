/**
 * Spans of what clients make happen. A request's span ends when it is answered or its client held; what comes later of the
 * same request (its hold, what its origin is asked) is still below it.
 *
 *     request (SERVER) ─┬─ origin request (CLIENT), each
 *                       └─ hold (INTERNAL), each
 */
import { type Context, type Span, type SpanContext, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { HoldEnd, HoldStep, OriginStep, RequestStep, Steps } from '../observe/steps.js';
import { originAttributes, requestAttributes, requestName } from './attributes.js';
import { below, isSampled, placeOf, sendPlace } from './trace-place.js';

/** A request with its place in a trace. */
interface Traced {
  readonly place: SpanContext;
  /** For what is below it. */
  readonly context: Context;
  /** Undefined: the trace is not kept, or the span has ended. */
  span: Span | undefined;
}

/** Ends of holds that nobody wanted. */
const BAD_ENDS: ReadonlySet<HoldEnd> = new Set<HoldEnd>(['failed', 'refused']);
/** The least status of an answer that is the server's fault, and the least that is anybody's. */
const SERVER_ERROR = 500;
const ANY_ERROR = 400;

export class ClientSpans {
  private readonly requests = new WeakMap<RequestStep, Traced>();
  private readonly origins = new WeakMap<OriginStep, Span>();
  private readonly holds = new WeakMap<HoldStep, Span>();

  constructor(private readonly tracer: Tracer) {}

  requestStarts({ request }: Steps['request:start']): void {
    const parent = placeOf(request.headers);
    if (parent !== undefined && !isSampled(parent)) {
      this.requests.set(request, { place: parent, context: below(parent), span: undefined });
      return;
    }
    const name = requestName(request.method, request.route);
    const span = this.tracer.startSpan(name, { kind: SpanKind.SERVER }, below(parent));
    const place = span.spanContext();
    const kept = span.isRecording();
    if (kept) span.setAttributes(requestAttributes(request));
    this.requests.set(request, { place, context: below(place), span: kept ? span : undefined });
  }

  requestEnds({ request, end }: Steps['request:end']): void {
    const traced = this.requests.get(request);
    const span = traced?.span;
    if (traced === undefined || span === undefined) return;
    traced.span = undefined;
    span.setAttribute('holdfast.request.end', end.kind);
    if (end.kind === 'answered') {
      span.setAttribute('http.response.status_code', end.code);
      span.setAttribute('http.response.body.size', end.size);
      if (end.code >= SERVER_ERROR) fail(span, String(end.code));
    } else if (end.kind === 'error') {
      fail(span, 'aborted');
    }
    span.end();
  }

  originStarts({ origin, setHeader }: Steps['origin:start']): void {
    const traced = this.requests.get(origin.request);
    if (traced === undefined) return;
    if (!isSampled(traced.place)) {
      sendPlace(traced.place, setHeader);
      return;
    }
    const span = this.tracer.startSpan(requestName(origin.method), { kind: SpanKind.CLIENT }, traced.context);
    span.setAttributes(originAttributes(origin));
    this.origins.set(origin, span);
    sendPlace(span.spanContext(), setHeader);
  }

  originAnswers({ origin, code }: Steps['origin:head']): void {
    const span = this.origins.get(origin);
    if (span === undefined) return;
    span.setAttribute('http.response.status_code', code);
    if (code >= ANY_ERROR) fail(span, String(code));
  }

  originEnds({ origin, size }: Steps['origin:end']): void {
    const span = this.origins.get(origin);
    if (span === undefined) return;
    this.origins.delete(origin);
    span.setAttribute('http.response.body.size', size);
    span.end();
  }

  originFails({ origin, fault }: Steps['origin:error']): void {
    const span = this.origins.get(origin);
    if (span === undefined) return;
    this.origins.delete(origin);
    fail(span, fault);
    span.end();
  }

  holdStarts({ hold }: Steps['hold:start']): void {
    const traced = this.requests.get(hold.request);
    if (traced === undefined || !isSampled(traced.place)) return;
    const attributes = { 'holdfast.hold.mode': hold.mode };
    this.holds.set(hold, this.tracer.startSpan(`hold ${hold.mode}`, { attributes }, traced.context));
  }

  holdSubscribes({ hold, channel }: Steps['hold:subscribe']): void {
    this.holds.get(hold)?.addEvent('subscribe', { 'holdfast.channel': channel });
  }

  holdEnds({ hold, end }: Steps['hold:end']): void {
    const span = this.holds.get(hold);
    if (span === undefined) return;
    this.holds.delete(hold);
    span.setAttribute('holdfast.hold.end', end);
    if (BAD_ENDS.has(end)) fail(span, end);
    span.end();
  }

  /** Where the span of a hold stands; undefined when there is none. */
  placeOfHold(hold: HoldStep): SpanContext | undefined {
    return this.holds.get(hold)?.spanContext();
  }
}

function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

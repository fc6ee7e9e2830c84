/** Where something stands in a trace: as headers say it, and as OpenTelemetry does. */
import { type Context, createTraceState, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { getHeaders, type HeaderView } from '../protocol/headers.js';
import { formatTraceparent, parseTraceparent, SAMPLED, traceparentOf } from '../protocol/trace-context.js';

/** The part of an origin step that headers are set with. */
type SetHeader = (name: string, value: string | undefined) => void;

/** Of a `tracestate` (W3C Trace Context 3.3.1.1). OpenTelemetry's reader turns the order of a longer one round. */
const MAX_MEMBERS = 32;

/** The place that a client's headers name; undefined when they name none. */
export function placeOf(headers: HeaderView): SpanContext | undefined {
  const traceparent = traceparentOf(headers);
  return traceparent === undefined ? undefined : placeIn(traceparent, getHeaders(headers, 'tracestate').join(','));
}

/** @param tracestate - what cannot be read of it is left out, and all of it when it has too many members */
export function placeIn(traceparent: string, tracestate = ''): SpanContext | undefined {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  const place = { traceId: parent.traceId, spanId: parent.parentId, traceFlags: parent.flags, isRemote: true };
  if (tracestate === '' || tracestate.split(',', MAX_MEMBERS + 1).length > MAX_MEMBERS) return place;
  return { ...place, traceState: createTraceState(tracestate) };
}

export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & SAMPLED) !== 0;
}

/** The context of what begins below this place; a new trace below none. */
export function below(place: SpanContext | undefined): Context {
  return place === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, place);
}

export function traceparentFor({ traceId, spanId, traceFlags }: SpanContext): string {
  return formatTraceparent({ traceId, parentId: spanId, flags: traceFlags });
}

/** Tells an origin that its work belongs below this place, and below no other that the client has named. */
export function sendPlace(place: SpanContext, setHeader: SetHeader): void {
  const tracestate = place.traceState?.serialize() ?? '';
  setHeader('traceparent', traceparentFor(place));
  setHeader('tracestate', tracestate === '' ? undefined : tracestate);
}

/** The `traceparent` header of W3C Trace Context, read as strictly as its section 3.2 asks: what is not well-formed is none. */
import { getHeaders, type HeaderView } from './headers.js';

/** Where a request stands in a trace. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly parentId: string;
  /** 8 bits; the lowest says that the trace is sampled. */
  readonly flags: number;
}

/** Bit of the flags: whoever sent it keeps the trace. */
export const SAMPLED = 1;

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** More than any version that there is needs. */
const MAX_LENGTH = 256;
const NO_TRACE = '0'.repeat(32);
const NO_PARENT = '0'.repeat(16);

/** Undefined for everything that does not follow the grammar. Of later versions only what version 00 knows is read. */
export function parseTraceparent(value: string): TraceParent | undefined {
  if (value.length > MAX_LENGTH) return undefined;
  const parts = FORM.exec(value);
  if (parts === null) return undefined;
  const [, version = '', traceId = '', parentId = '', flags = '', rest] = parts;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || parentId === NO_PARENT) return undefined;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) };
}

/** The `traceparent` of a request, as it was sent; undefined when there is none, more than one, or one that is malformed. */
export function traceparentOf(headers: HeaderView): string | undefined {
  const values = getHeaders(headers, 'traceparent');
  const [value] = values;
  return values.length === 1 && value !== undefined && parseTraceparent(value) !== undefined ? value : undefined;
}

export function formatTraceparent({ traceId, parentId, flags }: TraceParent): string {
  return `00-${traceId}-${parentId}-${flags.toString(16).padStart(2, '0')}`;
}

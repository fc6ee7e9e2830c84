/** How long the body of a handler's answer is, which says it in a header and by what it sends (specification 9.4). */
import { getHeaders, type HeaderList } from '../../protocol/headers.js';
import { withoutFraming } from './target-fields.js';

export interface AnswerFrame {
  /** As the client may see them: with one length, or without. */
  readonly headers: HeaderList;
  /** Bytes that have to come; undefined when nobody knows. */
  readonly length: number | undefined;
  /** The client gets no body, whatever comes of it. */
  readonly bodiless: boolean;
}

/**
 * @param method - of the request
 * @param whole - bytes of the body where all of it came with the head: then its length is what it is, whatever the handler
 *   says of it
 */
export function answerFrame(method: string, code: number, headers: HeaderList, whole: number | undefined): AnswerFrame {
  const own = withoutFraming(headers);
  const declared = declaredLength(headers);
  if (method === 'HEAD' || code === 204 || code === 304) {
    // It is the length of what a GET would have got.
    if (method === 'HEAD' && code !== 204 && declared !== undefined) own.push(['Content-Length', String(declared)]);
    return { headers: own, length: undefined, bodiless: true };
  }
  const length = whole ?? declared;
  if (length !== undefined) own.push(['Content-Length', String(length)]);
  return { headers: own, length, bodiless: false };
}

/** Undefined also when it is none, or when there are several that differ. */
function declaredLength(headers: HeaderList): number | undefined {
  const [first, ...others] = getHeaders(headers, 'content-length').map((value) => value.trim());
  if (first === undefined || others.some((other) => other !== first)) return undefined;
  return /^\d{1,15}$/.test(first) ? Number(first) : undefined;
}

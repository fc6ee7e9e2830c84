/** The body that comes with an instruct, after the filters that work on it (specification 6.1). */
import { parseFilters } from '../protocol/filters/filters.js';
import { filterResponseBody } from '../protocol/filters/response-content.js';
import type { Instruct } from '../protocol/instruct.js';

/** `detail` is the text of the error for a session in debug mode. */
export type FirstBody =
  | { readonly kind: 'rendered'; readonly content: Buffer }
  | { readonly kind: 'error'; readonly detail: string };

export function firstBody({ channels, meta, response }: Instruct): FirstBody {
  const stacks = channels.map(({ filters }) => parseFilters(filters));
  const rendered = filterResponseBody(stacks, meta, response.body);
  return rendered.kind === 'error' ? { kind: 'error', detail: `filter error: ${rendered.detail}` } : rendered;
}

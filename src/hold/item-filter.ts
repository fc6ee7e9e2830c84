/** What the filters of a subscription make of an item (specification 4.8, steps 3 to 7, and 6.1). */
import { contentFilterMismatch } from '../protocol/filters/content-filters.js';
import type { FilterStack } from '../protocol/filters/filters.js';
import { type FilterContext, type FilterVerdict, runFilters } from '../protocol/filters/message-filters.js';
import type { StreamFormat, WebSocketFormat } from '../protocol/item.js';

/** What an item brings for one kind of hold. */
export interface FilteredContent {
  /** Empty for actions other than send. */
  readonly content: Buffer;
  /** `content-filters` of the format: what the publisher takes for granted. */
  readonly asserted: readonly string[] | undefined;
}

const NOTHING = Buffer.alloc(0);

/** What filters see of a format: its content, or none for an action that sends nothing. */
export function filteredContent(format: StreamFormat | WebSocketFormat): FilteredContent {
  if (format.action !== 'send') return { content: NOTHING, asserted: undefined };
  return { content: format.content, asserted: format.contentFilters };
}

/**
 * Runs the filters of a subscription. `error` means that the item is dropped too; its `detail` is the whole text for a
 * session in debug mode.
 *
 * @param context - made only when there is a filter to look at it
 */
export function filterItem(
  stack: FilterStack,
  { content, asserted }: FilteredContent,
  context: () => FilterContext,
): FilterVerdict {
  const mismatch = contentFilterMismatch(stack, asserted);
  if (mismatch !== undefined) return { kind: 'error', detail: mismatch };
  if (stack.length === 0) return { kind: 'send', content };
  const verdict = runFilters(stack, { ...context(), content });
  switch (verdict.kind) {
    case 'ask':
      return { kind: 'error', detail: `filter error: ${verdict.filter} is not available in this version` };
    case 'error':
      return { kind: 'error', detail: `filter error: ${verdict.detail}` };
    default:
      return verdict;
  }
}

/** The assertion a published item makes about the filters its content was written for (specification 4.8, 3). */
import { type FilterStack, filtersFor } from './filters.js';

/**
 * Compares the content filters an item names with those of the subscription it reaches; both must be equal, in order.
 *
 * @param stack - filters of the subscription
 * @param asserted - `content-filters` of the item; undefined asserts nothing, an empty list that there are none
 * @returns undefined when they agree, else the text for a session in debug mode
 */
export function contentFilterMismatch(stack: FilterStack, asserted: readonly string[] | undefined): string | undefined {
  if (asserted === undefined) return undefined;
  const subscribed = filtersFor(stack, 'message-content');
  if (subscribed.length === asserted.length && subscribed.every((name, at) => name === asserted[at])) return undefined;
  return `content filter mismatch: subscription=${subscribed.join(',')} message=${asserted.join(',')}`;
}

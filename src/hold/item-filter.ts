/** What the filters of a subscription make of an item (specification 4.8, steps 3 to 7, and 6.1). */
import { contentFilterMismatch } from '../protocol/filters/content-filters.js';
import type { FilterStack, HttpFilterName } from '../protocol/filters/filters.js';
import {
  type FilterContext,
  type FilterInput,
  type FilterVerdict,
  runFilters,
} from '../protocol/filters/message-filters.js';
import type { StreamFormat, WebSocketFormat } from '../protocol/item.js';

/** What an item brings for one kind of hold. */
export interface FilteredContent {
  /** Empty for actions other than send. */
  readonly content: Buffer;
  /** `content-filters` of the format: what the publisher takes for granted. */
  readonly asserted: readonly string[] | undefined;
}

/** An item on its way through the filters of one subscription. */
export interface FilterRun extends FilteredContent {
  readonly stack: FilterStack;
  /** Made only when there is a filter to look at it. */
  readonly context: () => FilterContext;
}

/** The run stopped at a filter that has to ask an HTTP endpoint: `resume` goes on behind it. */
export interface FilterQuestion {
  readonly kind: 'ask';
  readonly filter: HttpFilterName;
  readonly input: FilterInput;
  readonly resume: (answer: FilterVerdict) => FilterVerdict | FilterQuestion;
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
 */
export function filterItem({ stack, content, asserted, context }: FilterRun): FilterVerdict | FilterQuestion {
  const mismatch = contentFilterMismatch(stack, asserted);
  if (mismatch !== undefined) return { kind: 'error', detail: mismatch };
  if (stack.length === 0) return { kind: 'send', content };
  return runFrom(stack, { ...context(), content }, 0);
}

function runFrom(stack: FilterStack, input: FilterInput, start: number): FilterVerdict | FilterQuestion {
  const verdict = runFilters(stack, input, start);
  switch (verdict.kind) {
    case 'ask': {
      const { filter, at, content } = verdict;
      const resume = (answer: FilterVerdict): FilterVerdict | FilterQuestion =>
        answer.kind === 'send' ? runFrom(stack, { ...input, content: answer.content }, at + 1) : named(answer);
      return { kind: 'ask', filter, input: { ...input, content }, resume };
    }
    default:
      return named(verdict);
  }
}

function named(verdict: FilterVerdict): FilterVerdict {
  return verdict.kind === 'error' ? { kind: 'error', detail: `filter error: ${verdict.detail}` } : verdict;
}

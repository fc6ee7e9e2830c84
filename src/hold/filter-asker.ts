/** What a hold needs of whoever asks the HTTP filters `http-check` and `http-modify` (specification 6.3). */
import type { HttpFilterName } from '../protocol/filters/filters.js';
import type { FilterInput, FilterVerdict } from '../protocol/filters/message-filters.js';

export interface FilterAsker {
  /**
   * Asks an HTTP filter about one item. `done` is called once, later, never before this returns; not after `cancel`.
   * The detail of an `error` verdict comes without the leading `filter error: `.
   *
   * @param currentUri - absolute URI that the hold is at: the client's, or that of the last link it followed
   */
  askFilter(
    filter: HttpFilterName,
    input: FilterInput,
    currentUri: string,
    done: (verdict: FilterVerdict) => void,
  ): { cancel(): void };
}

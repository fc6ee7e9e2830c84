/** What a stream that follows next links needs of whoever fetches them (specification 4.10). */
import type { Instruct } from '../protocol/instruct.js';
import type { FilterAsker } from './filter-asker.js';

/** The answer to a link, as it arrives. */
export interface LinkReceiver {
  /** The instruct of its headers; the body follows. */
  opened(instruct: Instruct): void;
  /** The headers could not be understood, or the link cannot be followed: there is no sense in another try. */
  refused(detail: string): void;
  /** False: stop until the call's `resume`. */
  data(chunk: Buffer): boolean;
  ended(): void;
  /** No answer, a status that is no success (which is given), or a body that broke off. */
  failed(status?: number): void;
}

export interface LinkCall {
  resume(): void;
  cancel(): void;
}

export interface LinkSource extends FilterAsker {
  /** Absolute form of a link that stands in an answer from `base`; undefined when it makes no sense. */
  resolve(link: string, base: string): string | undefined;
  /** GETs a link; `lastIds` by channel name as the origin knows it. The receiver hears of it later. */
  open(uri: string, lastIds: ReadonlyMap<string, string>, receiver: LinkReceiver): LinkCall;
}

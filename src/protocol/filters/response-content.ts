/**
 * Filters over the body an origin answers with, be it whole or a stream (specification 4.4, 4.7, 6.1). `build-id` is the
 * only one that works on it. Ids of channels play no part here, so `%I` needs a text of its own.
 */
import { idSubstitute } from './build-id.js';
import { type FilterStack, filtersFor } from './filters.js';
import { DirectiveScanner, type Rendering } from './id-format.js';

const NAME = 'build-id';

/** One body on its way through. After an error every further call gives the same error. */
export class ResponseContentFilter {
  private readonly scanner: Pick<DirectiveScanner, 'update' | 'finish'>;

  constructor(subMeta: ReadonlyMap<string, string>) {
    const id = idSubstitute({ subMeta, prevIds: new Map(), channels: new Set() });
    this.scanner = id.kind === 'ready' ? new DirectiveScanner(id.substitute) : { update: () => id, finish: () => id };
  }

  /** The output of this chunk; what a directive needs of the next chunk is kept back. */
  update(chunk: Buffer): Rendering {
    return named(this.scanner.update(chunk));
  }

  /** To be called at the end of the body, and to be heeded: an incomplete directive shows only here. */
  finish(): Rendering {
    return named(this.scanner.finish());
  }
}

/**
 * The filter for a body, or undefined when no channel has one. However many channels name it, it runs once.
 *
 * @param stacks - the filters of each channel of the instruct
 */
export function responseContentFilter(
  stacks: Iterable<FilterStack>,
  subMeta: ReadonlyMap<string, string>,
): ResponseContentFilter | undefined {
  for (const stack of stacks) {
    if (filtersFor(stack, 'response-content').length > 0) return new ResponseContentFilter(subMeta);
  }
  return undefined;
}

/** A body that is there as a whole, filtered; itself when no channel has a filter for it. */
export function filterResponseBody(
  stacks: Iterable<FilterStack>,
  subMeta: ReadonlyMap<string, string>,
  body: Buffer,
): Rendering {
  const filter = responseContentFilter(stacks, subMeta);
  if (filter === undefined) return { kind: 'rendered', content: body };
  const rendered = filter.update(body);
  const end = filter.finish();
  return end.kind === 'error' ? end : rendered;
}

function named(rendering: Rendering): Rendering {
  return rendering.kind === 'error' ? { kind: 'error', detail: `${NAME}: ${rendering.detail}` } : rendering;
}

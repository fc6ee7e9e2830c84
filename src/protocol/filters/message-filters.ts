/**
 * The filters a published message passes on its way to one subscriber (specification 6.1), as functions of values. A
 * stack runs until it has a verdict or comes to a filter that must ask an HTTP endpoint; the caller asks, and goes on.
 */
import { trimValue } from '../headers.js';
import { type IdSource, idSubstitute } from './build-id.js';
import { type FilterName, type FilterStack, type HttpFilterName, isHttpFilter } from './filters.js';
import { type Rendering, renderDirectives, variableSubstitute } from './id-format.js';

/** What the filters of a connection may look at. Channel names are without the route's prefix. */
export interface FilterContext extends IdSource {
  /** Meta of the connection, set by its origin. */
  readonly subMeta: ReadonlyMap<string, string>;
  /** Meta of the item, set by its publisher. */
  readonly pubMeta: ReadonlyMap<string, string>;
  /** As they were before this item; its own id is not in yet. */
  readonly prevIds: ReadonlyMap<string, string>;
}

export interface FilterInput extends FilterContext {
  readonly content: Buffer;
}

/** `detail` is what follows `filter error: ` in the text for a session in debug mode. */
export type FilterVerdict =
  | { readonly kind: 'send'; readonly content: Buffer }
  | { readonly kind: 'drop' }
  | { readonly kind: 'error'; readonly detail: string };

export type LocalFilterName = Exclude<FilterName, HttpFilterName>;

/** The stack stopped at `stack[at]`; once that has said `send`, go on behind it with the content it gave. */
export interface FilterPause {
  readonly kind: 'ask';
  readonly filter: HttpFilterName;
  readonly at: number;
  readonly content: Buffer;
}

const DROP: FilterVerdict = { kind: 'drop' };

/** The verdict of one filter that decides by itself. */
export function applyFilter(name: LocalFilterName, input: FilterInput): FilterVerdict {
  const { subMeta, pubMeta, channels, content } = input;
  const user = subMeta.get('user') ?? '';
  switch (name) {
    case 'skip-self':
      return user !== '' && user === pubMeta.get('sender') ? DROP : { kind: 'send', content };
    case 'skip-users':
      return user !== '' && namesUser(pubMeta.get('skip_users') ?? '', user) ? DROP : { kind: 'send', content };
    case 'require-sub': {
      const required = pubMeta.get('require_sub') ?? '';
      return required !== '' && !channels.has(required) ? DROP : { kind: 'send', content };
    }
    case 'build-id': {
      const id = idSubstitute(input);
      return verdictOf(name, id.kind === 'error' ? id : renderDirectives(content, id.substitute));
    }
    case 'var-subst':
      return verdictOf(name, renderDirectives(content, variableSubstitute(subMeta)));
  }
}

/**
 * Runs a stack; each filter gets the content the one before it made, and the first that does not say `send` ends it.
 *
 * @param start - index of the first filter to run: 0, or behind the one that was asked
 */
export function runFilters(stack: FilterStack, input: FilterInput, start = 0): FilterVerdict | FilterPause {
  let { content } = input;
  for (let at = start; at < stack.length; at += 1) {
    const filter = stack[at];
    if (filter === undefined) break;
    if (isHttpFilter(filter)) return { kind: 'ask', filter, at, content };
    const verdict = applyFilter(filter, content === input.content ? input : { ...input, content });
    if (verdict.kind !== 'send') return verdict;
    content = verdict.content;
  }
  return { kind: 'send', content };
}

function verdictOf(name: LocalFilterName, rendering: Rendering): FilterVerdict {
  if (rendering.kind === 'error') return { kind: 'error', detail: `${name}: ${rendering.detail}` };
  return { kind: 'send', content: rendering.content };
}

/** Whether a comma list has the user in it. Empty parts match nobody, because the user is not empty. */
function namesUser(list: string, user: string): boolean {
  return list.split(',').some((part) => trimValue(part) === user);
}

/** The filters there are, and the ordered stack of them that a subscription names (specification 6.1). */

/** What a filter works on: whether a message is delivered, what it says, or what the origin's first body says. */
export type FilterTarget = 'delivery' | 'message-content' | 'response-content';

const TARGETS = {
  'skip-self': ['delivery'],
  'skip-users': ['delivery'],
  'require-sub': ['delivery'],
  'build-id': ['message-content', 'response-content'],
  'var-subst': ['message-content'],
  'http-check': ['delivery'],
  'http-modify': ['delivery', 'message-content'],
} as const satisfies Readonly<Record<string, readonly FilterTarget[]>>;

export type FilterName = keyof typeof TARGETS;

/** Filters that ask an HTTP endpoint; all others decide by themselves. */
export type HttpFilterName = 'http-check' | 'http-modify';

/** The filters of one subscription in the order they run; a name given twice runs twice. */
export type FilterStack = readonly FilterName[];

/** All names, in the order in which `Grip-Feature` lists them. */
export const FILTER_NAMES = Object.keys(TARGETS) as readonly FilterName[];

/** The stack for the names of a subscription. Names nobody knows are left out; case counts. */
export function parseFilters(names: readonly string[]): FilterStack {
  return names.filter(isFilterName);
}

export function isFilterName(name: string): name is FilterName {
  return Object.hasOwn(TARGETS, name);
}

export function isHttpFilter(name: FilterName): name is HttpFilterName {
  return name === 'http-check' || name === 'http-modify';
}

/** The part of a stack that works on this target, in order. */
export function filtersFor(stack: FilterStack, target: FilterTarget): FilterStack {
  return stack.filter((name) => hasTarget(TARGETS[name], target));
}

function hasTarget(targets: readonly FilterTarget[], target: FilterTarget): boolean {
  return targets.includes(target);
}

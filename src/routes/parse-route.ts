/** Turns one routes line into a route, nothing, or the warning to log about it (specification 2.1 to 2.3). */
import { HoldfastError } from '../errors/holdfast-error.js';
import { parseCondition, readAuth } from './conditions.js';
import { lastValue } from './properties.js';
import type { Route } from './route.js';
import { parseTarget, type ReadText } from './targets.js';
import { tokenizeLine } from './tokenizer.js';

/** `blank` is an empty line or a comment; the message of `error` is a whole log text, `FILE:LINE: TEXT`. */
export type ParsedLine =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'blank' }
  | { readonly kind: 'error'; readonly message: string };

/**
 * Reads one line. A line with any fault gives no route at all; the rest of its file stays usable.
 *
 * @param line - text without its line end
 * @param source - where the line stands; `line` counts from 1
 * @param options - `readFile` gives the text of a certificate file, or throws
 */
export function parseRoute(
  line: string,
  source: { file: string; line: number },
  options: { readFile: ReadText },
): ParsedLine {
  try {
    const route = readLine(line, source, options.readFile);
    return route === undefined ? { kind: 'blank' } : { kind: 'route', route };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HOLDFAST_ROUTE_INVALID') {
      return { kind: 'error', message: `${source.file}:${source.line}: ${error.message}` };
    }
    throw error;
  }
}

function readLine(line: string, source: Route['source'], readFile: ReadText): Route | undefined {
  const [condition, ...targets] = tokenizeLine(line);
  if (condition === undefined) {
    return undefined;
  }
  if (targets.length === 0) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'must specify condition and at least one target');
  }
  const parsed = parseCondition(condition);
  // Beside a target it means the same: it is the whole route that is guarded.
  const auth = parsed.auth ?? targets.map(({ props }) => readAuth(lastValue(props, 'auth'))).find(Boolean);
  return {
    ...parsed,
    auth,
    targets: targets.map((target) => parseTarget(target, readFile)),
    source: { file: source.file, line: source.line },
  };
}

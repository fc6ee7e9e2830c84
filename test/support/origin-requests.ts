/** Requests to origins as tests need them, and where they go. */
import type { OriginRequest } from '../../src/backend/verdict.js';
import type { Target } from '../../src/routes/route.js';
import { parseTarget } from '../../src/routes/targets.js';
import { tokenizeLine } from '../../src/routes/tokenizer.js';

/** A GET of the root, unless said otherwise. */
export function originRequest(changes: Partial<OriginRequest> = {}): OriginRequest {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'example.com',
    path: '/',
    headers: [],
    body: Buffer.alloc(0),
    ...changes,
  };
}

/** A target as a route names it; it has no files. */
export function target(text: string): Target {
  const [section] = tokenizeLine(text);
  if (section === undefined) throw new Error('no target');
  return parseTarget(section, () => '');
}

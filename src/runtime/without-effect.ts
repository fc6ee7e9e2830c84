/** What settings and routes may ask for and this version does not do: said once, at the start, instead of silence. */
import type { Route } from '../routes/route.js';

export function routesWithoutEffect(routes: readonly Route[]): string[] {
  const texts: string[] = [];
  for (const { source, session } of routes) {
    if (session) texts.push(`${source.file}:${source.line}: session has no effect in this version`);
  }
  return texts;
}

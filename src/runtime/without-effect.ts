/** What settings and routes may ask for and this version does not do: said once, at the start, instead of silence. */
import type { Settings } from '../config/settings.js';
import type { Route } from '../routes/route.js';

export function settingsWithoutEffect({ websocket }: Settings): string[] {
  return websocket.allowCompression ? ['websocket.allow_compression has no effect in this version'] : [];
}

export function routesWithoutEffect(routes: readonly Route[]): string[] {
  const texts: string[] = [];
  for (const { source, sockjs, session } of routes) {
    const asked = [sockjs === undefined ? '' : 'sockjs', session ? 'session' : ''].filter((name) => name !== '');
    for (const name of asked) texts.push(`${source.file}:${source.line}: ${name} has no effect in this version`);
  }
  return texts;
}

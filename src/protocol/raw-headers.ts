/** Headers as parsers give them, names and values in one flat list, turned into our pairs. */
import type { HeaderList } from './headers.js';

/** `[name, value, name, value, …]` of strings, or of Buffers read as latin1 so that every byte survives. */
export function headerListOf(flat: readonly (string | Buffer)[]): HeaderList {
  const list: HeaderList = [];
  for (let at = 0; at + 1 < flat.length; at += 2) list.push([textOf(flat[at]), textOf(flat[at + 1])]);
  return list;
}

function textOf(part: string | Buffer | undefined): string {
  if (typeof part === 'string') return part;
  return part === undefined ? '' : part.toString('latin1');
}

/** The project whose built product is measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Its folder. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export function holdfastVersion(): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  return version;
}

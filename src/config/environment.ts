/**
 * Settings from environment variables. The scheme: HOLDFAST_, the section, two underscores, the key, all in capitals:
 * `HOLDFAST_HTTP__MAX_HEAD_BYTES` is `http.max_head_bytes`. Two underscores because sections and keys have single ones.
 */

import { HoldfastError } from '../errors/holdfast-error.js';
import { type Layer, SETTINGS, type SettingEntry } from './schema.js';
import { checkText, didYouMean, invalidValue } from './validate.js';

const PREFIX = 'HOLDFAST_';

/** The variable that sets this setting. */
export function variableName(entry: SettingEntry): string {
  return `${PREFIX}${entry.section}__${entry.key}`.toUpperCase();
}

/**
 * @param environment - variables by name; those that do not follow the scheme are left alone, since container systems
 *   put their own HOLDFAST_... variables beside ours
 * @returns checked values by YAML path, and a warning for each variable with one underscore too few
 * @throws HoldfastError HOLDFAST_CONFIG_UNKNOWN_SETTING or HOLDFAST_CONFIG_INVALID_VALUE
 */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  readonly layer: Layer;
  readonly warnings: readonly string[];
} {
  const byName = new Map(SETTINGS.map((entry) => [variableName(entry), entry]));
  const misspelt = new Map(SETTINGS.map((entry) => [variableName(entry).replace('__', '_'), variableName(entry)]));
  const layer = new Map<string, unknown>();
  const warnings: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const entry = byName.get(name);
    if (entry !== undefined) {
      const checked = checkText(entry.type, text);
      if (!checked.ok) throw invalidValue(`${entry.path} (environment variable ${name})`, entry.type, text);
      layer.set(entry.path, checked.value);
    } else if (name.includes('__')) {
      throw new HoldfastError(
        'HOLDFAST_CONFIG_UNKNOWN_SETTING',
        `the environment variable ${name} names no setting${didYouMean(name, byName.keys())}`,
      );
    } else {
      const meant = misspelt.get(name);
      if (meant !== undefined) warnings.push(`the environment variable ${name} is not read; did you mean ${meant}?`);
    }
  }
  return { layer, warnings };
}

/** Every setting with its place, and what is made of values for them: found by name, checked, put over the defaults. */
import { HoldfastError } from '../errors/holdfast-error.js';
import type { SettingRow } from './setting-rows.js';
import { SECTIONS, SHORT, TABLE } from './setting-table.js';
import type { Settings } from './settings.js';
import { checkValue, didYouMean, invalidValue } from './validate.js';

/** A row with its place. */
export interface SettingEntry extends SettingRow<unknown> {
  /** As in YAML: `http.max_head_bytes`. */
  readonly path: string;
  /** As in YAML: `http`. */
  readonly section: string;
  /** As in YAML: `max_head_bytes`. */
  readonly key: string;
  /** As in `Settings`: `maxHeadBytes`. */
  readonly member: string;
}

/** Some sections with some members each. */
export type DeepPartial<T> = {
  readonly [Section in keyof T]?: { readonly [Key in keyof T[Section]]?: T[Section][Key] | undefined } | undefined;
};

/** Checked values by YAML path, from one source of settings. An undefined value means "off". */
export type Layer = ReadonlyMap<string, unknown>;

/** The YAML spelling of a member name: `maxHeadBytes` is `max_head_bytes`. */
function underscored(member: string): string {
  return member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every setting, in the order of the table. */
export const SETTINGS: readonly SettingEntry[] = Object.entries(TABLE).flatMap(([section, rows]) =>
  Object.entries<SettingRow<unknown>>(rows).map(([member, row]): SettingEntry => {
    const key = underscored(member);
    return { ...row, path: `${section}.${key}`, section, key, member };
  }),
);

const BY_PATH: ReadonlyMap<string, SettingEntry> = new Map(SETTINGS.map((entry) => [entry.path, entry]));

/** The setting with this YAML path, or the one that a section stands for when it has a value of its own. */
export function findSetting(path: string): SettingEntry | undefined {
  return BY_PATH.get(SHORT.get(path) ?? path);
}

/**
 * The same for a name that somebody has written.
 *
 * @param where - the place, such as `in holdfast.yaml, line 3`
 * @throws HoldfastError HOLDFAST_CONFIG_UNKNOWN_SETTING
 */
export function settingAt(path: string, where: string): SettingEntry {
  const entry = findSetting(path);
  if (entry === undefined) throw unknownSetting(path, where);
  return entry;
}

/**
 * The error for a name that is no setting.
 *
 * @param where - the place, such as `in holdfast.yaml, line 3`
 */
export function unknownSetting(path: string, where: string): HoldfastError {
  const shown = path.length > 80 ? `${path.slice(0, 77)}...` : path;
  const guess = didYouMean(path, path.includes('.') ? BY_PATH.keys() : SECTIONS.keys());
  return new HoldfastError('HOLDFAST_CONFIG_UNKNOWN_SETTING', `there is no setting ${shown} (${where})${guess}`);
}

/** Settings out of layers of checked values, the later layer winning; what none has keeps its default. */
export function settingsFrom(layers: readonly Layer[]): Settings {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const { path, section, member, ...row } of SETTINGS) {
    const layer = layers.findLast((candidate) => candidate.has(path));
    const members = sections[section] ?? {};
    members[member] = layer === undefined ? structuredClone(row.default) : layer.get(path);
    sections[section] = members;
  }
  // The table has a row of the right type for each member of Settings: its own type says so.
  return sections as unknown as Settings;
}

/**
 * The settings when nothing is set. `routes.file` is undefined: the loader fills in the file that belongs to the
 * configuration.
 */
export function defaultSettings(): Settings {
  return settingsFrom([]);
}

/**
 * Settings for a program that embeds Holdfast: what is given over the defaults. A member given as undefined turns off
 * what can be off (`control.listen`, `zeromq.ipcFileMode`), and counts as not given elsewhere. Addresses may also be
 * written as text, `host:port`.
 *
 * @throws HoldfastError HOLDFAST_CONFIG_UNKNOWN_SETTING or HOLDFAST_CONFIG_INVALID_VALUE
 */
export function resolveSettings(partial: DeepPartial<Settings>): Settings {
  const layer = new Map<string, unknown>();
  for (const [section, members] of Object.entries(asRecord(partial, 'the settings'))) {
    if (!SECTIONS.has(section)) throw unknownSetting(section, 'in the settings given');
    if (members === undefined) continue;
    for (const [member, value] of Object.entries(asRecord(members, section))) {
      const entry = SETTINGS.find((candidate) => candidate.section === section && candidate.member === member);
      if (entry === undefined) throw unknownSetting(`${section}.${underscored(member)}`, 'in the settings given');
      if (value === undefined && entry.type.kind !== 'address' && entry.type.kind !== 'octal') continue;
      const checked = checkValue(entry.type, value);
      if (!checked.ok) throw invalidValue(`${entry.path} in the settings given`, entry.type, value);
      layer.set(entry.path, checked.value);
    }
  }
  return settingsFrom([layer]);
}

function asRecord(value: unknown, subject: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new HoldfastError('HOLDFAST_CONFIG_INVALID_VALUE', `${subject} must be an object of settings`);
}

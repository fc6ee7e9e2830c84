/** What the table of settings says of each one, and rows of the kinds that it has many of. */
import type { ListItem, ValueType } from './validate.js';

/** The key of a pushpin.conf that a setting stands for. */
export interface PushpinKey {
  readonly section: 'global' | 'runner' | 'proxy' | 'handler';
  /** More than one when the original spreads the setting over several keys. */
  readonly keys: readonly string[];
  /** What holds when a pushpin.conf leaves the key out, if that is not the default here. */
  readonly absent?: { readonly value: unknown };
}

export interface SettingRow<T> {
  readonly type: ValueType;
  readonly default: T;
  readonly unit: string | undefined;
  readonly sentence: string;
  readonly pushpin: PushpinKey | undefined;
  /** The default as written, where the program fills it in later. */
  readonly writtenDefault?: string;
}

export const MAX_BYTES = 2_147_483_647;
// Node's timers take at most 2^31 - 1 milliseconds.
const MAX_SECONDS = 2_000_000;
export const MAX_MILLISECONDS = MAX_SECONDS * 1000;

export function bytes(value: number, sentence: string, pushpin?: PushpinKey, min = 1): SettingRow<number> {
  return { type: { kind: 'integer', min, max: MAX_BYTES }, default: value, unit: 'bytes', sentence, pushpin };
}

export function count(
  value: number,
  range: readonly [min: number, max: number],
  unit: string,
  sentence: string,
  pushpin?: PushpinKey,
): SettingRow<number> {
  return { type: { kind: 'integer', min: range[0], max: range[1] }, default: value, unit, sentence, pushpin };
}

export function seconds(value: number, min: number, sentence: string, pushpin?: PushpinKey): SettingRow<number> {
  return { type: { kind: 'number', min, max: MAX_SECONDS }, default: value, unit: 'seconds', sentence, pushpin };
}

export function flag(value: boolean, sentence: string, pushpin?: PushpinKey): SettingRow<boolean> {
  return { type: { kind: 'boolean' }, default: value, unit: undefined, sentence, pushpin };
}

export function text(value: string, sentence: string, pushpin?: PushpinKey): SettingRow<string> {
  return { type: { kind: 'text' }, default: value, unit: undefined, sentence, pushpin };
}

export function signingKey(value: string, sentence: string, pushpin: PushpinKey): SettingRow<string> {
  return { type: { kind: 'key' }, default: value, unit: undefined, sentence, pushpin };
}

export function choice<Value extends string>(
  value: Value,
  values: readonly Value[],
  sentence: string,
  pushpin?: PushpinKey,
): SettingRow<Value> {
  return { type: { kind: 'choice', values }, default: value, unit: undefined, sentence, pushpin };
}

export function list(
  value: readonly string[],
  item: Exclude<ListItem, 'address'>,
  sentence: string,
  pushpin?: PushpinKey,
): SettingRow<readonly string[]> {
  return { type: { kind: 'list', item }, default: value, unit: undefined, sentence, pushpin };
}

export function pushpinKey(section: PushpinKey['section'], key: string, ...more: readonly string[]): PushpinKey {
  return { section, keys: [key, ...more] };
}

export function absent(value: unknown, key: PushpinKey): PushpinKey {
  return { ...key, absent: { value } };
}

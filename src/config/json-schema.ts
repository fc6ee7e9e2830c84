/** The JSON Schema of the native configuration file, for editors; made from the table of settings. */
import { findSetting, SETTINGS, type SettingEntry } from './schema.js';
import { SECTIONS } from './setting-table.js';
import {
  describeType,
  HTTP_URI_PATTERN,
  ITEM_PATTERNS,
  type ListItem,
  METRIC_PREFIX_PATTERN,
  UNIX_PATTERN,
  type ValueType,
} from './validate.js';

/** A JSON Schema or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const ADDRESS_PATTERN = '^((\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):)?[0-9]{1,5}$';
const PORT: JsonSchema = { type: 'integer', minimum: 0, maximum: 65_535 };
const OFF: JsonSchema = { enum: ['off', '', false] };

/** The schema of a whole file (draft 2020-12). */
export function jsonSchema(): JsonSchema {
  const sections = [...SECTIONS].map(([section, description]) => [section, sectionSchema(section, description)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Settings of Holdfast',
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(sections),
  };
}

/** The same as the text of config/holdfast.schema.json. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
}

/** The default in the form in which a file would have it. */
export function writtenDefault(entry: SettingEntry): unknown {
  return entry.writtenDefault ?? written(entry.default);
}

/** A value of `Settings` in the form in which a file would have it. */
export function written(value: unknown): unknown {
  if (value === undefined) return 'off';
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    const host = String(value.host);
    return `${host.includes(':') ? `[${host}]` : host}:${String(value.port)}`;
  }
  if (typeof value === 'object' && value !== null && 'path' in value) return `ipc://${String(value.path)}`;
  return value;
}

function sectionSchema(section: string, description: string): JsonSchema {
  const settings = SETTINGS.filter((entry) => entry.section === section);
  // A section that may have a value of its own takes that of any type; the program knows which.
  const short = findSetting(section) === undefined ? [] : ['integer', 'string'];
  return {
    description,
    type: ['object', 'null', ...short],
    additionalProperties: false,
    properties: Object.fromEntries(settings.map((entry) => [entry.key, settingSchema(entry)])),
  };
}

function settingSchema(entry: SettingEntry): JsonSchema {
  const unit = entry.unit === undefined ? '' : `, in ${entry.unit}`;
  return {
    description: `${entry.sentence} (${describeType(entry.type)}${unit})`,
    default: writtenDefault(entry),
    ...typeSchema(entry.type),
  };
}

function typeSchema(type: ValueType): JsonSchema {
  switch (type.kind) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
    case 'number':
      return { type: type.kind, minimum: type.min, maximum: type.max };
    case 'integer-or-auto':
      return { anyOf: [{ type: 'integer', minimum: type.min, maximum: type.max }, { enum: ['auto'] }] };
    case 'text':
    case 'key':
      return { type: 'string' };
    case 'path':
      return { type: 'string', minLength: 1 };
    case 'http-uri':
      return { type: 'string', pattern: HTTP_URI_PATTERN };
    case 'choice':
      return { enum: type.values };
    case 'list': {
      const items = itemSchema(type.item);
      return { anyOf: [{ type: 'array', items }, items] };
    }
    case 'address':
      return { anyOf: [...addressTexts(type.unix), PORT, OFF] };
    case 'metric-prefix':
      return { type: 'string', pattern: METRIC_PREFIX_PATTERN };
    case 'octal':
      return { anyOf: [{ type: 'string', pattern: '^(0o?)?[0-7]{3}$' }, { type: 'integer', minimum: 0 }, OFF] };
  }
}

function addressTexts(unix: true | undefined): JsonSchema[] {
  const address = { type: 'string', pattern: ADDRESS_PATTERN };
  return unix ? [address, { type: 'string', pattern: UNIX_PATTERN }] : [address];
}

function itemSchema(item: ListItem): JsonSchema {
  if (item === 'address') return { anyOf: [{ type: 'string', pattern: ADDRESS_PATTERN }, PORT] };
  return { type: 'string', pattern: ITEM_PATTERNS[item] };
}

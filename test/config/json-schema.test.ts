import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonSchema, jsonSchemaText, written, writtenDefault } from '../../src/config/json-schema.js';
import { findSetting, SETTINGS, type SettingEntry } from '../../src/config/schema.js';
import { checkText, checkValue } from '../../src/config/validate.js';

/** Follows member names into a schema. */
function at(schema: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>((node, name) => {
    if (typeof node !== 'object' || node === null) return undefined;
    return new Map<string, unknown>(Object.entries(node)).get(name);
  }, schema);
}

/** Checks the few keywords that the schema uses. */
function accepts(schema: unknown, value: unknown): boolean {
  const anyOf = at(schema, 'anyOf');
  if (Array.isArray(anyOf)) return anyOf.some((part) => accepts(part, value));
  const allowed = at(schema, 'enum');
  if (Array.isArray(allowed)) return allowed.includes(value);
  switch (at(schema, 'type')) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return (
        typeof value === 'string' &&
        value.length >= Number(at(schema, 'minLength') ?? 0) &&
        new RegExp(String(at(schema, 'pattern') ?? ''), 'u').test(value)
      );
    case 'integer':
      return Number.isInteger(value) && inRange(schema, value);
    case 'number':
      return typeof value === 'number' && inRange(schema, value);
    case 'array':
      return Array.isArray(value) && value.every((element) => accepts(at(schema, 'items'), element));
    default:
      throw new Error(`unknown keyword in ${JSON.stringify(schema)}`);
  }
}

function inRange(schema: unknown, value: unknown): boolean {
  const least = Number(at(schema, 'minimum') ?? Number.NEGATIVE_INFINITY);
  const most = Number(at(schema, 'maximum') ?? Number.POSITIVE_INFINITY);
  return Number(value) >= least && Number(value) <= most;
}

function schemaOf(entry: SettingEntry): unknown {
  return at(jsonSchema(), 'properties', entry.section, 'properties', entry.key);
}

describe('the JSON Schema', () => {
  it('is the one in config/holdfast.schema.json (else run: npm run generate)', () => {
    const file = new URL('../../config/holdfast.schema.json', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(jsonSchemaText());
  });

  it('knows no settings but ours', () => {
    expect(at(jsonSchema(), 'additionalProperties')).toBe(false);
    expect(at(jsonSchema(), 'properties', 'http', 'additionalProperties')).toBe(false);
    const paths = Object.entries(at(jsonSchema(), 'properties') ?? {}).flatMap(([section, schema]) =>
      Object.keys(at(schema, 'properties') ?? {}).map((key) => `${section}.${key}`),
    );
    expect(paths).toEqual(SETTINGS.map(({ path }) => path));
  });

  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('accepts the default of %s', (_path, entry) => {
    expect(accepts(schemaOf(entry), writtenDefault(entry))).toBe(true);
  });

  const SAMPLES: readonly unknown[] = [
    ...[true, false, 0, 1, 5, 660, 7999, 70_000, 1.5, -1, 1e12],
    ...['', 'off', 'true', 'close', 'info', 'both', 'append', 'truncate:1', 'tcp://*:1', 'ipc://x', 'X-A', '* test'],
    ...['http://a:1/b', 'https://a', 'http://', 'http://a?b', 'X-A: b', 'X-A:', ['X-A: b', 'X: c'], ['X: \n']],
    ...['auto', '7999', '[::1]:80', 'localhost:1', ':1', 'a b:1', '660', '0o660', '999'],
    ...['/run/x', '/', 'ipc:///run/x', 'ipc://', 'a_', '9a'],
    ...[[], ['append'], ['tcp://*:1', 'ipc://x'], ['127.0.0.1:1', 2], ['  '], [true], [['append']]],
  ];

  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('agrees with the program on %s', (_path, entry) => {
    for (const sample of SAMPLES) {
      const digits = entry.type.kind === 'octal' && typeof sample === 'number';
      const checked = digits ? checkText(entry.type, String(sample)) : checkValue(entry.type, sample);
      // An editor cannot know which numbers are octal digits.
      if (digits && accepts(schemaOf(entry), sample)) continue;
      expect([sample, accepts(schemaOf(entry), sample)]).toEqual([sample, checked.ok]);
    }
  });
});

describe('written', () => {
  it.each<[unknown, unknown]>([
    [undefined, 'off'],
    [5, 5],
    ['x', 'x'],
    [{ host: '::1', port: 5 }, '[::1]:5'],
    [{ path: '/run/x' }, 'ipc:///run/x'],
    [[{ host: '0.0.0.0', port: 7999 }], ['0.0.0.0:7999']],
  ])('%j as %j', (value, text) => {
    expect(written(value)).toEqual(text);
  });

  it('shows the routes file that the loader fills in', () => {
    expect(writtenDefault(findSetting('routes.file') ?? expect.fail())).toBe('routes');
  });
});

/**
 * Reads the text of a native configuration file (YAML) into checked values. Every complaint names setting, file and
 * line. Reads no file itself.
 */
import { isAlias, isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import { HoldfastError } from '../errors/holdfast-error.js';
import { findSetting, type Layer, type SettingEntry, settingAt, unknownSetting } from './schema.js';
import { SECTIONS } from './setting-table.js';
import { type Checked, checkText, checkValue, invalidValue } from './validate.js';

/** A file much larger than any configuration is refused before it is parsed. */
const MAX_TEXT = 1_000_000;

/**
 * @param text - the content of the file
 * @param file - its name as messages show it
 * @returns checked values by YAML path; relative paths are left as written
 * @throws HoldfastError HOLDFAST_CONFIG_SYNTAX, HOLDFAST_CONFIG_UNKNOWN_SETTING or HOLDFAST_CONFIG_INVALID_VALUE
 */
export function loadYaml(text: string, file: string): Layer {
  if (text.length > MAX_TEXT) throw syntaxError(file, undefined, `it is longer than ${MAX_TEXT} characters`);
  const lines = new LineCounter();
  const document = guarded(() => parseDocument(text, { lineCounter: lines, prettyErrors: false }), file, undefined);
  const lineOf = (node: Node | null | undefined): number | undefined =>
    node?.range ? lines.linePos(node.range[0]).line : undefined;
  const first = document.errors[0] ?? document.warnings[0];
  if (first !== undefined) throw syntaxError(file, lines.linePos(first.pos[0]).line, lowerFirst(first.message));

  const resolved = (node: Node | null): Node | null => {
    if (!isAlias(node)) return node;
    return node.resolve(document) ?? null;
  };
  const pairsOf = (node: Node | null, subject: string, line: number | undefined): readonly Entry[] => {
    const map = resolved(node);
    // A section whose settings are all commented out.
    if (map === null || (isScalar(map) && map.value === null)) return [];
    if (!isMap<ParsedNode, ParsedNode | null>(map))
      throw syntaxError(file, line, `${subject} must hold "name: value" lines`);
    return map.items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : undefined;
      const line = lineOf(key);
      if (name === undefined) throw syntaxError(file, line, 'a setting must have a plain name');
      return { name, line, value };
    });
  };

  const layer = new Map<string, unknown>();
  const take = (path: string, { line, value }: Entry): void => {
    const entry = settingAt(path, place(file, line));
    const plain = guarded(() => value?.toJS(document, { maxAliasCount: 100 }), file, line);
    const checked = checkNode(entry, resolved(value), plain);
    if (!checked.ok) throw invalidValue(`${path} (${place(file, lineOf(value) ?? line)})`, entry.type, plain);
    layer.set(entry.path, checked.value);
  };
  for (const section of pairsOf(document.contents, 'the file', 1)) {
    if (!SECTIONS.has(section.name)) throw unknownSetting(section.name, place(file, section.line));
    const whole = resolved(section.value);
    if (findSetting(section.name) !== undefined && isScalar(whole) && whole.value !== null) {
      take(section.name, section);
      continue;
    }
    for (const setting of pairsOf(section.value, section.name, section.line)) {
      take(`${section.name}.${setting.name}`, setting);
    }
  }
  return layer;
}

/** `in FILE, line N`. */
export function place(file: string, line: number | undefined): string {
  return line === undefined ? `in ${file}` : `in ${file}, line ${line}`;
}

interface Entry {
  readonly name: string;
  readonly line: number | undefined;
  readonly value: ParsedNode | null;
}

function checkNode(entry: SettingEntry, node: Node | null, plain: unknown): Checked {
  // YAML reads 0660 and 660 as decimal numbers: the digits as written are what counts.
  if (entry.type.kind === 'octal' && isScalar(node) && typeof node.value === 'number') {
    return checkText(entry.type, node.source ?? '');
  }
  return plain === null || plain === undefined ? { ok: false } : checkValue(entry.type, plain);
}

/** What the YAML library throws (too many aliases, too deep nesting) is a mistake of the file too. */
function guarded<T>(read: () => T, file: string, line: number | undefined): T {
  try {
    return read();
  } catch (error) {
    throw syntaxError(file, line, error instanceof Error ? lowerFirst(error.message) : 'it cannot be read', error);
  }
}

function syntaxError(file: string, line: number | undefined, reason: string, cause?: unknown): HoldfastError {
  const at = line === undefined ? file : `${file}, line ${line}`;
  return new HoldfastError('HOLDFAST_CONFIG_SYNTAX', `${at}: ${reason}`, cause === undefined ? {} : { cause });
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/**
 * The INI dialect of pushpin.conf (specification 1.2): `key=value` under `[section]`; an unquoted `;` starts a comment
 * anywhere, `#` one at the start of a line; double quotes protect `;`, `,` and blanks; `\` escapes; an unquoted `,`
 * makes a list. Knows nothing of what the keys mean.
 */
import { HoldfastError } from '../errors/holdfast-error.js';

/** A value is always a list of elements; a plain one has exactly one. */
export interface IniValue {
  readonly elements: readonly string[];
  readonly line: number;
}

export type IniSections = ReadonlyMap<string, ReadonlyMap<string, IniValue>>;

export interface IniFile {
  readonly sections: IniSections;
  readonly warnings: readonly string[];
}

type State = 'line-start' | 'comment' | 'section' | 'key' | 'value' | 'quoted';

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['"', '"'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** The elements of one value while it is read. */
class Elements {
  #done: string[] = [];
  #current = '';
  /** How much of the current element quotes or escapes protect from trimming. */
  #kept = 0;

  addPlain(character: string): void {
    if (this.#current !== '' || !isBlank(character)) this.#current += character;
  }

  addProtected(text: string): void {
    this.#current += text;
    this.#kept = this.#current.length;
  }

  endElement(): void {
    let end = this.#current.length;
    while (end > this.#kept && isBlank(this.#current.charAt(end - 1))) end -= 1;
    this.#done.push(this.#current.slice(0, end));
    this.#current = '';
    this.#kept = 0;
  }

  take(): readonly string[] {
    this.endElement();
    const elements = this.#done;
    this.#done = [];
    return elements;
  }
}

/**
 * @param text - the content of the file
 * @param file - its name as messages show it
 * @returns values by section and key, the last of equal keys winning; keys before any section are in the section ''
 * @throws HoldfastError HOLDFAST_CONFIG_SYNTAX for a section header without its bracket: what follows would be
 *   read as settings of the section before
 */
export function parseIni(text: string, file: string): IniFile {
  const source = `${text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')}\n`;
  const sections = new Map<string, Map<string, IniValue>>();
  const warnings: string[] = [];
  const elements = new Elements();
  let state: State = 'line-start';
  let line = 1;
  let name = '';
  let section = '';
  let key = '';
  let keyLine = 1;

  const finishValue = (): void => {
    const values = sections.get(section) ?? new Map<string, IniValue>();
    values.set(key, { elements: elements.take(), line: keyLine });
    sections.set(section, values);
  };
  const finishKey = (): void => {
    if (name.trim() !== '') warnings.push(`${file}, line ${line}: this is no key=value line and is left out`);
  };

  for (let index = 0; index < source.length; index += 1) {
    const character = source.charAt(index);
    switch (state) {
      case 'line-start':
        if (character === ';' || character === '#') state = 'comment';
        else if (character === '[') {
          state = 'section';
          name = '';
        } else if (!isBlank(character) && character !== '\n') {
          state = 'key';
          name = '';
          index -= 1;
          continue;
        }
        break;
      case 'comment':
        if (character === '\n') state = 'line-start';
        break;
      case 'section':
        if (character === '\n') {
          throw new HoldfastError('HOLDFAST_CONFIG_SYNTAX', `${file}, line ${line}: the section header lacks its "]"`);
        }
        if (character === ']') {
          section = name.trim();
          state = 'comment';
        } else name += character;
        break;
      case 'key':
        if (character === '=') {
          key = name.trim();
          keyLine = line;
          state = 'value';
        } else if (character === '\n' || character === ';') {
          finishKey();
          state = character === '\n' ? 'line-start' : 'comment';
        } else name += character;
        break;
      case 'value':
        if (character === '\n' || character === ';') {
          finishValue();
          state = character === '\n' ? 'line-start' : 'comment';
        } else if (character === ',') elements.endElement();
        else if (character === '"') {
          elements.addProtected('');
          state = 'quoted';
        } else if (character === '\\') index = readEscape(source, index, elements);
        else elements.addPlain(character);
        break;
      case 'quoted':
        if (character === '"') state = 'value';
        else if (character === '\\') index = readEscape(source, index, elements);
        else if (character === '\n') {
          // The original reads on to the next quote, however many settings that swallows.
          warnings.push(`${file}, line ${line}: the quote of ${key} is not closed; it ends with the line`);
          finishValue();
          state = 'line-start';
        } else elements.addProtected(character);
        break;
    }
    if (source.charAt(index) === '\n') line += 1;
  }
  // A continuation as the last thing of the file.
  if (state === 'value' || state === 'quoted') finishValue();
  return { sections, warnings };
}

/** Reads the escape that starts at `index`; returns the place of its last character. */
function readEscape(source: string, index: number, elements: Elements): number {
  const next = source.charAt(index + 1);
  // A backslash before the line break continues the value on the next line.
  if (next === '\n') return index + 1;
  if (next === 'x') {
    const digits = /^[0-9A-Fa-f]{1,2}/.exec(source.slice(index + 2, index + 4))?.[0] ?? '';
    if (digits !== '') elements.addProtected(String.fromCharCode(Number.parseInt(digits, 16)));
    return index + 1 + digits.length;
  }
  // An unknown escape vanishes, as in the original: a key must sign the same way in both.
  elements.addProtected(ESCAPES.get(next) ?? '');
  return index + 1;
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\f' || character === '\v';
}

/**
 * HTTP header lists as Holdfast carries them: order, case and duplicates are kept, names compare
 * case-insensitively; comma lists and `name=value` parameters are read here (specification, appendix C).
 *
 * Values are byte strings: each character stands for one byte of the wire. Text that people wrote (channel names, ids)
 * goes through `decodeHeaderText` and `encodeHeaderText`.
 */

/** One header line: name as it was written, value trimmed. */
export type Header = [name: string, value: string];

/** Header lines in wire order, duplicates kept. */
export type HeaderList = Header[];

/** The same, to be looked at only. */
export type HeaderView = readonly (readonly [name: string, value: string])[];

/** One `name=value` of an element, the name as it was written. */
export type Parameter = [name: string, value: string];

/** An element whose part before the first `;` is taken literally. */
export interface Parameters {
  readonly first: string;
  /** Lower-case names; a bare name has the value `''`; of a repeated name the first value counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The same element with its parameters in order, repeated names kept and names as they were written. */
export interface ParameterSequence {
  readonly first: string;
  readonly parameters: readonly Parameter[];
}

const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

// Invalid input must be told apart, because the caller then keeps the value as it is.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Value of the first line of that name, whatever its case. */
export function getHeader(list: HeaderView, name: string): string | undefined {
  const lowercase = name.toLowerCase();
  for (const [candidate, value] of list) {
    if (candidate.length === lowercase.length && candidate.toLowerCase() === lowercase) {
      return value;
    }
  }
  return undefined;
}

/** Values of all lines of that name, in order. */
export function getHeaders(list: HeaderView, name: string): string[] {
  const lowercase = name.toLowerCase();
  const values: string[] = [];
  for (const [candidate, value] of list) {
    if (candidate.length === lowercase.length && candidate.toLowerCase() === lowercase) {
      values.push(value);
    }
  }
  return values;
}

/** Whether there is a line of that name, be its value empty or not. */
export function hasHeader(list: HeaderList, name: string): boolean {
  return getHeader(list, name) !== undefined;
}

/** Puts one line in the place of all of that name; undefined only takes those away. */
export function setHeader(list: HeaderList, name: string, value: string | undefined): void {
  const lowercase = name.toLowerCase();
  let kept = 0;
  for (const header of list) {
    if (header[0].length === lowercase.length && header[0].toLowerCase() === lowercase) continue;
    list[kept] = header;
    kept += 1;
  }
  list.length = kept;
  if (value !== undefined) list.push([name, value]);
}

/** A new list without the lines of these names; the set holds them in lower case. */
export function withoutHeaders(list: HeaderList, lowercaseNames: ReadonlySet<string>): HeaderList {
  const kept: HeaderList = [];
  for (const header of list) {
    if (!lowercaseNames.has(header[0].toLowerCase())) {
      kept.push(header);
    }
  }
  return kept;
}

/** A new list without the lines whose name starts with this lower-case prefix. */
export function withoutPrefix(list: HeaderList, lowercasePrefix: string): HeaderList {
  const kept: HeaderList = [];
  for (const header of list) {
    if (!hasPrefix(header[0], lowercasePrefix)) {
      kept.push(header);
    }
  }
  return kept;
}

/** Whether a header name starts with a prefix that is given in lower case. */
export function hasPrefix(name: string, lowercasePrefix: string): boolean {
  const { length } = lowercasePrefix;
  return name.length >= length && name.slice(0, length).toLowerCase() === lowercasePrefix;
}

/** Whether a `Connection` header lists an option; the option in lower case. */
export function hasOption(connection: string, option: string): boolean {
  return connection
    .toLowerCase()
    .split(',')
    .some((token) => token.trim() === option);
}

/**
 * Cuts a value at the commas outside double quotes (appendix C, "Split"). Parts are trimmed; an empty value has no
 * parts, a trailing comma adds none, and from a quote that is never closed on the rest is one part.
 */
export function splitList(value: string): string[] {
  const parts: string[] = [];
  const text = trimValue(value);
  let start = 0;
  while (start < text.length) {
    const end = endOfPart(text, start);
    parts.push(trimValue(text.slice(start, end)));
    start = end + 1;
  }
  return parts;
}

/** The parts of all lines of that name, one line after the other. */
export function splitHeaderLists(list: HeaderList, name: string): string[] {
  const parts: string[] = [];
  for (const value of getHeaders(list, name)) {
    for (const part of splitList(value)) {
      parts.push(part);
    }
  }
  return parts;
}

/**
 * Reads `FIRST; name=value; name` where FIRST is taken up to the first `;` without regard to quotes (appendix C).
 *
 * @returns undefined when a quoted value is not closed
 */
export function parseFirstPlain(element: string): Parameters | undefined {
  const sequence = parseFirstPlainSequence(element);
  if (sequence === undefined) {
    return undefined;
  }
  const parameters = new Map<string, string>();
  for (const [name, value] of sequence.parameters) {
    const lowercase = name.toLowerCase();
    if (!parameters.has(lowercase)) {
      parameters.set(lowercase, value);
    }
  }
  return { first: sequence.first, parameters };
}

/** Like `parseFirstPlain`, for elements in which a parameter may be repeated. */
export function parseFirstPlainSequence(element: string): ParameterSequence | undefined {
  const semicolon = element.indexOf(';');
  const firstEnd = semicolon === -1 ? element.length : semicolon;
  const parameters = readParameters(element, firstEnd + 1);
  return parameters === undefined ? undefined : { first: trimValue(element.slice(0, firstEnd)), parameters };
}

/**
 * Reads `name=value; name=value` from the start on (appendix C, all-parameters mode). Names keep their case, order and
 * repetitions stay; an empty element has none.
 *
 * @returns undefined when a quoted value is not closed
 */
export function parseAllParameters(element: string): Parameter[] | undefined {
  return readParameters(element, 0);
}

/** Takes ASCII white space off both ends. `String.trim` would also take 0xA0, which is part of a UTF-8 sequence here. */
export function trimValue(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) {
    start += 1;
  }
  while (end > start && isSpace(value.charCodeAt(end - 1))) {
    end -= 1;
  }
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

/**
 * The text whose UTF-8 bytes a header value carries. A value that is no UTF-8, or that holds characters beyond 0xFF and
 * so is text already, comes back unchanged.
 */
export function decodeHeaderText(value: string): string {
  let ascii = true;
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code > 0xff) {
      return value;
    }
    ascii &&= code < 0x80;
  }
  if (ascii) {
    return value;
  }
  try {
    return strictUtf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** The byte string that carries a text as UTF-8; the way back of `decodeHeaderText`. */
export function encodeHeaderText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Whether a name is an HTTP token, so that it cannot end its line or be taken for a pseudo-header. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

/** Whether a byte string can be sent as a value or reason: no control characters except TAB, nothing above 0xFF. */
export function isHeaderValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if ((code < SPACE && code !== TAB) || code === DELETE || code > 0xff) {
      return false;
    }
  }
  return true;
}

function isSpace(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= CARRIAGE_RETURN);
}

/** Index of the comma that ends the part, or the length when none does. */
function endOfPart(text: string, start: number): number {
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      quoted = !quoted;
    } else if (quoted && code === BACKSLASH) {
      at += 1;
    } else if (!quoted && code === COMMA) {
      return at;
    }
  }
  return text.length;
}

function readParameters(text: string, start: number): Parameter[] | undefined {
  const parameters: Parameter[] = [];
  let at = start;
  while (at < text.length) {
    const nameEnd = endOfName(text, at);
    const name = trimValue(text.slice(at, nameEnd));
    if (text.charCodeAt(nameEnd) !== EQUALS) {
      parameters.push([name, '']);
      at = nameEnd + 1;
      continue;
    }
    const quoted = text.charCodeAt(nameEnd + 1) === QUOTE ? readQuoted(text, nameEnd + 2) : 'plain';
    if (quoted === undefined) {
      return undefined;
    }
    const semicolon = text.indexOf(';', quoted === 'plain' ? nameEnd + 1 : quoted.end);
    const end = semicolon === -1 ? text.length : semicolon;
    parameters.push([name, quoted === 'plain' ? trimValue(text.slice(nameEnd + 1, end)) : quoted.value]);
    at = end + 1;
  }
  return parameters;
}

function endOfName(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === EQUALS || code === SEMICOLON) {
      return at;
    }
  }
  return text.length;
}

/** Reads on from behind the opening quote; `end` is behind the closing one. Undefined when there is none. */
function readQuoted(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      return { value, end: at + 1 };
    }
    if (code === BACKSLASH) {
      at += 1;
    }
    value += text.charAt(at);
  }
  return undefined;
}

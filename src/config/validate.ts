/**
 * What a setting's value may be: the value types, and the check that turns something written (a YAML value, or the
 * text of an environment variable, of `--set` or of a pushpin.conf) into the value the program uses.
 * Specification 1.3. Knows no setting by name and reads no file.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { ListenAddress, UnixAddress } from './settings.js';

/** What the elements of a list must look like. */
export type ListItem =
  | 'address'
  | 'endpoint'
  | 'forwarded-rule'
  | 'header'
  | 'header-name'
  | 'route-line'
  | 'socket-path';

export type ValueType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  /** A number, or the word `auto`. */
  | { readonly kind: 'integer-or-auto'; readonly min: number; readonly max: number }
  | { readonly kind: 'text' }
  /** A signing key. Never shown in a message. */
  | { readonly kind: 'key' }
  | { readonly kind: 'path' }
  /** Address of an HTTP server, or nothing. */
  | { readonly kind: 'http-uri' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'list'; readonly item: ListItem }
  /** One listening address, or off. `unix`: the path of a Unix socket will do as well. */
  | { readonly kind: 'address'; readonly defaultHost: string; readonly unix?: true }
  /** The beginning of the name of a metric, or nothing. */
  | { readonly kind: 'metric-prefix' }
  /** File permissions, or off. */
  | { readonly kind: 'octal' };

export type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const WRONG: Checked = { ok: false };

/** The host of a bare port in `http.listen` and `--port`. */
export const ANY_HOST = '0.0.0.0';

/** The word that turns an address or a permission off; so does the empty text. */
const OFF = 'off';

/** The word that leaves a number to the machine. */
const AUTO = 'auto';

/** `ipc:///run/x.sock`, `ipc://x.sock`, `/run/x.sock`. No path for humans ends in a slash. */
export const UNIX_PATTERN = '^(ipc://|/).*[^/]$';

/** Names of metrics as Prometheus has them; a prefix may be empty. */
export const METRIC_PREFIX_PATTERN = '^([A-Za-z_:][A-Za-z0-9_:]*)?$';

const OCTAL = /^(?:0o?)?([0-7]{3})$/;

/** Patterns of list elements; addresses are parsed instead. The JSON Schema publishes them too. */
export const ITEM_PATTERNS: Readonly<Record<Exclude<ListItem, 'address'>, string>> = {
  endpoint: '^(tcp|ipc)://.+$',
  'forwarded-rule': '^(append|truncate:[0-9]{1,6})$',
  header: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[ \\t]*[!-~]([ -~]*[!-~])?$",
  'header-name': "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
  'route-line': '\\S',
  'socket-path': '^/.*[^/]$',
};

const ITEM_WORDS: Readonly<Record<ListItem, string>> = {
  address: '[address:]port',
  endpoint: 'tcp:// and ipc:// endpoints',
  'forwarded-rule': '`append` and `truncate:N`',
  header: '`Name: value`',
  'header-name': 'header names',
  'route-line': 'lines of a routes file',
  'socket-path': 'absolute paths',
};

/** The JSON Schema publishes it too. */
export const HTTP_URI_PATTERN = '^(https?://[^/?#\\s]+(/[^?#\\s]*)?)?$';

/** The type in words, fit for the sentences "must be ..." and for the reference page. */
export function describeType(type: ValueType): string {
  switch (type.kind) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer from ${type.min} to ${type.max}`;
    case 'number':
      return `a number from ${type.min} to ${type.max}`;
    case 'integer-or-auto':
      return `an integer from ${type.min} to ${type.max}, or auto`;
    case 'text':
      return 'text';
    case 'key':
      return 'text: a plain key, base64:DATA or file:PATH';
    case 'path':
      return 'the path of a file';
    case 'http-uri':
      return 'an http:// or https:// address, or empty';
    case 'choice':
      return `one of ${type.values.join(', ')}`;
    case 'list':
      return `a list of ${ITEM_WORDS[type.item]}`;
    case 'address':
      return type.unix ? '[address:]port, ipc://path, or off' : '[address:]port, or off';
    case 'metric-prefix':
      return 'letters, digits, _ and :, not beginning with a digit';
    case 'octal':
      return 'three octal digits such as 660, or off';
  }
}

/**
 * Reads `port`, `address:port` or `[IPv6 address]:port`.
 *
 * @param text - what was written; port 0 lets the system choose
 * @param defaultHost - the host of a bare port
 * @returns undefined when it is none of these
 */
export function parseAddress(text: string, defaultHost: string): ListenAddress | undefined {
  const parts = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?([0-9]{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, bracketed, plain, digits] = parts;
  const port = Number(digits);
  if (port > 65535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (plain === undefined) return { host: defaultHost, port };
  return isHost(plain) ? { host: plain, port } : undefined;
}

/**
 * Reads `ipc://PATH`, or an absolute path.
 *
 * @returns undefined when it is neither
 */
export function parseUnixAddress(text: string): UnixAddress | undefined {
  if (!new RegExp(UNIX_PATTERN).test(text) || text.includes('\0')) return undefined;
  return { path: text.replace(/^ipc:\/\//, '') };
}

function isHost(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) return isIPv4(text);
  return text.length <= 253 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text);
}

/**
 * Checks a value that has a type already: from YAML, or given by a program in the form of `Settings`.
 *
 * @returns the value in the form of `Settings`; undefined stands for "off"
 */
export function checkValue(type: ValueType, value: unknown): Checked {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? right(value) : WRONG;
    case 'integer':
      return Number.isSafeInteger(value) && within(value, type) ? right(value) : WRONG;
    case 'number':
      return Number.isFinite(value) && within(value, type) ? right(value) : WRONG;
    case 'integer-or-auto':
      return value === AUTO ? right(value) : checkValue({ ...type, kind: 'integer' }, value);
    case 'text':
    case 'key':
      return typeof value === 'string' ? right(value) : WRONG;
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0') ? right(value) : WRONG;
    case 'http-uri':
      return typeof value === 'string' && isHttpUri(value) ? right(value) : WRONG;
    case 'choice':
      return typeof value === 'string' && type.values.includes(value) ? right(value) : WRONG;
    case 'list':
      return checkList(type.item, Array.isArray(value) ? value : [value]);
    case 'address':
      return value === false || value === undefined ? right(undefined) : checkAddress(value, type);
    case 'metric-prefix':
      return typeof value === 'string' && new RegExp(METRIC_PREFIX_PATTERN).test(value) ? right(value) : WRONG;
    case 'octal':
      return checkOctal(value);
  }
}

/**
 * Checks a value that is only text: lists are separated by commas (routes by line breaks) or written as a JSON array
 * of strings.
 *
 * @returns the value in the form of `Settings`; undefined stands for "off"
 */
export function checkText(type: ValueType, text: string): Checked {
  switch (type.kind) {
    case 'boolean':
      if (text === 'true' || text === '1') return right(true);
      return text === 'false' || text === '0' ? right(false) : WRONG;
    case 'integer-or-auto':
      return text === AUTO ? right(text) : checkText({ ...type, kind: 'integer' }, text);
    case 'integer':
      return /^-?[0-9]{1,16}$/.test(text) ? checkValue(type, Number(text)) : WRONG;
    case 'number':
      return /^-?[0-9]{1,16}(\.[0-9]{1,16})?$/.test(text) ? checkValue(type, Number(text)) : WRONG;
    case 'list': {
      const elements = splitList(text, type.item === 'route-line' ? '\n' : ',');
      return elements === undefined ? WRONG : checkList(type.item, elements);
    }
    case 'text':
    case 'key':
    case 'path':
    case 'http-uri':
    case 'choice':
    case 'address':
    case 'metric-prefix':
    case 'octal':
      return checkValue(type, text);
  }
}

/**
 * The error for a value that failed its check.
 *
 * @param subject - setting and place, such as `http.max_headers in holdfast.yaml, line 3,`
 */
export function invalidValue(subject: string, type: ValueType, value: unknown): HoldfastError {
  // Keys, and headers that may be passwords, are nobody's to read in a log.
  const secret = type.kind === 'key' || (type.kind === 'list' && type.item === 'header');
  const shown = secret ? '' : `, not ${abbreviate(value)}`;
  return new HoldfastError('HOLDFAST_CONFIG_INVALID_VALUE', `${subject} must be ${describeType(type)}${shown}`);
}

/** The candidate that was probably meant, as `; did you mean X?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 4)) + 1;
  // Longer words are no slips of the pen, and the distance costs the product of the lengths.
  if (word.length > 100) return '';
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** A value as a message shows it: JSON, at most 60 characters. */
export function abbreviate(value: unknown): string {
  let shown: string;
  try {
    shown = JSON.stringify(value) ?? String(value);
  } catch {
    shown = 'a value without a text form';
  }
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

function right(value: unknown): Checked {
  return { ok: true, value };
}

function within(value: unknown, range: { readonly min: number; readonly max: number }): boolean {
  return typeof value === 'number' && value >= range.min && value <= range.max;
}

function checkList(item: ListItem, elements: readonly unknown[]): Checked {
  const values: unknown[] = [];
  for (const element of elements) {
    const checked = checkItem(item, element);
    if (!checked.ok || checked.value === undefined) return WRONG;
    values.push(checked.value);
  }
  return right(values);
}

function checkItem(item: ListItem, element: unknown): Checked {
  if (item === 'address') return checkAddress(element, { defaultHost: ANY_HOST });
  return typeof element === 'string' && new RegExp(ITEM_PATTERNS[item]).test(element) ? right(element) : WRONG;
}

function isHttpUri(value: string): boolean {
  return new RegExp(HTTP_URI_PATTERN).test(value) && (value === '' || URL.canParse(value));
}

function checkAddress(value: unknown, type: { readonly defaultHost: string; readonly unix?: true }): Checked {
  if (typeof value === 'number') return checkAddress(String(value), type);
  if (typeof value === 'string') {
    if (value === '' || value === OFF) return right(undefined);
    const address = (type.unix ? parseUnixAddress(value) : undefined) ?? parseAddress(value, type.defaultHost);
    return address === undefined ? WRONG : right(address);
  }
  if (typeof value !== 'object' || value === null) return WRONG;
  if (type.unix && 'path' in value && typeof value.path === 'string') return checkAddress(`ipc://${value.path}`, type);
  if (!('host' in value) || !('port' in value)) return WRONG;
  const { host, port } = value;
  if (typeof host !== 'string' || !(isIPv6(host) || isHost(host))) return WRONG;
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65535
    ? right({ host, port })
    : WRONG;
}

function checkOctal(value: unknown): Checked {
  if (value === '' || value === OFF || value === false || value === undefined) return right(undefined);
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 0o777 ? right(value) : WRONG;
  const digits = typeof value === 'string' ? OCTAL.exec(value)?.[1] : undefined;
  return digits === undefined ? WRONG : right(Number.parseInt(digits, 8));
}

function splitList(text: string, separator: string): readonly unknown[] | undefined {
  if (/^\[\s*(\]|")/.test(text)) {
    try {
      const parsed: unknown = JSON.parse(text);
      return Array.isArray(parsed) ? parsed : undefined;
    } catch {
      return undefined;
    }
  }
  return text.trim() === '' ? [] : text.split(separator).map((element) => element.trim());
}

/** Levenshtein's distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

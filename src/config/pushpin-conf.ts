/**
 * Reads a pushpin.conf into checked values, with the original's defaults for the keys it leaves out (specification 1.2,
 * 1.3). What has no meaning here is named in a warning and never an error. Reads no file itself.
 */
import { parseIni } from './ini.js';
import { levelOfNumber } from './overrides.js';
import {
  type Found,
  find,
  INTERNAL_FILE,
  isInternalFile,
  namesWithoutEffect,
  place,
  type Source,
  textOf,
} from './pushpin-keys.js';
import { type Layer, SETTINGS, type SettingEntry } from './schema.js';
import {
  abbreviate,
  checkText,
  checkValue,
  describeType,
  ITEM_PATTERNS,
  invalidValue,
  parseAddress,
} from './validate.js';

export interface PushpinConfRequest {
  /** Content of the main file. */
  readonly text: string;
  /** Its name as messages show it. */
  readonly file: string;
  /** Content of a file named by `include=`, given as written after substitution; undefined when there is none. */
  readonly readInclude: (path: string) => string | undefined;
}

export interface PushpinConf {
  readonly layer: Layer;
  readonly warnings: readonly string[];
}

/**
 * @returns a checked value for every setting that has a pushpin.conf key, by YAML path; relative paths as written
 * @throws HoldfastError HOLDFAST_CONFIG_SYNTAX for a broken section header; HOLDFAST_CONFIG_INVALID_VALUE for a wrong
 *   `http_port`, with which the original would not start either
 */
export function readPushpinConf(request: PushpinConfRequest): PushpinConf {
  const warnings: string[] = [];
  const main = parseIni(request.text, request.file);
  warnings.push(...main.warnings);
  const sources: Source[] = [{ file: request.file, ini: main }];
  const variables = readVariables(sources, warnings);
  const include = substitute(textOf(find(sources, 'global', 'include')), variables);
  if (include !== '') {
    const path = include === INTERNAL_FILE ? substitute(`{libdir}/${INTERNAL_FILE}`, variables) : include;
    const text = request.readInclude(path);
    if (text !== undefined) {
      const ini = parseIni(text, path);
      warnings.push(...ini.warnings);
      sources.push({ file: path, ini });
    } else if (!isInternalFile(path)) {
      warnings.push(`${request.file}: the included file ${path} cannot be read and is left out`);
    }
  }
  warnings.push(...namesWithoutEffect(sources));
  return { layer: readSettings(sources, variables, warnings), warnings };
}

interface Variables {
  readonly libdir: string | undefined;
  readonly rundir: string;
  readonly ipcPrefix: string;
  readonly portOffset: number;
}

function readVariables(sources: readonly Source[], warnings: string[]): Variables {
  const old = find(sources, 'runner', 'rundir');
  if (old !== undefined) warnings.push(`${place(old)} is out of date; put rundir in [global]`);
  const offset = find(sources, 'global', 'port_offset');
  let portOffset = 0;
  if (offset !== undefined) {
    if (/^-?[0-9]{1,5}$/.test(textOf(offset))) portOffset = Number(textOf(offset));
    else warnings.push(`${place(offset)} must be an integer, not ${abbreviate(textOf(offset))}; 0 is used`);
  }
  const libdir = textOf(find(sources, 'global', 'libdir'));
  return {
    libdir: libdir === '' ? undefined : libdir,
    rundir: textOf(find(sources, 'global', 'rundir')) || textOf(old),
    ipcPrefix: textOf(find(sources, 'global', 'ipc_prefix')) || 'pushpin-',
    portOffset,
  };
}

/** Puts the variables in, then shifts the port of every `tcp://HOST:PORT` (specification 1.2). */
function substitute(text: string, variables: Variables): string {
  const values = new Map([
    ['{libdir}', variables.libdir ?? '{libdir}'],
    ['{rundir}', variables.rundir],
    ['{ipc_prefix}', variables.ipcPrefix],
  ]);
  return text
    .replace(/\{(?:libdir|rundir|ipc_prefix)\}/g, (name) => values.get(name) ?? name)
    .replace(/(tcp:\/\/(?:\[[^\][]*\]|[^/,\s:[\]]*):)([0-9]{1,5})(?![0-9])/g, (_all, start: string, port: string) => {
      return `${start}${Number(port) + variables.portOffset}`;
    });
}

/** One setting being read: where it stands and what to do when its value is wrong. */
interface Reading {
  readonly entry: SettingEntry;
  readonly sources: readonly Source[];
  readonly variables: Variables;
  readonly fallback: unknown;
  readonly warnings: string[];
}

function readSettings(sources: readonly Source[], variables: Variables, warnings: string[]): Layer {
  const layer = new Map<string, unknown>();
  for (const entry of SETTINGS) {
    const { pushpin } = entry;
    if (pushpin === undefined) continue;
    const fallback = pushpin.absent === undefined ? entry.default : pushpin.absent.value;
    const reading: Reading = { entry, sources, variables, fallback, warnings };
    const value = (SPECIAL.get(entry.path) ?? readByType)(reading);
    if (value !== undefined || entry.path !== 'routes.file') layer.set(entry.path, value);
  }
  // The original drops what a slow client does not take.
  layer.set('hold.outbox_policy', 'drop');
  return layer;
}

function keyOf(reading: Reading, index = 0): Found | undefined {
  const { pushpin } = reading.entry;
  const key = pushpin?.keys[index];
  return pushpin === undefined || key === undefined ? undefined : find(reading.sources, pushpin.section, key);
}

function wrong(reading: Reading, found: Found, must: string): unknown {
  const written = abbreviate(found.elements.join(','));
  const used = reading.fallback === undefined ? 'off' : abbreviate(reading.fallback);
  reading.warnings.push(`${place(found)} must be ${must}, not ${written}; ${used} is used`);
  return reading.fallback;
}

function readByType(reading: Reading): unknown {
  const found = keyOf(reading);
  if (found === undefined) return reading.fallback;
  const { type } = reading.entry;
  switch (type.kind) {
    case 'boolean':
      return readBoolean(reading, found);
    case 'list':
      return readList(reading);
    case 'text':
    case 'key':
    case 'path':
      return readText(reading, found);
    case 'integer':
    case 'number':
    case 'integer-or-auto':
    case 'http-uri':
    case 'choice':
    case 'address':
    case 'metric-prefix':
    case 'octal': {
      const checked = checkText(type, textOf(found));
      return checked.ok ? checked.value : wrong(reading, found, describeType(type));
    }
  }
}

/** Everything but `false`, `0` and nothing is true in the original. */
function readBoolean(reading: Reading, found: Found): boolean {
  const text = textOf(found).toLowerCase();
  const value = text !== 'false' && text !== '0' && text !== '';
  if (value && text !== 'true' && text !== '1') {
    reading.warnings.push(`${place(found)} must be true or false; ${abbreviate(textOf(found))} counts as true`);
  }
  return value;
}

function readText(reading: Reading, found: Found): unknown {
  if (found.elements.length > 1) {
    reading.warnings.push(`${place(found)} has a comma, so it is read as empty; put the value in double quotes`);
  }
  const text = substitute(textOf(found), reading.variables);
  if (reading.entry.type.kind === 'path' && text === '') return undefined;
  return text;
}

function readList(reading: Reading): readonly string[] {
  const { type, pushpin } = reading.entry;
  const item = type.kind === 'list' ? type.item : 'route-line';
  const values: string[] = [];
  for (const index of (pushpin?.keys ?? []).keys()) {
    const found = keyOf(reading, index);
    for (const element of found?.elements ?? []) {
      const text = substitute(element, reading.variables);
      if (found === undefined || text === '') continue;
      if (item === 'address' || new RegExp(ITEM_PATTERNS[item]).test(text)) values.push(text);
      else reading.warnings.push(`${place(found)} cannot hold ${abbreviate(text)}, which is left out`);
    }
  }
  return values;
}

function readClientPorts(reading: Reading): unknown {
  const found = keyOf(reading);
  if (found === undefined) return reading.fallback;
  const ports = found.elements.filter((element) => element !== '');
  const checked = checkValue(reading.entry.type, ports);
  if (!checked.ok) throw invalidValue(`${place(found)}`, reading.entry.type, ports.join(','));
  return checked.value;
}

function readControlPort(reading: Reading): unknown {
  const [address, port] = [keyOf(reading, 0), keyOf(reading, 1)];
  const text = textOf(port);
  if (port === undefined || text === '' || text === '0') return undefined;
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) + reading.variables.portOffset : -1;
  if (number < 1 || number > 65535) {
    reading.warnings.push(`${place(port)} must be a port, not ${abbreviate(text)}; the control port is off`);
    return undefined;
  }
  // Without an address the original listens on all of them; a port without a password stays private here.
  const host = textOf(address) || '127.0.0.1';
  const listen = parseAddress(`${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${number}`, host);
  if (listen === undefined && address !== undefined) {
    reading.warnings.push(`${place(address)} must be an address, not ${abbreviate(host)}; the control port is off`);
  }
  return listen;
}

function readForwardedProtocol(reading: Reading): unknown {
  const found = keyOf(reading);
  if (found === undefined) return reading.fallback;
  const text = textOf(found);
  if (text === 'true') return 'both';
  if (text === 'proto-only') return text;
  if (text !== 'false' && text !== '') {
    reading.warnings.push(`${place(found)} must be true, false or proto-only; ${abbreviate(text)} counts as false`);
  }
  return 'none';
}

function readLogLevel(reading: Reading): unknown {
  const found = keyOf(reading);
  if (found === undefined) return reading.fallback;
  const general = found.elements.filter((element) => !element.includes(':'));
  if (general.length < found.elements.length) {
    reading.warnings.push(`${place(found)}: levels of single services have no effect, the program has only one level`);
  }
  const last = general.at(-1);
  if (last === undefined) return reading.fallback;
  return /^[0-9]{1,9}$/.test(last) ? levelOfNumber(Number(last)) : wrong(reading, found, 'a number from 0 to 4');
}

/**
 * Two of the original's processes can have metrics of their own, and here there is one place for all: the handler's,
 * whose numbers mean something there too. Its port is not shifted by `port_offset`.
 */
function readMetrics(reading: Reading): unknown {
  const { entry, sources, variables } = reading;
  const key = entry.pushpin?.keys[0] ?? '';
  const [handler, proxy] = [find(sources, 'handler', key), find(sources, 'proxy', key)];
  const found = handler ?? proxy;
  if (found === undefined) return reading.fallback;
  if (handler !== undefined && proxy !== undefined && textOf(handler) !== textOf(proxy)) {
    reading.warnings.push(`${place(proxy)} has no effect beside ${handler.name}: there is one place for all metrics`);
  }
  const checked = checkText(entry.type, substitute(textOf(found), variables));
  return checked.ok ? checked.value : wrong(reading, found, describeType(entry.type));
}

/** Below 1 the original has no limit. */
function readLimit(reading: Reading): unknown {
  const found = keyOf(reading);
  return found !== undefined && /^-[0-9]+$/.test(textOf(found)) ? 0 : readByType(reading);
}

const SPECIAL: ReadonlyMap<string, (reading: Reading) => unknown> = new Map([
  ['http.listen', readClientPorts],
  ['control.listen', readControlPort],
  ['proxy.set_x_forwarded_protocol', readForwardedProtocol],
  ['log.level', readLogLevel],
  ['metrics.listen', readMetrics],
  ['metrics.prefix', readMetrics],
  ['publish.message_rate', readLimit],
  ['publish.message_hwm', readLimit],
  ['publish.message_block_size', readLimit],
  ['publish.id_cache_ttl', readLimit],
]);

/**
 * Settings from the command line: `--set path.to.key=value`, and the short flags --port, --route, --log-level and
 * --verbose, which win over it (specification 1.4).
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import { type Layer, settingAt } from './schema.js';
import type { ListenAddress, LogLevel } from './settings.js';
import { ANY_HOST, abbreviate, checkText, describeType, didYouMean, invalidValue, parseAddress } from './validate.js';

/** The original's numbers, 0 to 4. */
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

/**
 * @param sets - `path=value` each, a later one winning
 * @returns checked values by YAML path
 * @throws HoldfastError HOLDFAST_USAGE for a text without `=`, else HOLDFAST_CONFIG_UNKNOWN_SETTING or
 *   HOLDFAST_CONFIG_INVALID_VALUE
 */
export function readSets(sets: readonly string[]): Layer {
  const layer = new Map<string, unknown>();
  for (const set of sets) {
    const split = set.indexOf('=');
    if (split < 1) throw usage(`--set takes path.to.key=value, not ${abbreviate(set)}`);
    const path = set.slice(0, split).trim();
    const value = set.slice(split + 1);
    const entry = settingAt(path, 'given with --set');
    const checked = checkText(entry.type, value);
    if (!checked.ok) throw invalidValue(`${path} (given with --set)`, entry.type, value);
    layer.set(entry.path, checked.value);
  }
  return layer;
}

export interface ShortFlags {
  /** `[addr:]port` each; together they replace `http.listen`. */
  readonly ports: readonly string[];
  /** Routes; together they replace the routes file. */
  readonly routes: readonly string[];
  /** A number of processes, or `auto`. */
  readonly workers?: string | undefined;
  /** A level by name, or by number as the original has it. */
  readonly logLevel?: string | undefined;
  /** Level debug, whatever else is said. */
  readonly verbose: boolean;
}

/**
 * @returns checked values by YAML path
 * @throws HoldfastError HOLDFAST_USAGE
 */
export function readShortFlags(flags: ShortFlags): Layer {
  const layer = new Map<string, unknown>();
  if (flags.ports.length > 0) layer.set('http.listen', flags.ports.map(readPort));
  if (flags.routes.length > 0) layer.set('routes.lines', flags.routes.map(readRoute));
  if (flags.workers !== undefined) layer.set('workers.count', readWorkers(flags.workers));
  if (flags.logLevel !== undefined) layer.set('log.level', readLogLevel(flags.logLevel));
  if (flags.verbose) layer.set('log.level', 'debug');
  return layer;
}

/** The level of one of the original's numbers; what is above 4 is trace. */
export function levelOfNumber(number: number): LogLevel {
  return LEVELS[Math.min(Math.max(number, 0), 4)] ?? 'info';
}

function readPort(text: string): ListenAddress {
  const address = parseAddress(text, ANY_HOST);
  if (address === undefined) {
    throw usage(`--port takes [address:]port with a port from 0 to 65535, not ${abbreviate(text)}`);
  }
  return address;
}

function readRoute(line: string): string {
  if (line.trim() === '') throw usage('--route takes a line of a routes file, but it is empty');
  return line;
}

function readWorkers(text: string): unknown {
  const { type } = settingAt('workers.count', 'given with --workers');
  const checked = checkText(type, text);
  if (!checked.ok) throw usage(`--workers takes ${describeType(type)}, not ${abbreviate(text)}`);
  return checked.value;
}

function readLogLevel(text: string): LogLevel {
  if (/^[0-4]$/.test(text)) return levelOfNumber(Number(text));
  const level = LEVELS.find((candidate) => candidate === text);
  if (level === undefined) {
    throw usage(`--log-level takes ${LEVELS.join(', ')} or 0 to 4, not ${abbreviate(text)}${didYouMean(text, LEVELS)}`);
  }
  return level;
}

function usage(message: string): HoldfastError {
  return new HoldfastError('HOLDFAST_USAGE', message);
}

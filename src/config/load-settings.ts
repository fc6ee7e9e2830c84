/**
 * Finds and reads the configuration, and lays the sources of settings over each other. From low to high: built-in
 * defaults, the file, the environment, --set, the short flags (specification 1.2; the native file is ours).
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { HoldfastError } from '../errors/holdfast-error.js';
import { readEnvironment } from './environment.js';
import { loadYaml } from './load-yaml.js';
import { readSets, readShortFlags } from './overrides.js';
import { readPushpinConf } from './pushpin-conf.js';
import { type Layer, SETTINGS, settingsFrom } from './schema.js';
import type { Settings } from './settings.js';

/** Where a configuration is looked for without --config, relative to the working directory. */
export const SEARCHED: readonly string[] = [
  'config/holdfast.yaml',
  'holdfast.yaml',
  'config/pushpin.conf',
  'pushpin.conf',
];

export interface LoadRequest {
  /** As given with --config; relative to `cwd`. */
  readonly configFile?: string | undefined;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `path.to.key=value` each. */
  readonly sets: readonly string[];
  /** `[addr:]port` each. */
  readonly ports: readonly string[];
  /** Lines of a routes file; they replace the file. */
  readonly routes: readonly string[];
  readonly workers?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly verbose: boolean;
  /** The folder of the package, whose config/routes serves when there is no configuration at all. */
  readonly packageRoot: string;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** The file as it was named, or `built-in defaults`. */
  readonly source: string;
  /** A pushpin.conf was read: what the original forgives is forgiven. */
  readonly dropIn: boolean;
  readonly warnings: string[];
}

/**
 * @returns the settings in force; `routes.file` and the paths of `file:` keys are absolute
 * @throws HoldfastError HOLDFAST_CONFIG_* or HOLDFAST_USAGE, naming setting, file and line
 */
export function loadSettings(request: LoadRequest): LoadedSettings {
  const file = request.configFile ?? SEARCHED.find((path) => isRegularFile(resolve(request.cwd, path)));
  const fromFile = file === undefined ? undefined : readConfigFile(file, request.cwd);
  const environment = readEnvironment(request.environment);
  const warnings = [...(fromFile?.warnings ?? []), ...environment.warnings];
  const layers = [
    fromFile?.layer ?? new Map<string, unknown>(),
    anchored(environment.layer, request.cwd),
    anchored(readSets(request.sets), request.cwd),
    readShortFlags(request),
  ];
  const source = file ?? 'built-in defaults';
  const settings = settingsFrom(layers);
  if (settings.http.listen.length === 0) throw noPorts(source);
  const folder = file === undefined ? join(request.packageRoot, 'config') : dirname(resolve(request.cwd, file));
  const routes = chooseRoutes(layers, resolve(folder, 'routes'));
  return { settings: { ...settings, routes }, source, dropIn: fromFile?.dropIn === true, warnings };
}

/** Of a routes file and route lines, the one from the higher layer is in force; in one layer the lines. */
function chooseRoutes(layers: readonly Layer[], fallback: string): Settings['routes'] {
  for (const layer of layers.toReversed()) {
    const { file, lines } = settingsFrom([layer]).routes;
    if (lines.length > 0) return { file: undefined, lines };
    if (file !== undefined) return { file, lines: [] };
  }
  return { file: fallback, lines: [] };
}

interface ConfigFile {
  readonly layer: Layer;
  readonly warnings: readonly string[];
  readonly dropIn: boolean;
}

function readConfigFile(file: string, cwd: string): ConfigFile {
  const path = resolve(cwd, file);
  const folder = dirname(path);
  const text = readText(path, file);
  if (!isPushpinConf(file, text)) {
    return { layer: anchored(loadYaml(text, file), folder), warnings: [], dropIn: false };
  }
  const readInclude = (include: string): string | undefined => {
    const includePath = resolve(folder, include);
    return isRegularFile(includePath) ? readText(includePath, include) : undefined;
  };
  const conf = readPushpinConf({ text, file, readInclude });
  return { layer: anchored(conf.layer, folder), warnings: conf.warnings, dropIn: true };
}

/** By its name, or by a first meaningful line that is an INI section. */
function isPushpinConf(file: string, text: string): boolean {
  if (file.endsWith('.conf')) return true;
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n?|\n/);
  const first = lines.map((line) => line.trim()).find((line) => line !== '' && !/^[#;]/.test(line));
  return first !== undefined && /^\[[^\][,"]*\]\s*(;.*)?$/.test(first);
}

/** The layer with its paths made absolute. */
function anchored(layer: Layer, folder: string): Layer {
  const result = new Map(layer);
  for (const { path, type } of SETTINGS) {
    const value = layer.get(path);
    if (typeof value !== 'string') continue;
    if (type.kind === 'path') result.set(path, resolve(folder, value));
    if (type.kind === 'key' && value.startsWith('file:')) {
      const keyFile = value.slice('file:'.length);
      result.set(path, isAbsolute(keyFile) ? value : `file:${resolve(folder, keyFile)}`);
    }
  }
  return result;
}

function isRegularFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function noPorts(source: string): HoldfastError {
  return new HoldfastError(
    'HOLDFAST_CONFIG_INVALID_VALUE',
    `no server ports configured: http.listen (http_port in a pushpin.conf) is empty in ${source}`,
  );
}

const CAUSES: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'part of its path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'this user may not read it'],
]);

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new HoldfastError(
      'HOLDFAST_CONFIG_UNREADABLE',
      `cannot read the configuration file ${shown}: ${CAUSES.get(code) ?? String(error)}`,
      { cause: error },
    );
  }
}

/**
 * The keys of a pushpin.conf: looking one up in the main file and the included one, and naming those that have no
 * meaning here (specification 1.2, 1.3).
 */
import type { IniFile, IniValue } from './ini.js';
import { SETTINGS } from './schema.js';
import { didYouMean } from './validate.js';

/** Keys whose feature is missing here; each is named in a warning of its own. */
export const UNSUPPORTED_KEYS: ReadonlySet<string> = new Set([
  'runner.https_ports',
  'runner.local_ports',
  'proxy.max_open_requests',
  'proxy.ipc_file_mode',
  'handler.state_spec',
]);

/** Keys that only shape the original's processes, logs and update checks; one warning names them together. */
export const PROCESS_KEYS: ReadonlySet<string> = new Set([
  'runner.services',
  'runner.logdir',
  'runner.condure_bin',
  'runner.mongrel2_bin',
  'runner.m2sh_bin',
  'runner.zurl_bin',
  'proxy.updates_check',
  'proxy.organization_name',
]);

/** Keys that are read, but stand for no setting of their own. */
export const PLUMBING_KEYS: ReadonlySet<string> = new Set([
  'global.include',
  'global.rundir',
  'global.libdir',
  'global.ipc_prefix',
  'global.port_offset',
  'runner.rundir',
  // The original's proxy tells its handler as often as that one tells others.
  'proxy.stats_connections_max_ttl',
  'proxy.stats_report_interval',
  'proxy.prometheus_port',
  'proxy.prometheus_prefix',
]);

/** The file in which the original names the sockets between its processes. */
export const INTERNAL_FILE = 'internal.conf';

/** The keys of those sockets. */
const INTERNAL_KEY = /_specs?$/;

/** A file that was read. */
export interface Source {
  /** Its name as messages show it. */
  readonly file: string;
  readonly ini: IniFile;
}

/** A value with its place. */
export interface Found extends IniValue {
  readonly file: string;
  /** `[section] key`. */
  readonly name: string;
}

/** The value of a key: the main file's before the included one's. */
export function find(sources: readonly Source[], section: string, key: string): Found | undefined {
  for (const { file, ini } of sources) {
    const value = ini.sections.get(section)?.get(key);
    if (value !== undefined) return { ...value, file, name: `[${section}] ${key}` };
  }
  return undefined;
}

/** The value as one text; a list read where one text is expected is empty, as in the original. */
export function textOf(found: Found | undefined): string {
  return found !== undefined && found.elements.length === 1 ? (found.elements[0] ?? '') : '';
}

/** `FILE, line N: [section] key`, the start of a message. */
export function place(found: Found): string {
  return `${found.file}, line ${found.line}: ${found.name}`;
}

/** Whether this is the original's internal.conf, of which nobody expects an effect. */
export function isInternalFile(path: string): boolean {
  return path.split(/[/\\]/).at(-1) === INTERNAL_FILE;
}

/**
 * @param sources - the main file first
 * @returns warnings that name each key without meaning here once
 */
export function namesWithoutEffect(sources: readonly Source[]): readonly string[] {
  const known = knownKeys();
  const seen = new Set<string>();
  const together: string[] = [];
  const warnings: string[] = [];
  for (const { file, ini } of sources) {
    if (isInternalFile(file)) continue;
    for (const [section, values] of ini.sections) {
      for (const [key, { line }] of values) {
        const path = `${section}.${key}`;
        if (known.has(path) || seen.has(path)) continue;
        seen.add(path);
        const at = `${file}, line ${line}: [${section}] ${key}`;
        if (UNSUPPORTED_KEYS.has(path)) warnings.push(`${at} is not supported yet and has no effect in this version`);
        else if (PROCESS_KEYS.has(path) || INTERNAL_KEY.test(key)) together.push(`[${section}] ${key}`);
        else warnings.push(`${at} is no key of pushpin.conf and has no effect${guess(section, key, known)}`);
      }
    }
  }
  if (together.length > 0) {
    warnings.push(`${sources[0]?.file}: has no effect in this version, which is one process: ${together.join(', ')}`);
  }
  return warnings;
}

function knownKeys(): ReadonlySet<string> {
  const known = new Set(PLUMBING_KEYS);
  for (const { pushpin } of SETTINGS) {
    for (const key of pushpin?.keys ?? []) known.add(`${pushpin?.section}.${key}`);
  }
  return known;
}

function guess(section: string, key: string, known: ReadonlySet<string>): string {
  const keys = [...known]
    .filter((path) => path.startsWith(`${section}.`))
    .map((path) => path.slice(section.length + 1));
  return didYouMean(key, keys);
}

/**
 * Reads the routes file again when it changes (specification 2.7). Owns the file system watches and the log lines of a
 * reload; what is done with a new table is its owner's.
 *
 *     /etc/routes/routes   -> ..data/routes      watched: /etc/routes for "routes" and "..data",
 *     /etc/routes/..data   -> ..2026_01          /etc/routes/..2026_01 for "routes", and the file itself
 *
 * Folders are watched because editors and deployments put another file, or another link, in the place of the old one.
 * The watches are laid anew just before the file is read: what happens before that is in what is read, what happens
 * later is seen. So nothing has to be remembered of the file.
 */
import { type FSWatcher, lstatSync, readlinkSync, watch } from 'node:fs';
import { basename, join, parse, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Logger } from '../observe/logger.js';
import { type LoadedRoutes, loadRoutesFile, unreadable } from '../routes/load-routes.js';
import { readFailure } from '../routes/read-failure.js';
import type { Target } from '../routes/route.js';
import type { RouteTable } from '../routes/route-table.js';
import type { Cancellable, Clock } from '../time/clock.js';

/** Milliseconds from the first sign of a change to reading: writing a file takes a while and shows several signs. */
const SETTLE = 1_000;
/** Links followed before a path counts as a circle. */
const MAX_LINKS = 40;
/** Times that watches are laid when links and folders are exchanged in the very moment. */
const MAX_ATTEMPTS = 5;

export interface RoutesWatchOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Given the new table; its bad lines have been logged. */
  readonly onLoaded: (loaded: LoadedRoutes) => void;
  /** The file cannot be read, which has been logged with the same text; the table in force stays. */
  readonly onFailed: (text: string) => void;
}

/** Folders, and the names in them that matter. */
type Places = Map<string, Set<string>>;

export class RoutesWatch {
  private readonly file: string;
  private watchers: FSWatcher[] = [];
  private settling: Cancellable | undefined = undefined;
  private loading: Promise<void> = Promise.resolve();
  private state: 'new' | 'watching' | 'closed' = 'new';
  /** So that a system without watches left is complained about once. */
  private complained = false;

  constructor(private readonly options: RoutesWatchOptions) {
    this.file = resolve(options.file);
  }

  /** Begins to watch. To miss nothing, call it before the file is read for the first time. */
  start(): void {
    if (this.state !== 'new') return;
    this.state = 'watching';
    this.layWatches();
  }

  /** Reads the file at once, as SIGHUP asks for; resolves after the callback. A reload that was due is part of it. */
  reloadNow(): Promise<void> {
    this.settling?.cancel();
    this.settling = undefined;
    const load = this.loading.then(() => this.load());
    // One that fails is its caller's; the next one runs all the same.
    this.loading = load.catch(() => {});
    return load;
  }

  /** Resolves when nothing is left open; no callback is called after this returns. */
  close(): Promise<void> {
    this.state = 'closed';
    this.settling?.cancel();
    this.settling = undefined;
    this.dropWatches();
    return this.loading;
  }

  private async load(): Promise<void> {
    if (this.isClosed()) return;
    if (this.state === 'watching') this.layWatches();
    const { file, log, onLoaded, onFailed } = this.options;
    let loaded: LoadedRoutes;
    try {
      loaded = await loadRoutesFile(file);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (this.isClosed()) return;
      const text = unreadable(file);
      log.warn(text);
      onFailed(text);
      return;
    }
    if (this.isClosed()) return;
    for (const text of [...loaded.errors, ...loaded.warnings]) log.warn(text);
    log.info(`routes loaded with ${loaded.table.size} entries`);
    if (log.enabled('debug')) for (const line of tableLines(loaded.table)) log.debug(line);
    onLoaded(loaded);
  }

  /** A method, because `state` changes while something is awaited and the compiler would not believe it. */
  private isClosed(): boolean {
    return this.state === 'closed';
  }

  private layWatches(): void {
    let places = placesOf(this.file);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      this.dropWatches();
      for (const [folder, names] of places) {
        this.watch(folder, names, (error) => this.complain(folder, error));
      }
      // A file that is mounted by itself changes without a sign in its folder. That it cannot be watched is no loss
      // otherwise.
      this.watch(this.file, undefined, () => {});
      const found = placesOf(this.file);
      if (isDeepStrictEqual(found, places)) return;
      places = found;
    }
  }

  /** @param names - the entries of a folder that matter; undefined: everything does */
  private watch(path: string, names: Set<string> | undefined, onError: (error: unknown) => void): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(path, { persistent: false });
    } catch (error) {
      onError(error);
      return;
    }
    watcher.on('change', (_event, name: string | Buffer | null) => {
      if (name === null || names === undefined || names.has(String(name))) this.changed();
    });
    watcher.on('error', (error) => {
      onError(error);
      this.changed();
    });
    this.watchers.push(watcher);
  }

  private changed(): void {
    if (this.settling !== undefined || this.isClosed()) return;
    this.options.log.info('routes file changed, reloading');
    this.settling = this.options.clock.after(SETTLE, () => void this.reloadNow());
  }

  private dropWatches(): void {
    const watchers = this.watchers;
    this.watchers = [];
    for (const watcher of watchers) {
      watcher.removeAllListeners('change');
      watcher.close();
    }
  }

  private complain(path: string, error: unknown): void {
    // A folder that has just gone is looked for in the folder above.
    if (this.complained || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return;
    this.complained = true;
    this.options.log.warn(`changes of ${path} are not noticed: ${readFailure(error)}; SIGHUP reloads the routes`);
  }
}

/**
 * Where changes would change what `file` stands for: the folder of each link on the way, the folder of the file, and
 * where the way ends early, the folder in which its next step is missing.
 */
function placesOf(file: string): Places {
  const places: Places = new Map();
  let links = 0;
  const { root } = parse(file);
  let at = root;
  let steps = file.slice(root.length).split(sep);
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    const path = join(at, step);
    const found = stepAt(path);
    if (found.kind === 'link' && links < MAX_LINKS) {
      links += 1;
      note(places, at, step);
      const goal = resolve(at, found.to);
      at = parse(goal).root;
      steps = [...goal.slice(at.length).split(sep), ...steps];
    } else if (found.kind === 'folder' && steps.length > 0) {
      at = path;
    } else {
      note(places, at, step);
      break;
    }
  }
  return places;
}

function note(places: Places, folder: string, name: string): void {
  const names = places.get(folder);
  // A folder's own name is what its removal is announced by.
  if (names === undefined) places.set(folder, new Set([name, basename(folder)]));
  else names.add(name);
}

/** Where a link leads as it is written; what cannot be looked at is as good as missing. */
function stepAt(path: string): { readonly kind: 'folder' | 'other' } | { readonly kind: 'link'; readonly to: string } {
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return { kind: 'link', to: readlinkSync(path) };
    return { kind: stats.isDirectory() ? 'folder' : 'other' };
  } catch {
    return { kind: 'other' };
  }
}

/** The table as it is listed at debug level. */
function tableLines(table: RouteTable): string[] {
  const lines = ['routes by domain:'];
  for (const { domain, targets } of table.routes()) {
    if (domain === undefined) continue;
    lines.push(`  ${domain === '*' ? '(default)' : domain}: ${targets.map(targetText).join(' ')}`);
  }
  return lines;
}

function targetText(target: Target): string {
  return target.kind === 'origin' ? `${target.host};${target.port}` : target.name;
}

/** Where the route tables come from: lines of the settings, or a file that is read again when it changes. */
import type { RoutesSettings } from '../config/settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Logger } from '../observe/logger.js';
import { COMMAND_LINE, type LoadedRoutes, loadRoutesFile, parseRoutesLines } from '../routes/load-routes.js';
import type { RouteTable } from '../routes/route-table.js';
import type { Clock } from '../time/clock.js';
import { RoutesWatch } from './routes-watch.js';
import { routesWithoutEffect } from './without-effect.js';

export interface RoutesSourceOptions {
  readonly settings: RoutesSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Lines that cannot be understood are left out with a warning; otherwise they are an error. */
  readonly forgive: boolean;
  /** Puts a new table in force; the next one waits for it. */
  readonly onTable: (table: RouteTable) => Promise<void>;
}

export class RoutesSource {
  private watch: RoutesWatch | undefined = undefined;
  /** Tables on their way into force, in order. */
  private loading: Promise<void> = Promise.resolve();

  constructor(private readonly options: RoutesSourceOptions) {}

  /**
   * The first table. From before it is read on, changes are watched for, so that none is missed.
   * @throws HoldfastError for a file that cannot be read and, unless they are forgiven, for bad lines
   */
  async load(): Promise<RouteTable> {
    const { settings, log, forgive } = this.options;
    const { file, lines } = settings;
    if (file !== undefined) this.startWatching(file);
    const loaded: LoadedRoutes =
      file === undefined ? parseRoutesLines(lines, COMMAND_LINE) : await loadRoutesFile(file, forgive);
    const [error] = loaded.errors;
    if (error !== undefined && !forgive) throw new HoldfastError('HOLDFAST_ROUTE_INVALID', error);
    const without = routesWithoutEffect(loaded.table.routes());
    for (const text of [...loaded.errors, ...loaded.warnings, ...without]) log.warn(text);
    return loaded.table;
  }

  /** Reads the file again, as a change of it does by itself; resolves when the table is in force. */
  async reload(): Promise<void> {
    await this.watch?.reloadNow();
    await this.loading;
  }

  async close(): Promise<void> {
    await this.watch?.close();
    await this.loading;
  }

  private startWatching(file: string): void {
    const { clock, log, onTable } = this.options;
    this.watch = new RoutesWatch({
      file,
      clock,
      log,
      onLoaded: ({ table }) => {
        this.loading = this.loading
          .then(() => onTable(table))
          .catch((error: unknown) => {
            log.error(`the routes cannot be put in force: ${String(error)}`);
          });
      },
      onFailed: () => {},
    });
    this.watch.start();
  }
}

/** Makes a route table of a routes file or of lines given on the command line (specification 2.1, 2.7). */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '../errors/holdfast-error.js';
import { withAbsoluteKeyFile } from '../protocol/key-format.js';
import { parseRoute } from './parse-route.js';
import { readFailure } from './read-failure.js';
import type { Route } from './route.js';
import { RouteTable } from './route-table.js';

/** File name that stands for lines of `--route`; each of them counts as line 1. */
export const COMMAND_LINE = '<route>';

/** A table, and what is to be said of the lines that are not part of it. */
export interface LoadedRoutes {
  readonly table: RouteTable;
  /** One log text for each line that could not be understood. */
  readonly errors: readonly string[];
  /** One log text for each line that was understood and left out. */
  readonly warnings: readonly string[];
}

/**
 * Reads a routes file as UTF-8. Lines that cannot be used are left out.
 *
 * @param forgive - a file that cannot be read counts as an empty one, with a warning
 * @throws HoldfastError `HOLDFAST_ROUTES_UNREADABLE` when the file itself cannot be read
 */
export async function loadRoutesFile(path: string, forgive = false): Promise<LoadedRoutes> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (forgive) return { ...parseRoutesLines([], path), warnings: [unreadable(path)] };
    const message = `The routes file ${path} cannot be read: ${readFailure(cause)}.`;
    throw new HoldfastError('HOLDFAST_ROUTES_UNREADABLE', message, { cause });
  }
  return parseRoutesLines(text.split('\n'), path);
}

/**
 * Makes a table of lines; a byte order mark before the first and a carriage return after any are passed over.
 *
 * @param lines - in order, without their line ends
 * @param file - name for messages, `COMMAND_LINE` for lines of `--route`
 */
export function parseRoutesLines(lines: readonly string[], file: string): LoadedRoutes {
  const routes: Route[] = [];
  const errors: string[] = [];
  for (const [index, text] of lines.entries()) {
    const start = index === 0 && text.startsWith('\uFEFF') ? 1 : 0;
    const line = text.slice(start, text.endsWith('\r') ? -1 : undefined);
    const source = { file, line: file === COMMAND_LINE ? 1 : index + 1 };
    const parsed = parseRoute(line, source, { readFile: readText });
    if (parsed.kind === 'route') {
      routes.push(withKeyFile(parsed.route, file));
    } else if (parsed.kind === 'error') {
      errors.push(parsed.message);
    }
  }
  const { table, warnings } = RouteTable.from(routes);
  return { table, errors, warnings };
}

/** The warning about a file that cannot be read, in the words of 2.7. */
export function unreadable(path: string): string {
  return `unable to open routes file: ${path}`;
}

/** A key file is named relative to the routes file, or to the working directory on the command line (2.2, 12.2). */
function withKeyFile(route: Route, file: string): Route {
  if (route.sigKey === undefined) return route;
  const folder = file === COMMAND_LINE ? process.cwd() : dirname(file);
  return { ...route, sigKey: withAbsoluteKeyFile(route.sigKey, folder) };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

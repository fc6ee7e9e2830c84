/**
 * The routes in force and how a request finds its own (specification 2.4, 2.5). A table never changes; a reload
 * makes another one.
 *
 *     by host   'example.com' ─► [route, route]     only these count when the host is listed
 *               '*'           ─► [route]            everything else
 *     by id     'api'         ─► route | shared
 */
import { percentDecoded } from '../protocol/plain-path.js';
import type { Route, RouteProtocol, TargetAddress } from './route.js';

/** Address of a target that needs ZeroMQ sockets. */
export type ZhttpAddress = Extract<TargetAddress, { kind: 'zhttp' | 'zhttpreq' }>;

/** Answer of a look-up by id; `shared` is an id that several routes claim and that therefore names none. */
export type IdLookup =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'shared' }
  | { readonly kind: 'none' };

const MAX_ZHTTP_SPECS = 100;
const SHARED: IdLookup = { kind: 'shared' };
const NONE: IdLookup = { kind: 'none' };

export class RouteTable {
  /** Number of accepted routes. */
  readonly size: number;
  /** Some route asks a service who may come in. */
  readonly isGuarded: boolean;
  readonly #routes: readonly Route[];
  readonly #byHost: ReadonlyMap<string, readonly Route[]>;
  readonly #byId: ReadonlyMap<string, IdLookup>;
  readonly #zhttpAddresses: readonly ZhttpAddress[];
  /** Made when it is asked for. */
  #plain: PlainTable | undefined = undefined;

  private constructor(routes: readonly Route[], zhttpAddresses: readonly ZhttpAddress[]) {
    this.size = routes.length;
    this.isGuarded = routes.some(({ auth }) => auth !== undefined);
    this.#routes = routes;
    this.#byHost = groupByHost(routes);
    this.#byId = groupById(routes);
    this.#zhttpAddresses = zhttpAddresses;
  }

  /**
   * Builds a table of the routes in file order, leaving out those whose condition was there before.
   *
   * @returns the table, and the log texts of what was left out
   */
  static from(routes: readonly Route[]): { table: RouteTable; warnings: string[] } {
    const warnings: string[] = [];
    const accepted = dropDuplicates(routes, warnings);
    const addresses = distinctZhttpAddresses(accepted, warnings);
    if (addresses.length > MAX_ZHTTP_SPECS) {
      warnings.push(`too many unique zhttp route targets, limiting to ${MAX_ZHTTP_SPECS}`);
    }
    return { table: new RouteTable(accepted, addresses.slice(0, MAX_ZHTTP_SPECS)), warnings };
  }

  /** The accepted routes in file order. */
  routes(): readonly Route[] {
    return this.#routes;
  }

  /**
   * The zhttp and zhttpreq addresses to bind, at most 100, in file order. Of two addresses with the same spec only
   * the first is listed; a target whose address is not listed cannot be reached.
   */
  zhttpAddresses(): readonly ZhttpAddress[] {
    return this.#zhttpAddresses;
  }

  /**
   * Finds the route of a request; allocates nothing.
   *
   * @param protocol - what the client speaks
   * @param secure - whether it came over TLS
   * @param host - host name in lower case without port, IPv6 without brackets
   * @param path - percent-encoded path without the query
   */
  lookup(protocol: RouteProtocol, secure: boolean, host: string, path: string): Route | undefined {
    const candidates = this.#byHost.get(host) ?? this.#byHost.get('*');
    if (candidates === undefined) {
      return undefined;
    }
    let best: Route | undefined;
    for (const candidate of candidates) {
      if (matches(candidate, protocol, secure, path) && (best === undefined || isBetter(candidate, best))) {
        best = candidate;
      }
    }
    return best;
  }

  /**
   * The same for a path without escapes, however `path_beg` is spelt.
   *
   * @param path - one character for each byte
   */
  lookupPlain(protocol: RouteProtocol, secure: boolean, host: string, path: string): Route | undefined {
    this.#plain ??= RouteTable.#plainOf(this.#routes);
    const found = this.#plain.table.lookup(protocol, secure, host, path);
    return found && this.#plain.originals.get(found);
  }

  /**
   * Finds a route by its explicit or implied id.
   *
   * @param path - percent-encoded path of the request; a route whose `path_beg` it lacks is not given
   */
  byId(id: string, path: string): IdLookup {
    const found = this.#byId.get(id) ?? NONE;
    return found.kind === 'route' && !path.startsWith(found.route.pathBeg) ? NONE : found;
  }

  /** A table of the same routes with `path_beg` without escapes. */
  static #plainOf(routes: readonly Route[]): PlainTable {
    const originals = new Map(
      routes.map((route): [plain: Route, original: Route] => {
        const pathBeg = percentDecoded(Buffer.from(route.pathBeg).toString('latin1'));
        return [{ ...route, pathBeg }, route];
      }),
    );
    return { table: new RouteTable([...originals.keys()], []), originals };
  }
}

interface PlainTable {
  readonly table: RouteTable;
  readonly originals: ReadonlyMap<Route, Route>;
}

function matches(route: Route, protocol: RouteProtocol, secure: boolean, path: string): boolean {
  return (
    (route.protocol === undefined || route.protocol === protocol) &&
    (route.ssl === undefined || route.ssl === secure) &&
    path.startsWith(route.pathBeg)
  );
}

/** Whether a later match takes the place of the best so far: protocol first, then length of path, then ssl. */
function isBetter(candidate: Route, best: Route): boolean {
  if ((candidate.protocol === undefined) !== (best.protocol === undefined)) {
    return best.protocol === undefined;
  }
  if (candidate.pathBeg.length > best.pathBeg.length) {
    return true;
  }
  // Length is not looked at again here, so a named ssl wins over a longer path that stands earlier in the file.
  return best.ssl === undefined && candidate.ssl !== undefined;
}

/** Routes without a domain are kept all: they are not told apart by their condition but by their id. */
function dropDuplicates(routes: readonly Route[], warnings: string[]): Route[] {
  const conditions = new Set<string>();
  return routes.filter((route) => {
    if (route.domain === undefined) {
      return true;
    }
    const condition = JSON.stringify([route.domain, route.protocol ?? '', route.ssl ?? '', route.pathBeg]);
    if (conditions.has(condition)) {
      warnings.push(`${route.source.file}:${route.source.line} skipping duplicate condition`);
      return false;
    }
    conditions.add(condition);
    return true;
  });
}

function groupByHost(routes: readonly Route[]): Map<string, Route[]> {
  const groups = new Map<string, Route[]>();
  for (const route of routes) {
    if (route.domain !== undefined) {
      const group = groups.get(route.domain);
      if (group === undefined) {
        groups.set(route.domain, [route]);
      } else {
        group.push(route);
      }
    }
  }
  return groups;
}

function groupById(routes: readonly Route[]): Map<string, IdLookup> {
  const ids = new Map<string, IdLookup>();
  for (const route of routes) {
    ids.set(route.id, ids.has(route.id) ? SHARED : { kind: 'route', route });
  }
  return ids;
}

function distinctZhttpAddresses(routes: readonly Route[], warnings: string[]): ZhttpAddress[] {
  const bySpec = new Map<string, ZhttpAddress>();
  const twofold = new Map<string, string>();
  for (const { targets } of routes) {
    for (const target of targets) {
      if (target.kind !== 'zhttp' && target.kind !== 'zhttpreq') continue;
      const { kind, spec } = target;
      const first = bySpec.get(spec);
      if (first === undefined) bySpec.set(spec, { kind, spec });
      else if (first.kind !== kind) twofold.set(spec, `${first.kind}/${spec} and ${kind}/${spec}`);
    }
  }
  const [example, ...others] = twofold.values();
  if (example !== undefined) {
    const more = others.length === 0 ? '' : ` (and ${others.length} more such pairs)`;
    warnings.push(`${example} are one address${more}: only the first is bound, requests to the other get 502`);
  }
  return [...bySpec.values()];
}

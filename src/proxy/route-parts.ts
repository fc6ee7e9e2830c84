/**
 * What a route's `log_level` changes (specification 14.1): everything that is done for the route says what it has to
 * say to a log of that level. Owns the proxy's parts with such logs, one set for each level that a route asks for.
 */
import { LOG_LEVELS, type LogLevel, loggerWithLevel } from '../observe/logger.js';
import type { Route } from '../routes/route.js';
import type { ProxyParts } from './proxy-parts.js';

/** Whatever has the holds' log. */
type Logging = Pick<ProxyParts, 'holds'>;

interface Levels<Parts> {
  /** The parts they were made from. */
  readonly general: Parts;
  readonly byLevel: Map<LogLevel, Parts>;
}

/** By the general parts and by each of those made from them. */
const known = new WeakMap<Logging, Levels<Logging>>();

/** The parts to serve a route with; for routes without `log_level` those that are given. */
export function partsFor<Parts extends Logging>(parts: Parts, route: Route | undefined): Parts {
  const number = route?.logLevel;
  return number === undefined ? parts : partsWithLevel(parts, number);
}

/** The parts that `partsFor` was given at first: for a held client whose route may have changed. */
export function generalParts<Parts extends Logging>(parts: Parts): Parts {
  return levelsOf(parts)?.general ?? parts;
}

/** @param number - 0 for errors alone, up to 4 for everything */
function partsWithLevel<Parts extends Logging>(parts: Parts, number: number): Parts {
  const level = LOG_LEVELS[Math.min(number, LOG_LEVELS.length - 1)] ?? 'trace';
  let levels = levelsOf(parts);
  if (levels === undefined) {
    levels = { general: parts, byLevel: new Map() };
    known.set(parts, levels);
  }
  const { general, byLevel } = levels;
  const made = byLevel.get(level);
  if (made !== undefined) return made;
  const fresh = { ...general, holds: { ...general.holds, log: loggerWithLevel(general.holds.log, level) } };
  byLevel.set(level, fresh);
  known.set(fresh, levels);
  return fresh;
}

/** What belongs together was made by `partsWithLevel` of parts of one type. */
function levelsOf<Parts extends Logging>(parts: Parts): Levels<Parts> | undefined {
  return known.get(parts) as Levels<Parts> | undefined;
}

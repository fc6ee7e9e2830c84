/** Measurements of several runs, as they are kept in a file: medians, ratios, reading and writing. */
import { readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from '../arguments.js';
import { figureNamed } from './figures.js';
import type { Machine } from './machine.js';

export interface Run {
  readonly scenario: string;
  readonly server: string;
  /** From 1. */
  readonly run: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Why there are no figures. */
  readonly error?: string;
}

export interface Measurements {
  readonly kind: 'measurements';
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  /** Versions by program. */
  readonly versions: Readonly<Record<string, string>>;
  /** What the tool was told. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of the servers, the one to be judged first. */
  readonly servers: readonly string[];
  readonly runs: readonly Run[];
}

/** The middle of the finite values, or the mean of the two in the middle; undefined when there are none. */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values
    .filter((value): value is number => value !== undefined && Number.isFinite(value))
    .sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** How much better `ours` is than `theirs`: above 1 it is better, whichever way the figure goes. */
export function ratio(figure: string, ours: number | undefined, theirs: number | undefined): number | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  const value = figureNamed(figure).better === 'more' ? ours / theirs : theirs / ours;
  return Number.isFinite(value) ? value : undefined;
}

export interface Ratio {
  /** Median of the ratios of the runs with the same number. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Ratios of runs with the same number, so that what disturbs the machine for a while disturbs both. */
export function pairedRatio(
  runs: readonly Run[],
  scenario: string,
  figure: string,
  servers: readonly [string, string],
): Ratio | undefined {
  const value = (server: string, run: number): number | undefined =>
    runs.find((one) => one.scenario === scenario && one.server === server && one.run === run)?.figures[figure];
  const numbers = [...new Set(runs.map(({ run }) => run))];
  const ratios = numbers
    .map((run) => ratio(figure, value(servers[0], run), value(servers[1], run)))
    .filter((one): one is number => one !== undefined);
  const middle = median(ratios);
  if (middle === undefined) return undefined;
  return { median: middle, least: Math.min(...ratios), most: Math.max(...ratios) };
}

/** Median of a figure over the runs of a server. */
export function medianOf(runs: readonly Run[], scenario: string, figure: string, server: string): number | undefined {
  return median(
    runs.filter((run) => run.scenario === scenario && run.server === server).map((run) => run.figures[figure]),
  );
}

/** Scenarios in the order they were run, and the figures each has. */
export function figuresByScenario(runs: readonly Run[], order: readonly string[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { scenario, figures } of runs) {
    const names = found.get(scenario) ?? new Set();
    for (const name of Object.keys(figures)) names.add(name);
    found.set(scenario, names);
  }
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return new Map([...found].map(([scenario, names]) => [scenario, [...names].sort((a, b) => rank(a) - rank(b))]));
}

export function writeJson(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 1)}\n`);
}

/** @throws UsageError that names the file when it holds something else */
export function readMeasurements(file: string): Measurements {
  const content = JSON.parse(readFileSync(file, 'utf8')) as Partial<Measurements>;
  if (content.kind !== 'measurements' || !Array.isArray(content.runs) || !Array.isArray(content.servers)) {
    throw new UsageError(`${file} has no measurements of "npm run bench -- --json FILE"`);
  }
  return content as Measurements;
}

/** Tables of figures for a terminal. */
import { faultTexts } from './faults.js';
import { FIGURES, figureNamed } from './figures.js';
import {
  figuresByScenario,
  type Measurements,
  medianOf,
  pairedRatio,
  type Ratio,
  type Run,
  ratio,
} from './measurements.js';

const ORDER = Object.keys(FIGURES);

/** Three digits, more only before the point. */
export function shown(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

/** Columns as wide as their widest cell; the first two to the left, numbers to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** Medians of each server and, for two, the ratio: above 1 the first one is better. */
export function measurementsTable({ runs, servers }: Measurements): string {
  const [ours, theirs] = servers;
  const head = ['scenario', 'figure', ...servers];
  if (theirs !== undefined) head.push('ratio', 'spread');
  const rows: string[][] = [head];
  for (const [scenario, figures] of figuresByScenario(runs, ORDER)) {
    for (const figure of figures) {
      const row = [
        scenario,
        figureNamed(figure).label,
        ...servers.map((one) => shown(medianOf(runs, scenario, figure, one))),
      ];
      if (ours !== undefined && theirs !== undefined)
        row.push(...ratioCells(pairedRatio(runs, scenario, figure, [ours, theirs])));
      rows.push(row);
    }
  }
  return [aligned(rows), ...faultLines(runs)].join('\n');
}

/** Medians of the first server of two files, and how much better the second file is. */
export function comparisonTable(before: Measurements, after: Measurements): string {
  const [old = ''] = before.servers;
  const [now = ''] = after.servers;
  const rows: string[][] = [['scenario', 'figure', 'old', 'new', 'ratio']];
  for (const [scenario, figures] of figuresByScenario(after.runs, ORDER)) {
    for (const figure of figures) {
      const values = [
        medianOf(before.runs, scenario, figure, old),
        medianOf(after.runs, scenario, figure, now),
      ] as const;
      if (values[0] === undefined || values[1] === undefined) continue;
      rows.push([
        scenario,
        figureNamed(figure).label,
        shown(values[0]),
        shown(values[1]),
        shown(ratio(figure, values[1], values[0])),
      ]);
    }
  }
  return [aligned(rows), ...faultLines(before.runs, 'old '), ...faultLines(after.runs, 'new ')].join('\n');
}

/** One line for each run that something went wrong in. */
export function faultLines(runs: readonly Run[], prefix = ''): string[] {
  return runs.flatMap(({ scenario, server, run, faults, error }) => {
    const what = faultTexts(faults);
    if (error !== undefined) what.push(error);
    return what.length === 0 ? [] : [`faults: ${prefix}${scenario}, ${server}, run ${run}: ${what.join('; ')}`];
  });
}

function ratioCells(found: Ratio | undefined): string[] {
  if (found === undefined) return ['-', ''];
  return [shown(found.median), found.least === found.most ? '' : `${shown(found.least)} to ${shown(found.most)}`];
}

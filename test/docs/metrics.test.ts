/** The pages about metrics against what is really there: every name in the table, the alerts and the dashboard. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createHoldfast } from '../../src/index.js';
import { Counters } from '../../src/observe/counters.js';
import { PROJECT } from '../support/child.js';
import type { Exposition, Family } from '../support/exposition.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';

const operations = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
const dashboard: unknown = JSON.parse(readFileSync(join(PROJECT, 'docs/grafana-dashboard.json'), 'utf8'));

let page: Exposition;

beforeAll(async () => {
  const holdfast = await createHoldfast({ settings: { metrics } });
  page = await Watcher.of(holdfast).scrape();
  await holdfast.close();
});

/** Name and labels of each row of the table of metrics. */
function tableRows(): [string, string[]][] {
  const table = operations.slice(operations.indexOf('### Every metric'));
  return [...table.matchAll(/^\| `([a-z_]+)` \|([^|]*)\|/gm)].map(([, name = '', labels = '']) => [
    name,
    [...labels.matchAll(/`([a-z_]+)`/g)].map(([, label = '']) => label),
  ]);
}

/** Names of labels in the order they are written. */
function labelsOf({ samples }: Family): string[] {
  const labels = new Set<string>();
  for (const series of samples.keys()) {
    for (const [, label = ''] of series.matchAll(/([a-z_]+)="/g)) labels.add(label);
  }
  return [...labels];
}

/** Values under a key, however deep. */
function valuesOf(node: unknown, key: string): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => [...(name === key ? [value] : []), ...valuesOf(value, key)]);
}

/** What a query asks for: metrics, and the labels it names. */
function namesIn(query: string): { metrics: string[]; labels: string[] } {
  const metricNames = [...query.matchAll(/\bholdfast_[a-z_]+\b/g)].map(([name]) => name);
  const selected = [...query.matchAll(/[{,]([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label);
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, ?/));
  return { metrics: metricNames, labels: [...selected, ...grouped] };
}

/** Labels that Prometheus itself puts on what it reads. */
const FROM_PROMETHEUS = ['job', 'instance'];

function expectKnown(query: string): void {
  const { metrics: asked, labels } = namesIn(query);
  expect(asked.length, query).toBeGreaterThan(0);
  for (const name of asked) expect(page.names, query).toContain(name);
  const families = [...page.families].filter(([name]) => asked.some((one) => one.startsWith(name)));
  // What only workers have is not on this page.
  const known = new Set([...families.flatMap(([, family]) => labelsOf(family)), ...FROM_PROMETHEUS, 'process']);
  expect([...known], query).toEqual(expect.arrayContaining(labels));
}

describe('docs/operations.md', () => {
  it('has a row for each metric that there is, in the same order, and for no other', () => {
    expect(tableRows().map(([name]) => name)).toEqual([...page.families.keys()]);
  });

  it('names the labels of each', () => {
    const rows = tableRows().filter(([name]) => name !== 'holdfast_worker_queue_bytes');
    const real = rows.map(([name]) => [name, labelsOf(page.families.get(name) ?? expect.fail(name))]);
    expect(rows).toEqual(real);
  });

  it('has three alerts to start with, of metrics that there are', () => {
    const [, text = ''] = /^```yaml\n(groups:[\s\S]*?)^```$/m.exec(operations) ?? [];
    const rules: unknown = parse(text);
    expect(valuesOf(rules, 'alert')).toHaveLength(3);
    for (const expr of valuesOf(rules, 'expr')) expectKnown(String(expr));
  });

  it.each([
    ['holdfast_dropped_items_total', Object.keys(new Counters().dropped).length],
    ['holdfast_origin_requests_total', 14],
    ['holdfast_published_items_total', 6],
  ])('says what the label of %s can be', (name, count) => {
    const pages = operations + readFileSync(join(PROJECT, 'docs/publishing.md'), 'utf8');
    const values = [...(page.families.get(name)?.samples.keys() ?? [])].map((series) => series.split('"')[1] ?? '');
    expect(values).toHaveLength(count);
    expect(values.filter((value) => !/^\dxx$/.test(value) && !pages.includes(`\`${value}\``))).toEqual([]);
  });
});

describe('docs/grafana-dashboard.json', () => {
  it('is a dashboard: panels with ids and places of their own, each with queries', () => {
    const ids = valuesOf(dashboard, 'id');
    expect(new Set(ids).size).toBe(ids.length);
    const panels = valuesOf(dashboard, 'panels')
      .flat()
      .filter((panel) => valuesOf(panel, 'targets').length > 0);
    expect(panels.length).toBeGreaterThan(20);
    const places = panels.map((panel) => JSON.stringify(valuesOf(panel, 'gridPos')));
    expect(new Set(places).size).toBe(places.length);
    for (const panel of panels) expect(valuesOf(panel, 'expr').length).toBeGreaterThan(0);
  });

  it('asks for metrics and labels that there are', () => {
    for (const expr of valuesOf(dashboard, 'expr')) expectKnown(String(expr));
    for (const query of valuesOf(dashboard, 'definition')) {
      const [, name = ''] = /label_values\((\w+)/.exec(String(query)) ?? [];
      expect(page.names).toContain(name);
    }
  });

  it('shows every metric of ours', () => {
    const shown = new Set(valuesOf(dashboard, 'expr').flatMap((expr) => namesIn(String(expr)).metrics));
    const missing = [...page.families.keys()].filter(
      (name) => name.startsWith('holdfast_') && ![...shown].some((one) => one.startsWith(name)),
    );
    expect(missing).toEqual([]);
  });
});

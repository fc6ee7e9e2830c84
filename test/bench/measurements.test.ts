/** Medians, ratios that are above 1 when ours is better, and the tables made of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Measurements,
  median,
  pairedRatio,
  type Run,
  ratio,
  readMeasurements,
  writeJson,
} from '../../bench/report/measurements.js';
import { aligned, comparisonTable, measurementsTable, shown } from '../../bench/report/table.js';

function run(server: string, number: number, figures: Record<string, number>, more: Partial<Run> = {}): Run {
  return { scenario: 'proxy', server, run: number, figures, faults: {}, ...more };
}

function measurements(servers: readonly string[], runs: readonly Run[]): Measurements {
  const machine = { cpu: 'x', cores: 2, memory: 1, system: 's', node: 'v20', load: 0 };
  return { kind: 'measurements', date: '2026-01-01T00:00:00Z', machine, versions: {}, options: {}, servers, runs };
}

describe('the median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[Number.NaN, 7, Number.POSITIVE_INFINITY, undefined], 7],
    [[], undefined],
  ])('of %j is %j', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('a ratio', () => {
  it('is above 1 for more of a rate and for less of a latency', () => {
    expect(ratio('requests_per_cpu_s', 200, 100)).toBe(2);
    expect(ratio('p99_us', 50, 100)).toBe(2);
    expect(ratio('kb_per_hold', 100, 50)).toBe(0.5);
  });

  it('is nothing where a value is missing or cannot be divided by', () => {
    expect(ratio('p99_us', undefined, 1)).toBeUndefined();
    expect(ratio('requests_per_s', 1, 0)).toBeUndefined();
  });

  it('of several runs is the median of the pairs, not the ratio of the medians', () => {
    const runs = [
      run('a', 1, { requests_per_s: 100 }),
      run('b', 1, { requests_per_s: 50 }),
      run('a', 2, { requests_per_s: 30 }),
      run('b', 2, { requests_per_s: 10 }),
      run('a', 3, { requests_per_s: 40 }),
      run('b', 3, { requests_per_s: 40 }),
      run('a', 4, { requests_per_s: 40 }),
    ];
    expect(pairedRatio(runs, 'proxy', 'requests_per_s', ['a', 'b'])).toEqual({ median: 2, least: 1, most: 3 });
    expect(pairedRatio(runs, 'proxy', 'p50_us', ['a', 'b'])).toBeUndefined();
  });
});

describe('a table', () => {
  it('shows three digits, and all of them before the point', () => {
    expect([0.012345, 9.876, 123.4, 12_345.6, undefined, Number.NaN].map(shown)).toEqual([
      '0.0123',
      '9.88',
      '123',
      '12,346',
      '-',
      '-',
    ]);
  });

  it('has columns as wide as what is in them, numbers to the right', () => {
    expect(
      aligned([
        ['a', 'b', 'c'],
        ['long', '', '10'],
      ]),
    ).toBe('a     b   c\nlong     10');
  });

  it('has medians, the ratio with its spread, and a line for each fault', () => {
    const text = measurementsTable(
      measurements(
        ['holdfast', 'other'],
        [
          run('holdfast', 1, { requests_per_cpu_s: 40_000, p99_us: 10 }),
          run('other', 1, { requests_per_cpu_s: 10_000, p99_us: 30 }),
          run('other', 2, { requests_per_cpu_s: 20_000 }, { faults: { lost: 3 } }),
          run('holdfast', 2, { requests_per_cpu_s: 42_000 }),
          run('holdfast', 3, {}, { error: 'it did not start' }),
        ],
      ),
    );
    expect(text).toContain('requests per CPU second    41,000  15,000   3.05  2.1 to 4');
    expect(text).toContain('latency p99, µs                10      30      3');
    expect(text).toContain('faults: proxy, other, run 2: lost: 3');
    expect(text).toContain('faults: proxy, holdfast, run 3: it did not start');
  });

  it('of one server has no ratio', () => {
    const text = measurementsTable(measurements(['holdfast'], [run('holdfast', 1, { p50_us: 1 })]));
    expect(text).not.toContain('ratio');
  });

  it('of two files has what both measured, above 1 where the new one is better', () => {
    const old = measurements(['holdfast'], [run('holdfast', 1, { requests_per_cpu_s: 100, p50_us: 5 })]);
    const now = measurements(
      ['holdfast (2 workers)', 'other'],
      [
        run('holdfast (2 workers)', 1, { requests_per_cpu_s: 150, p99_us: 9 }),
        run('other', 1, { requests_per_cpu_s: 1 }),
      ],
    );
    expect(comparisonTable(old, now).split('\n')).toEqual([
      'scenario  figure                   old  new  ratio',
      'proxy     requests per CPU second  100  150    1.5',
    ]);
  });
});

describe('a file of measurements', () => {
  const folder = mkdtempSync(join(tmpdir(), 'measurements-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read as it was written', () => {
    const file = join(folder, 'a.json');
    const written = measurements(['holdfast'], [run('holdfast', 1, { p50_us: 1.5 })]);
    writeJson(file, written);
    expect(readMeasurements(file)).toEqual(written);
  });

  it('that is something else is refused by name', () => {
    const file = join(folder, 'b.json');
    writeFileSync(file, '{"kind":"soak"}');
    expect(() => readMeasurements(file)).toThrow(file);
  });
});

/** The tools themselves, with tiny loads against the built command: they measure, find no faults, and leave nothing running. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hasProc, processTree } from '../../bench/measure/process-tree.js';
import { readMeasurements } from '../../bench/report/measurements.js';
import { Child, type Ending } from '../support/child.js';
import { within } from '../support/deadline.js';

const PATIENCE = 40_000;

const folder = mkdtempSync(join(tmpdir(), 'tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(tool: string, ...args: readonly string[]): Promise<Ending> {
  const child = Child.node([`dist-bench/${tool}.js`, ...args]);
  try {
    return await within(`the end of ${tool}`, child.ending, PATIENCE);
  } finally {
    await child.stop();
  }
}

describe('the benchmark', { timeout: PATIENCE + 10_000 }, () => {
  const file = join(folder, 'bench.json');
  const tiny = ['--secs', '0.3', '--warm-up', '0.1', '--conns', '20'];

  it('measures without faults, writes what it measured, and compares it with itself', async () => {
    const names = 'proxy,fanout,fanout-ws,channels,poll,wsecho';
    const { code, stdout, stderr } = await run('main', '--scenarios', names, ...tiny, '--json', file);
    expect(code, stdout + stderr).toBe(0);
    const { runs, servers } = readMeasurements(file);
    expect(servers).toEqual(['holdfast']);
    expect(runs.map(({ scenario }) => scenario).join()).toBe(names);
    for (const { scenario, figures, faults } of runs) {
      // A machine with too much to do may publish to a poll too early, which is no fault of anybody.
      const { 'published again': _again, ...real } = faults;
      expect(real, scenario).toEqual({});
      expect(Math.min(...Object.values(figures)), scenario).toBeGreaterThan(0);
    }
    const compared = await run('main', '--compare', file, file);
    expect(compared.code).toBe(0);
    expect(compared.stdout).toMatch(/proxy +requests per second +([\d,.]+) +\1 +1\n/);
    if (hasProc()) expect(processTree(process.pid).length).toBe(1);
  });

  it('fails in words when a server does not start', async () => {
    const { code, stdout } = await run('main', '--scenarios', 'proxy', ...tiny, '--against', 'false');
    expect(code).toBe(1);
    expect(stdout).toContain('faults: proxy, other, run 1: other did not start: the server ended with 1');
  });

  it('refuses wrong arguments with one sentence', async () => {
    const { code, stderr } = await run('main', '--runs', '0');
    expect([code, stderr]).toEqual([2, '--runs has to be a number from 1 to 1000, not "0"\n']);
  });
});

describe('the profiler', { timeout: PATIENCE + 10_000 }, () => {
  it('tells functions, files, rooms and collection, and keeps the profile when asked to', async () => {
    const file = join(folder, 'proxy.cpuprofile');
    const { code, stdout, stderr } = await run('profile', '--scenario', 'proxy', '--secs', '0.5', '--keep', file);
    expect(code, stdout + stderr).toBe(0);
    for (const part of [
      'garbage collection',
      'self time by function',
      'by file',
      'src/proxy',
      'with the profiler on',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('samples');
  });
});

describe('the comparison of Pinghub with GRIP', { timeout: PATIENCE + 10_000 }, () => {
  const file = join(folder, 'pinghub.json');
  const tiny = ['--conns', '20', '--rounds', '1', '--secs', '0.4', '--warm-up', '0.1', '--json', file];

  it('measures both in one run without faults, and gives their ratio', async () => {
    const { code, stdout, stderr } = await run('pinghub', ...tiny, '--least', '0');
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/\npinghub: POST \/path +[\d,]+ +[\d,]+\nGRIP: POST \/publish\/ +[\d,]+ +[\d,]+\n/);
    if (!hasProc()) return;
    expect(stdout).toMatch(/\nratio per CPU second, median of 2 rounds: [\d.]+ \([\d.]+ to [\d.]+\)\n$/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ kind: 'pinghub', faults: {} });
  });

  it.runIf(hasProc())('fails in words when the ratio is below what is asked for', async () => {
    const { code, stdout } = await run('pinghub', ...tiny, '--least', '9');
    expect(code).toBe(1);
    expect(stdout).toContain('\nfailed: the ratio is below 9\n');
  });
});

describe('the run with slow readers', { timeout: PATIENCE + 10_000 }, () => {
  it('sees them closed and counted, and everybody else served', async () => {
    const sizes = ['--secs', '1.5', '--streams', '20', '--slow', '4', '--size', '50000', '--outbox', '100000'];
    const { code, stdout, stderr } = await run('slow', ...sizes);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/4 never read .* 4 +4 +16\n/);
  });
});
